"""Which environments register, which have a folder, and which folders a command reads.

Knows nothing of what the folders contain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

from kedro_prefect_hooks.compat import kedro_config
from kedro_prefect_hooks.config.messages import format_names
from kedro_prefect_hooks.config.reading import (
    DEFAULT_ENVIRONMENTS,
    display_path,
    existing_environments,
    files_by_key,
    written_environments,
)
from kedro_prefect_hooks.errors import ConfigError, did_you_mean


def missing_environments(config_loader: Any) -> Iterator[str]:
    """A message for each of `register.environments` that has no folder; none if `prefect.yml` lists none."""
    existing = existing_environments(config_loader)
    for position, name in enumerate(written_environments(config_loader) or ()):
        if existing and name not in existing:
            file = files_by_key(config_loader)
            yield (
                f"{file.get('register') or file['']}, register.environments[{position}]: found {name!r}, "
                "expected "
                f"the name of an environment with a folder.{did_you_mean(name, existing)} "
                f"Existing environments: {format_names(existing)}."
            )


def registering_environment(config_loader: Any) -> str | None:
    """The first environment in which `kedro run` registers flows and that has a folder.

    None for the project's default one: nothing is listed, or `conf/deploy`, which registers where
    `prefect.yml` does not list any, does not exist.

    Raises:
        ConfigError: none of those that `prefect.yml` lists has a folder.
    """
    existing = existing_environments(config_loader)
    written = written_environments(config_loader)
    for name in DEFAULT_ENVIRONMENTS if written is None else written:
        if name in existing:
            return name
    if written and existing:
        missing = " ".join(missing_environments(config_loader))
        raise ConfigError(f"{missing} Correct it, create the folder, or name an environment with `--env`.")
    return None


def folders_read(config_loader: Any) -> list[str]:
    """The folders that the loader reads, such as ``conf/base`` and ``conf/deploy``."""
    folders = kedro_config.configuration_folders(config_loader)
    return [display_path(config_loader, folder) for folder in folders]


def folder_not_read(config_loader: Any) -> str | None:
    """The folder of the project's default environment, ``conf/local``, if the loader does not read it."""
    default = getattr(config_loader, "default_run_env", "local")
    if not default:
        return None
    folder = Path(kedro_config.configuration_source(config_loader)) / default
    if not folder.is_dir() or folder in kedro_config.configuration_folders(config_loader):
        return None
    return display_path(config_loader, folder)


def description(config_loader: Any, name: str) -> str:
    """One line on the environment of a command: which folders are read and, if it matters, which is not."""
    read = " and ".join(folders_read(config_loader))
    text = f"Environment {name or 'none'}: reads {read}"
    unread = folder_not_read(config_loader)
    if unread is None:
        return f"{text}."
    target = folders_read(config_loader)[-1]
    return (
        f"{text}, not {unread}. What flow runs need from {unread}, such as credentials, belongs in {target}."
    )
