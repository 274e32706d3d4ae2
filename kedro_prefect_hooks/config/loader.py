"""`prefect.yml` of a project as models, or one message that says all that is wrong in the file itself.

Which files are read, and how an environment is laid over another, is Kedro's: see `files`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from pydantic import ValidationError

from kedro_prefect_hooks.config import files as prefect_files
from kedro_prefect_hooks.config.messages import Place, Problem, error_of
from kedro_prefect_hooks.config.models import FlowConfig, PrefectConfig
from kedro_prefect_hooks.config.raw import NoPrefectYmlError, read_raw
from kedro_prefect_hooks.config.validation import problems_of


def load_config(config_loader: Any, *, project_path: Path | None = None) -> PrefectConfig:
    """The project's `prefect.yml`, for the environment of the config loader.

    Args:
        config_loader: the project's own (`context.config_loader`), of whatever class.
        project_path: the project's folder, to which relative folders in the file are relative.

    Raises:
        NoPrefectYmlError: there is none.
        ConfigError: it cannot be read, or is not right.
    """
    raw = read_raw(config_loader)
    return parse_config(raw, files=prefect_files.prefect_yml_keys(config_loader), project_path=project_path)


def run_defaults(config_loader: Any) -> FlowConfig:
    """What `defaults:` says, as a flow of its own: for runs that no flow of the file describes.

    Without a `prefect.yml` that is nothing.

    Raises:
        ConfigError: the file cannot be read, or its `defaults:` are not right.
    """
    try:
        raw = read_raw(config_loader)
    except NoPrefectYmlError:
        return FlowConfig()
    only = {"defaults": raw.get("defaults"), "flows": {"run": None}}
    return parse_config(only, files=prefect_files.prefect_yml_keys(config_loader)).flows["run"]


def parse_config(
    raw: Mapping[str, Any], *, files: Mapping[str, str] | None = None, project_path: Path | None = None
) -> PrefectConfig:
    """The models for what stands in the file.

    Args:
        raw: the file's content.
        files: which file holds which top-level key, for messages (see `messages.Place`).
        project_path: as for `load_config`.

    Raises:
        ConfigError: something is not right; all of it is said in one message.
    """
    place = Place((), files or {})
    if not raw:
        text = "the file is empty: expected `flows:` with at least one flow, such as `my-flow:`"
        raise error_of([Problem(place, text)])
    try:
        config = PrefectConfig.model_validate(raw)
    except ValidationError as error:
        raise error_of(problems_of(error, PrefectConfig, place)) from None
    config._put_at(place, project_path)
    return config
