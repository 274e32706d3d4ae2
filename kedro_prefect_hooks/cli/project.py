"""The project that a command works on: where it is, in which Kedro environment, and its flows."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Collection, Iterable

import click

from kedro_prefect_hooks.errors import ConfigError, KedroPrefectError, nearest

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.framework.session import KedroSession

    from kedro_prefect_hooks.flows.project import ProjectFlows
    from kedro_prefect_hooks.session import ProjectRef


class OpenProject:
    """A project opened for one command: a Kedro session and context. Opening it registers nothing.

    Args:
        env: the Kedro environment; None for the one that registers.

    Raises:
        KedroPrefectError: the working directory is in no Kedro project.
        ConfigError: the environment has no folder.
    """

    def __init__(self, env: str | None = None) -> None:
        from kedro_prefect_hooks.session import ProjectRef, open_project

        # Kedro 1 makes newer OmegaConf say this for each config loader, twelve lines each time, and nobody
        # but Kedro can do anything about it.
        warnings.filterwarnings("ignore", message=r"\s*register_new_resolver\(\) is")
        self.metadata = metadata()
        self.path = Path(str(self.metadata.project_path))
        ref = ProjectRef(
            path=str(self.path),
            package=self.metadata.package_name,
            env=env or os.environ.get("KEDRO_ENV") or registering_environment(self.path),
        )
        self.ref: ProjectRef = ref
        opened: tuple[KedroSession, KedroContext] = open_project(ref)
        self.opened = opened
        self.context = opened[1]

    @property
    def env(self) -> str:
        """The environment's name."""
        from kedro_prefect_hooks import _kedro

        return _kedro.environment(self.context) or "local"

    def flows(self) -> ProjectFlows:
        """What `prefect.yml` declares. Imports Prefect.

        Raises:
            ConfigError: it is missing, wrong, or does not fit the project.
        """
        from kedro_prefect_hooks.flows.project import ProjectFlows

        return ProjectFlows(self.context)


def metadata() -> Any:
    """Kedro's `ProjectMetadata` of the project that the command was called in.

    Raises:
        KedroPrefectError: it was called outside of one.
    """
    found = click.get_current_context().find_root().obj
    if found is None:
        raise KedroPrefectError(
            f"There is no Kedro project in {Path.cwd()}: no pyproject.toml with [tool.kedro]. "
            "Change to the project's folder, or make a project with `kedro new`."
        )
    return found


def registering_environment(project_path: Path) -> str | None:
    """The first environment whose `kedro run` registers, or None where it has no folder.

    Commands work in it by default: a flow registered from another one would count as changed at the next
    `kedro run --env deploy`.
    """
    from kedro_prefect_hooks import _kedro
    from kedro_prefect_hooks.config import listed_environments

    session = _kedro.open_session(project_path, _kedro.package_name(), None, None, None)
    loader = _kedro.config_loader(session)
    listed = listed_environments(loader)
    exists = bool(listed) and (Path(_kedro.configuration_source(loader)) / listed[0]).is_dir()
    return listed[0] if exists else None


def check_flow(name: str, declared: Iterable[str]) -> None:
    """Raises ConfigError, with the nearest right name, when no such flow is declared."""
    known = list(declared)
    if name not in known:
        close = nearest(name, known)
        hint = f" Did you mean '{close}'?" if close else ""
        raise ConfigError(f"There is no flow '{name}' in prefect.yml.{hint} It has: {', '.join(known)}.")


def chosen(flows: ProjectFlows, names: Collection[str] = (), pipeline: str | None = None) -> list[str] | None:
    """The flows meant by `--flow` and `--pipeline`; None when all are.

    Raises:
        ConfigError: a flow or pipeline does not exist, or no flow is of that pipeline.
    """
    declared = flows.config.flows
    for name in names:
        check_flow(name, declared)
    if pipeline is None:
        return list(names) or None
    if pipeline not in flows.pipelines:
        close = nearest(pipeline, flows.pipelines)
        hint = f" Did you mean '{close}'?" if close else ""
        raise ConfigError(
            f"There is no pipeline '{pipeline}' in this project.{hint} It has: {', '.join(flows.pipelines)}."
        )
    of_pipeline = [name for name, flow in declared.items() if flow.pipeline == pipeline]
    left = [name for name in of_pipeline if not names or name in names]
    if not left:
        raise ConfigError(f"No flow in prefect.yml has `pipeline: {pipeline}`; add one under `flows:`.")
    return left


def environment_flag(env: str) -> str:
    """The `--env` to show in a next step: as little as was needed to get here."""
    current = click.get_current_context(silent=True)
    given = current.params.get("env") if current is not None else None
    return f" --env {env}" if given else ""
