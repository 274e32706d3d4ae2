"""A Kedro project in this process: its code, its settings, its registered pipelines."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline


def bootstrap(project_path: Path, package: str | None) -> str:
    """Make the project's code and settings ready in this process; returns the package's name.

    A project folder is bootstrapped as `kedro run` does, which also puts its `src/` on `sys.path`. Where
    there is none (a cluster's worker with the packaged project installed), `package` is configured.
    """
    from kedro.framework import project
    from kedro.framework.startup import bootstrap_project

    if (project_path / "pyproject.toml").is_file():
        return str(bootstrap_project(project_path).package_name)
    if package is None:
        raise FileNotFoundError(f"there is no Kedro project at {project_path}")
    importlib.import_module(package)
    project.configure_project(package)
    return package


def package_name() -> str | None:
    """The package of the project that this process has bootstrapped, if any."""
    from kedro.framework import project

    return project.PACKAGE_NAME


def all_pipelines() -> dict[str, Pipeline]:
    """All registered pipelines.

    Kedro 1.7's `kedro run --pipeline x` lets the registry load `x` alone (`set_requested`); we need all,
    and leave the choice as we found it.
    """
    from kedro.framework.project import pipelines

    requested = getattr(pipelines, "_requested_pipelines", None)
    if requested is None:
        return dict(pipelines)
    pipelines.set_requested(None)
    try:
        return dict(pipelines)
    finally:
        pipelines.set_requested(requested)


def project_source(project_path: Path) -> Path:
    """A project's configuration folder, as its settings say; the setting was CONF_ROOT in Kedro 0.17."""
    from kedro.framework.project import settings

    return project_path / str(getattr(settings, "CONF_SOURCE", None) or settings.CONF_ROOT)
