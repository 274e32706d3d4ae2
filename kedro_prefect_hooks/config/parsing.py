"""`prefect.yml` of a project as models, or one message that lists everything wrong in the file itself.

Knows nothing of which files are read, nor of how environments override each other: see `reading`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from kedro_prefect_hooks.compat.pydantic_models import ValidationError
from kedro_prefect_hooks.config.literal_secrets import literal_secrets
from kedro_prefect_hooks.config.messages import InvalidConfigError, Place, Problem
from kedro_prefect_hooks.config.models import FlowConfig, PrefectConfig
from kedro_prefect_hooks.config.reading import ONE_FLOW, NoPrefectYmlError, files_by_key, read_prefect_yml
from kedro_prefect_hooks.config.validation import problems_of


def load_config(config_loader: Any, *, project_path: Path | None = None) -> PrefectConfig:
    """Load the project's `prefect.yml`, for the environment of the config loader.

    Args:
        config_loader: the project's own (`context.config_loader`), of any class.
        project_path: the project's folder, to which relative folders in the file are relative.

    Raises:
        NoPrefectYmlError: there is none.
        ConfigError: it cannot be read, or is invalid.
    """
    raw = read_prefect_yml(config_loader)
    return parse_config(raw, files=files_by_key(config_loader), project_path=project_path)


def run_defaults(config_loader: Any) -> FlowConfig:
    """Load `defaults:` as a flow of its own, for runs that no flow of the file describes.

    Without a `prefect.yml`, the flow has all default settings.

    Raises:
        ConfigError: the file cannot be read, or its `defaults:` are invalid.
    """
    try:
        raw = read_prefect_yml(config_loader)
    except NoPrefectYmlError:
        return FlowConfig()
    defaults_only = {
        "defaults": raw.get("defaults"),
        "flows": {"run": None},
        "not_secrets": [name for name in _names(raw.get("not_secrets")) if not name.startswith("flows.")],
    }
    return parse_config(defaults_only, files=files_by_key(config_loader)).flows["run"]


def parse_config(
    raw: Mapping[str, Any], *, files: Mapping[str, str] | None = None, project_path: Path | None = None
) -> PrefectConfig:
    """Parse the content of the file into models.

    Args:
        raw: the file's content.
        files: which file holds which top-level key, for messages (see `messages.Place`).
        project_path: as for `load_config`.

    Raises:
        ConfigError: the content is invalid; one message lists all problems.
    """
    place = Place((), files or {})
    if not raw:
        text = "the file is empty: expected `flows:` with at least one flow, such as `my-flow:`"
        raise InvalidConfigError([Problem(place, text)])
    raw = _with_all_flows(raw, place)
    problems = list(literal_secrets(raw, place, _names(raw.get("not_secrets"))))
    try:
        config = PrefectConfig.model_validate(raw)
    except ValidationError as error:
        known = {problem.place for problem in problems}
        problems += [each for each in problems_of(error, PrefectConfig, place) if each.place not in known]
    if problems:
        raise InvalidConfigError(problems)
    config.set_place(place, project_path)
    return config


def _with_all_flows(raw: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    """The content with the flows that have a top-level key of their own under `flows`.

    Raises:
        InvalidConfigError: a flow is there too.
    """
    single = {str(key)[len(ONE_FLOW) :]: key for key in raw if str(key).startswith(ONE_FLOW)}
    together = raw.get("flows")
    if not single or not isinstance(together, (Mapping, type(None))):
        return raw
    twice = [
        Problem(
            place.top("flows", name),
            f"found the key `{ONE_FLOW}{name}`, and the same flow under `flows` in {place.at('flows').file}, "
            "expected each flow in one place: remove one",
        )
        for name in single
        if name in (together or {})
    ]
    if twice:
        raise InvalidConfigError(twice)
    flows = {**(together or {}), **{name: raw[key] for name, key in single.items()}}
    return {**{key: value for key, value in raw.items() if key not in single.values()}, "flows": flows}


def _names(value: Any) -> list[str]:
    """`not_secrets` before it is validated."""
    return (
        [value]
        if isinstance(value, str)
        else [each for each in value or () if isinstance(each, str)]
        if isinstance(value, list)
        else []
    )
