"""A project's agent, run in this process by `kedro prefect agent` and `kedro prefect up`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Iterable

from kedro_prefect_hooks.labels import agent_command, labels_in_words
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.agent.api_address import ApiAddress
    from kedro_prefect_hooks.agent.container_agents import ContainerOptions
    from kedro_prefect_hooks.agent.watchful_agent import WatchfulAgent
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config.models import PrefectConfig


def run_project_agent(
    project: OpenProject,
    config: PrefectConfig,
    api: ApiAddress,
    *,
    labels: Iterable[str],
    name: str | None = None,
    all_projects: bool = False,
    cancel_on_exit: bool,
    prepare: bool,
    hint: str,
) -> None:
    """Run the agent until SIGINT or SIGTERM.

    Args:
        project: the project.
        config: its prefect.yml.
        api: the Prefect API.
        labels: labels in addition to those of the project's flows.
        name: the agent's name in Prefect; by default that of the Prefect project.
        all_projects: whether to run the flows of other Prefect projects too.
        cancel_on_exit: whether stopping the agent cancels its flow runs.
        prepare: whether to keep a process ready for the next flow run.
        hint: how to stop it, printed when it is ready.
    """
    from kedro_prefect_hooks.agent.flow_labels import flows_for_other_agents
    from kedro_prefect_hooks.agent.project_agent import make_agent, prefect_configured_for, run_agent

    for flow, run_config in flows_for_other_agents(config).items():
        echo(
            f"Flow '{flow}' has `run_config: {run_config}` and needs another agent "
            f"(`{agent_command(run_config)}`)."
        )
    with prefect_configured_for(api):
        agent = make_agent(
            project.path,
            config,
            package=str(project.metadata.package_name),
            source_dir=Path(str(project.metadata.source_dir)),
            labels=labels,
            name=name,
            cancel_on_exit=cancel_on_exit,
            prepare=prepare,
            echo=echo,
        )
        if not all_projects:
            _limit_to_project(agent, project, config)
        _announce(agent, hint)
        run_agent(agent, api)


def run_container_agent(
    kind: str,
    project: OpenProject,
    config: PrefectConfig,
    api: ApiAddress,
    options: ContainerOptions,
    *,
    labels: Iterable[str],
    name: str | None,
    all_projects: bool = False,
    hint: str,
) -> None:
    """Run an agent for containers until SIGINT or SIGTERM.

    Args:
        kind: ``docker`` or ``kubernetes``.
        project: the project.
        config: its prefect.yml.
        api: the Prefect API, as this machine reaches it.
        options: what the user says about containers.
        labels: labels in addition to those of the project's flows.
        name: the agent's name in Prefect; by default that of the Prefect project.
        all_projects: whether to run the flows of other Prefect projects too.
        hint: how to stop it, printed when it is ready.
    """
    from kedro_prefect_hooks.agent.container_agents import make_container_agent
    from kedro_prefect_hooks.agent.project_agent import prefect_configured_for, run_agent

    with prefect_configured_for(api):
        agent = make_container_agent(
            kind,
            project.path,
            config,
            api,
            options,
            package=str(project.metadata.package_name),
            labels=labels,
            name=name,
            echo=echo,
        )
        if not all_projects:
            _limit_to_project(agent, project, config)
        _announce(agent, hint)
        run_agent(agent, api)


def _limit_to_project(agent: WatchfulAgent, project: OpenProject, config: PrefectConfig) -> None:
    """Let the agent leave other Prefect projects alone; all of the embedded API's belong to this project."""
    if config.api != "embedded":
        agent.only_project = config.project or str(project.metadata.package_name)


def _announce(agent: WatchfulAgent, hint: str) -> None:
    agent.on_ready = lambda: echo(
        f"Agent '{agent.name}' is waiting for flow runs with {labels_in_words(agent.labels)}. {hint}"
    )
