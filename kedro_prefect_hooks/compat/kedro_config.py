"""A project's configuration: where it is, and what its config loader has under a name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro_prefect_hooks.compat import kedro_017

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext


def configuration(context: KedroContext, what: str) -> dict[str, Any]:
    """The merged configuration `what` ("parameters", "catalog"), unvalidated; empty where there is none."""
    from kedro.config import MissingConfigException

    patterns = [f"{what}*", f"{what}*/**", f"**/{what}*"]
    try:
        return dict(read_configuration(context.config_loader, what, patterns))
    except MissingConfigException:
        return {}


def read_configuration(config_loader: Any, name: str, patterns: list[str]) -> Any:
    """What the project's config loader has under a name, for files of these patterns.

    Kedro 0.18.1 and 0.18.2 have no `config_patterns`, and their loaders are no mappings.
    """
    known = getattr(config_loader, "config_patterns", None)
    if known is None:
        return config_loader.get(*patterns)
    known.setdefault(name, patterns)
    return config_loader[name]


def configuration_folders(config_loader: Any) -> list[Path]:
    """The folders that the loader reads, in its order: the base environment's, then the one's in use."""
    if kedro_017.is_installed():
        return kedro_017.configuration_folders(config_loader)
    source = Path(configuration_source(config_loader))
    base = getattr(config_loader, "base_env", None) or ""
    environment = config_loader.env or getattr(config_loader, "default_run_env", None) or ""
    return list(dict.fromkeys([source / base, source / environment]))


def configuration_source(config_loader: Any) -> str:
    """The folder that has the environments' folders; it may be in an archive or remote."""
    if kedro_017.is_installed():
        return str(kedro_017.configuration_folders(config_loader)[0].parent)
    return str(config_loader.conf_source)


def chosen_source(context: KedroContext) -> str | None:
    """The configuration source of a context when it is not the one of the project's settings.

    `kedro run --conf-source`, since Kedro 0.18.3. Absolute, since other processes work in other folders.
    """
    from kedro.framework.project import settings

    source = getattr(context.config_loader, "conf_source", None)
    if source is None:
        return None
    own = Path(str(context.project_path)) / settings.CONF_SOURCE
    given = str(source)
    if "://" in given:
        return given
    return None if Path(given).resolve() == own.resolve() else str(Path(given).absolute())
