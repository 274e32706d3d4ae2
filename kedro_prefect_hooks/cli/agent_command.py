"""`kedro prefect agent`."""

from __future__ import annotations

from typing import Any

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.terminal import echo

_CONTAINERS = {
    "api": "--api",
    "env_vars": "--env-var",
    "volumes": "--volume",
    "networks": "--network",
    "no_pull": "--no-pull",
    "namespace": "--namespace",
    "job_template": "--job-template",
}
"""The options that only agents for containers have."""

_ONLY = {
    "volumes": "docker",
    "networks": "docker",
    "no_pull": "docker",
    "namespace": "kubernetes",
    "job_template": "kubernetes",
}


@base.command(name="agent", short_help="Start an agent for this project's flows.")
@base.env_option
@click.option(
    "--type",
    "kind",
    type=click.Choice(["local", "docker", "kubernetes"]),
    default="local",
    help="Where flow runs run: in processes on this machine, in Docker containers on it (flows with "
    "`run_config: DockerRun`), or as Kubernetes jobs (`KubernetesRun`).",
)
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Additional label. Can be repeated.")
@click.option("--name", metavar="NAME", help="The agent's name in Prefect. Default: the Prefect project's.")
@click.option(
    "--all-projects",
    is_flag=True,
    help="Run the flows of other Prefect projects too, if the agent has their labels. With `api: embedded`, "
    "it always does.",
)
@base.prepare_option
@click.option(
    "--api",
    metavar="URL",
    help="Containers: the URL at which they reach the Prefect API. Default: found, for Docker; otherwise the "
    "one in prefect.yml.",
)
@click.option(
    "--env-var",
    "env_vars",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Containers: environment variable for flow runs; without a value, the agent's own. Can be repeated.",
)
@click.option(
    "--volume", "volumes", multiple=True, metavar="SOURCE:TARGET[:MODE]", help="Docker: mount for containers."
)
@click.option("--network", "networks", multiple=True, metavar="NAME", help="Docker: network for containers.")
@click.option("--no-pull", is_flag=True, help="Docker: never pull an image.")
@click.option("--namespace", metavar="NAME", help="Kubernetes: namespace of the jobs.")
@click.option("--job-template", metavar="FILE", help="Kubernetes: template of the jobs.")
def command(
    *,
    env: str | None,
    kind: str,
    labels: tuple[str, ...],
    name: str | None,
    all_projects: bool,
    prepare: bool,
    **given: Any,
) -> None:
    """Start an agent that runs this project's flows, until Ctrl+C is pressed.

    It is one of Prefect's agents, connected to the API that is set in prefect.yml, with all the labels of the
    flows' run configs and schedules. By default, flow runs are processes on this machine, with the project's
    code on the import path. Each sends the log lines of Kedro, Prefect and the project to the API, writes its
    other output to .kedro_prefect/logs, and keeps running when the agent stops.

    With --type docker or kubernetes, they are containers or jobs. Their image needs the project
    (`kedro prefect docker`), and they must reach the API: in a container, 127.0.0.1 is the container itself.

    With `api: embedded`, `kedro prefect up` starts the API and an agent together.
    """
    _check_options(kind, given)
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config import load_config

    project = OpenProject(env)
    project.describe_environment()
    config = load_config(project.context.config_loader, project_path=project.path)
    from kedro_prefect_hooks.agent.api_address import configured_api
    from kedro_prefect_hooks.cli.running_agent import run_container_agent, run_project_agent

    api = configured_api(project.path, config)
    echo(f"Prefect API: {api.url}")
    hint = "Press Ctrl+C to stop the agent; its flow runs keep running."
    if kind == "local":
        run_project_agent(
            project,
            config,
            api,
            labels=labels,
            name=name,
            all_projects=all_projects,
            cancel_on_exit=False,
            prepare=prepare,
            hint=hint,
        )
    else:
        from kedro_prefect_hooks.agent.container_agents import ContainerOptions

        given["env"] = given.pop("env_vars")
        options = ContainerOptions(**given)
        run_container_agent(
            kind,
            project,
            config,
            api,
            options,
            labels=labels,
            name=name,
            all_projects=all_projects,
            hint=hint,
        )
    echo("Stopped.")


def _check_options(kind: str, given: dict[str, Any]) -> None:
    for option, value in given.items():
        if value and (kind == "local" or _ONLY.get(option, kind) != kind):
            needed = _ONLY.get(option, "docker or kubernetes")
            raise click.UsageError(f"{_CONTAINERS[option]} needs --type {needed}.")
