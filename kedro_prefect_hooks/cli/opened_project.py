"""The project that a command works on: its folder, its Kedro environment, its flows."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Collection, NamedTuple

import click

from kedro_prefect_hooks import command_lines
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.errors import ConfigError, KedroPrefectError, did_you_mean
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows
    from kedro_prefect_hooks.runs.session import OpenedProject
    from kedro_prefect_hooks.runs.spec import ProjectRef


class OpenProject:
    """A project opened for one command: a Kedro session and context. Opening it registers nothing.

    Args:
        env: the Kedro environment; None for the one that registers flows.

    Raises:
        KedroPrefectError: the working directory is not in a Kedro project.
        ConfigError: the environment has no folder.
    """

    def __init__(self, env: str | None = None) -> None:
        from kedro_prefect_hooks.runs.session import open_project
        from kedro_prefect_hooks.runs.spec import ProjectRef

        # Kedro 1 makes newer OmegaConf emit this for each config loader, twelve lines each time, and only
        # Kedro can change it.
        warnings.filterwarnings("ignore", message=r"\s*register_new_resolver\(\) is")
        self.metadata = project_metadata()
        self.path = Path(str(self.metadata.project_path))
        conf_source = given_conf_source()
        ref = ProjectRef(
            path=str(self.path),
            package=self.metadata.package_name,
            env=env or os.environ.get("KEDRO_ENV") or default_environment(self.path, conf_source),
            conf_source=conf_source,
        )
        if isinstance(self.metadata, PackagedProject):
            command_lines.name_packaged_project(self.metadata.package_name, ref.env, conf_source)
        self.ref: ProjectRef = ref
        self.opened: OpenedProject = open_project(ref)
        self.context = self.opened.context

    @property
    def env(self) -> str:
        """The environment's name; empty for a project without environments."""
        from kedro_prefect_hooks.compat import kedro_session

        return kedro_session.environment(self.context) or ""

    def describe_environment(self, *, err: bool = True) -> None:
        """Print which environment the command works in, and what is wrong with those that register."""
        from kedro_prefect_hooks.config.environments import description, missing_environments

        loader = self.context.config_loader
        echo(description(loader, self.env), err=err)
        for text in missing_environments(loader):
            echo(f"Note: {text}", err=err)

    def flows(self) -> ProjectFlows:
        """The flows that prefect.yml declares. Imports Prefect.

        Raises:
            ConfigError: prefect.yml is missing, invalid, or does not match the project.
        """
        from kedro_prefect_hooks.flows.project_flows import ProjectFlows

        return ProjectFlows(self.context)


class PackagedProject(NamedTuple):
    """What the commands need of Kedro's `ProjectMetadata`, where a project is installed and has no folder.

    Attributes:
        package_name: its Python package.
        project_path: the working directory: relative paths in the configuration count from here.
        source_dir: the same; the package is importable anyway.
    """

    package_name: str
    project_path: Path
    source_dir: Path


def project_metadata() -> Any:
    """Kedro's `ProjectMetadata` of the project in which the command was started, or a `PackagedProject`.

    Raises:
        KedroPrefectError: it was started outside a project, and `--package` does not name an installed one.
    """
    metadata = click.get_current_context().find_root().obj
    package = base.noted_option("package")
    if metadata is not None and (package is None or package == metadata.package_name):
        command_lines.forget_packaged_project()
        return metadata
    if package is None:
        raise KedroPrefectError(
            f"There is no Kedro project in {Path.cwd()}: no pyproject.toml with [tool.kedro]. "
            "Change to a project folder, create a project with `kedro new`, or name an installed project "
            "with --package."
        )
    if metadata is not None:
        raise KedroPrefectError(
            f"--package {package}: this folder is the project {metadata.package_name}. Change to another "
            "folder."
        )
    from kedro_prefect_hooks.compat import kedro_project

    try:
        kedro_project.bootstrap(Path.cwd(), package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise KedroPrefectError(
            f"--package {package}: no such package is installed in {sys.prefix}. Install the packaged "
            "project there (`kedro package` writes it to dist/)."
        ) from None
    # Which environment is not known yet, but what goes wrong from here on can name a command.
    command_lines.name_packaged_project(package, None, base.noted_option("conf_source"))
    return PackagedProject(package, Path.cwd(), Path.cwd())


def given_conf_source() -> str | None:
    """`--conf-source`.

    Raises:
        KedroPrefectError: this version of Kedro cannot use it.
    """
    from kedro_prefect_hooks.compat import kedro_session

    conf_source = base.noted_option("conf_source")
    if conf_source is not None and not kedro_session.accepts_conf_source():
        raise KedroPrefectError("--conf-source needs Kedro 0.18.3 or later.")
    return conf_source


def default_environment(project_path: Path, conf_source: str | None = None) -> str | None:
    """The environment in which `kedro run` registers flows; None for the project's default environment.

    Commands use it by default: a flow registered from another environment would count as changed at the next
    `kedro run --env deploy`.

    Raises:
        ConfigError: `prefect.yml` lists environments, and none of them has a folder.
    """
    from kedro_prefect_hooks.config.environments import registering_environment

    return registering_environment(config_loader(project_path, conf_source))


def config_loader(project_path: Path, conf_source: str | None = None) -> Any:
    """A config loader of the project's default environment. No hook is called."""
    from kedro_prefect_hooks.compat import kedro_project, kedro_session

    session = kedro_session.open_session(project_path, kedro_project.package_name(), None, conf_source, None)
    return kedro_session.config_loader(session)


def selected_flows(
    flows: ProjectFlows, names: Collection[str] = (), pipeline: str | None = None
) -> list[str] | None:
    """The flows that `--flow` and `--pipeline` select; None for all flows.

    Raises:
        ConfigError: a flow or the pipeline does not exist, or no selected flow is of that pipeline.
    """
    flows.check_declared(names)
    if pipeline is None:
        return list(names) or None
    if pipeline not in flows.pipelines:
        hint = did_you_mean(pipeline, flows.pipelines)
        raise ConfigError(
            f"There is no pipeline '{pipeline}' in this project.{hint} It has: {', '.join(flows.pipelines)}."
        )
    of_pipeline = [name for name, flow in flows.config.flows.items() if flow.pipeline == pipeline]
    selected = [name for name in of_pipeline if not names or name in names]
    if not selected:
        raise ConfigError(f"No flow in prefect.yml has `pipeline: {pipeline}`. Add one under `flows:`.")
    return selected
