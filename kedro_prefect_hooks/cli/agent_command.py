"""`kedro prefect agent`."""

from __future__ import annotations

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.terminal import echo


@base.command(name="agent", short_help="Start an agent for this project's flows.")
@base.env_option
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Additional label. Can be repeated.")
@click.option("--name", metavar="NAME", help="The agent's name in Prefect. Default: the Prefect project's.")
@base.prepare_option
def command(*, env: str | None, labels: tuple[str, ...], name: str | None, prepare: bool) -> None:
    """Start an agent that runs this project's flows on this machine, until Ctrl+C is pressed.

    It is Prefect's LocalAgent, connected to the API that is set in prefect.yml, with all the labels of the
    flows' run configs and schedules, and with the project's code on the import path. Each flow run is a
    process of its own: it sends the log lines of Kedro, Prefect and the project to the API, writes its other
    output to .kedro_prefect/logs, and keeps running when the agent stops.

    With `api: embedded`, `kedro prefect up` starts the API and an agent together.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config import load_config

    project = OpenProject(env)
    project.describe_environment()
    config = load_config(project.context.config_loader, project_path=project.path)
    from kedro_prefect_hooks.agent.api_address import configured_api
    from kedro_prefect_hooks.cli.running_agent import run_project_agent

    api = configured_api(project.path, config)
    echo(f"Prefect API: {api.url}")
    hint = "Press Ctrl+C to stop the agent; its flow runs keep running."
    run_project_agent(
        project, config, api, labels=labels, name=name, cancel_on_exit=False, prepare=prepare, hint=hint
    )
    echo("Stopped.")
