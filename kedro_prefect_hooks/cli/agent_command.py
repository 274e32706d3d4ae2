"""`kedro prefect agent`."""

from __future__ import annotations

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.labels import labels_in_words


@base.command(name="agent", short_help="Start an agent for this project's flows.")
@base.env_option
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="One more label; may be repeated.")
@click.option("--name", metavar="NAME", help="The agent's name in Prefect. Default: the Prefect project's.")
def command(*, env: str | None, labels: tuple[str, ...], name: str | None) -> None:
    """Start an agent that runs this project's flows on this machine, until Ctrl-C.

    It is Prefect's LocalAgent, at the API that prefect.yml means, with all the labels that the flows' run
    configs and schedules ask for, and with the project's code on the import path. Flow runs are processes
    of their own: they send Kedro's, the project's and Prefect's log lines to the API, what else they print
    goes to .kedro_prefect/logs, and they go on when the agent ends.

    For `api: embedded`, `kedro prefect up` starts the API and an agent together.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config import load_config

    project = OpenProject(env)
    config = load_config(project.context.config_loader, project_path=project.path)
    from kedro_prefect_hooks.agent.project_agent import pointing_at, run_agent
    from kedro_prefect_hooks.agent.project_setup import configured_api

    api = configured_api(project.path, config)

    with pointing_at(api.url, api.token):
        agent = project.agent(config, labels=labels, name=name, end_runs=False)
        agent.on_ready = lambda: click.echo(
            f"Agent '{agent.name}' works for {api.url} with {labels_in_words(agent.labels)}. "
            "Ctrl-C ends it; flow runs go on."
        )
        run_agent(agent, api.url)
    click.echo("The agent has ended.")
