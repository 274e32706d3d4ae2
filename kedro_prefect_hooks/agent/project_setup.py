"""The agent of a project: which API it works for, which labels it needs, how its flow runs are started.

Knows Prefect's agents through `project_agent` only, and no command line.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, NamedTuple

import click

from kedro_prefect_hooks.config.typed import SAME_MACHINE_RUN_CONFIGS
from kedro_prefect_hooks.errors import ApiError

if TYPE_CHECKING:
    from kedro_prefect_hooks.agent.project_agent import ProjectAgent
    from kedro_prefect_hooks.config.models import PrefectConfig


class ApiAddress(NamedTuple):
    """The Prefect API that prefect.yml means, and the token that it wants, if any."""

    url: str
    token: str | None = None


def configured_api(project_path: Path, config: PrefectConfig) -> ApiAddress:
    """The API that an agent is to work for, once it has answered.

    Raises:
        ApiError: it is away, or is the embedded one and does not run.
    """
    from kedro_prefect_hooks.api.connection import open_api

    running = None
    if config.api == "embedded":
        from kedro_prefect_hooks.embedded import location

        running = location.running(project_path)
        if running is None:
            raise ApiError(
                "The embedded API is not running. `kedro prefect up` starts it, with an agent; "
                "`kedro prefect up --no-agent` starts it alone, for an agent beside it."
            )
    with open_api(config, project_path) as api:
        api.transport.graphql("query { hello }")
        return ApiAddress(api.transport.url, running.token if running else None)


def make_agent(
    project_path: Path,
    config: PrefectConfig,
    *,
    package: str,
    source_dir: Path,
    labels: Iterable[str] = (),
    name: str | None = None,
    end_runs: bool,
    on_ready: Callable[[], Any] = lambda: None,
) -> ProjectAgent:
    """An agent for a project. Prefect must be pointing at the API.

    Args:
        project_path: the project's folder.
        config: its prefect.yml.
        package: the project's Python package.
        source_dir: the folder that contains it.
        labels: beside those that its flows ask for.
        name: in Prefect; by default that of the Prefect project.
        end_runs: whether its flow runs end with it.
        on_ready: called once it is about to ask for work.
    """
    from kedro_prefect_hooks.agent.project_agent import ProjectAgent
    from kedro_prefect_hooks.embedded import location

    wanted = labels_of(config)
    return ProjectAgent(
        location.state_dir(project_path) / "logs",
        end_runs=end_runs,
        takes_unlabelled=not all(wanted),
        on_ready=on_ready,
        name=name or config.project or package,
        labels=sorted(set(labels).union(*wanted)),
        import_paths=[str(source_dir), str(project_path)],
        env_vars=_env_vars(embedded=config.api == "embedded"),
        # This machine's name would only be one more label; flows in `Local` storage ask for it by themselves.
        hostname_label=False,
    )


def _env_vars(embedded: bool) -> dict[str, str]:
    """Settings for flow runs, unless the environment has them already.

    Prefect's heartbeat is a process of its own by default, which goes on when the flow run's is killed, so
    that nobody would ever see the run as dead; a thread ends with it. An API on this machine can be asked
    more often than one that many share: log lines come at once, and a cancelled run ends soon.
    """
    wanted = {"PREFECT__CLOUD__HEARTBEAT_MODE": "thread"}
    if embedded:
        wanted["PREFECT__CLOUD__LOGGING_HEARTBEAT"] = "1"
        wanted["PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL"] = "3"
    return {name: value for name, value in wanted.items() if name not in os.environ}


def labels_of(config: PrefectConfig) -> list[frozenset[str]]:
    """The sets of labels that runs of these flows may have; says which flows need another kind of agent."""
    import socket

    found: list[frozenset[str]] = []
    for name, flow in config.flows.items():
        run_config = flow.build_run_config()
        kind = type(run_config).__name__
        if kind not in SAME_MACHINE_RUN_CONFIGS:
            click.echo(
                f"Flow '{name}' has `run_config: {kind}`: it needs another agent "
                f"(`prefect agent {kind.replace('Run', '').lower()} start`)."
            )
            continue
        is_local = type(flow.build_storage()).__name__ == "Local"  # which adds the name of its machine
        here = {socket.gethostname()} if is_local else set()
        found.append(frozenset({*(run_config.labels or ()), *here}))
        for clock in getattr(flow.build_schedule(), "clocks", ()):
            if clock.labels is not None:
                found.append(frozenset(clock.labels))
    return found


def labels_in_words(labels: Iterable[str]) -> str:
    """Such as ``the labels a, b``."""
    names = sorted(labels)
    return f"the label{'' if len(names) == 1 else 's'} {', '.join(names)}" if names else "no labels"
