"""`prefect.yml` before any model: what the hook needs to know on every `kedro run`, in no time.

Imports neither pydantic nor Prefect.
"""

from __future__ import annotations

from typing import Any, Mapping

from kedro_prefect_hooks.compat import kedro_config
from kedro_prefect_hooks.config import files as prefect_files
from kedro_prefect_hooks.config.messages import listed
from kedro_prefect_hooks.errors import ConfigError, did_you_mean

DEFAULT_ENVIRONMENTS = ("deploy",)

HOW_TO_BEGIN = "write one with `kedro prefect init`"


class NoPrefectYmlError(ConfigError):
    """The project has no `prefect.yml`: for the hook nothing to do, for a command an error."""


def read_raw(config_loader: Any) -> dict[str, Any]:
    """What stands in `prefect.yml`, unchecked.

    Raises:
        NoPrefectYmlError: there is none.
        ConfigError: there is one that cannot be read, or the environment's folder is missing.
    """
    try:
        return prefect_files.read_prefect_yml(config_loader)
    except prefect_files.NoPrefectYml:
        folders = dict.fromkeys(
            prefect_files.shown_path(config_loader, folder)
            for folder in kedro_config.configuration_folders(config_loader)
        )
        text = f"There is no prefect.yml in {' or '.join(folders)}: {HOW_TO_BEGIN}."
        raise NoPrefectYmlError(text) from None
    except prefect_files.NoEnvironmentFolder as error:
        folder = prefect_files.shown_path(config_loader, error.folder)
        hint = did_you_mean(error.folder.name, error.environments)
        raise ConfigError(
            f"The configuration folder {folder} does not exist.{hint} "
            f"Existing environments: {listed(error.environments)}. "
            f"Make the folder, or name another environment with `--env`."
        ) from None
    except prefect_files.BrokenPrefectYml as error:
        raise ConfigError(f"{error.file or 'prefect.yml'}: {error.text}") from error


def listed_environments(config_loader: Any) -> tuple[str, ...]:
    """The environments for which `kedro run` registers.

    Where the file is missing or not right they are the default ones, so that a plain `kedro run` is left
    alone and `kedro run --env deploy`, which goes on to `load_config`, says what is wrong.
    """
    try:
        raw = prefect_files.read_prefect_yml(config_loader)
    except (prefect_files.NoPrefectYml, prefect_files.NoEnvironmentFolder, prefect_files.BrokenPrefectYml):
        return DEFAULT_ENVIRONMENTS
    register = raw.get("register")
    if not isinstance(register, Mapping) or "environments" not in register:
        return DEFAULT_ENVIRONMENTS
    environments = register["environments"]
    if environments is None:
        return ()
    if isinstance(environments, str):
        return (environments,)
    return tuple(map(str, environments)) if isinstance(environments, list) else DEFAULT_ENVIRONMENTS
