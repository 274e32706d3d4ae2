"""`prefect.yml`: what may stand in it, what does, whether it fits the project, and what Prefect makes of it.

The names below are looked up when first asked for, so that the hook can look at the file on every `kedro run`
without importing pydantic or Prefect.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.editor_schema import json_schema
    from kedro_prefect_hooks.config.loader import load_config, parse_config, run_defaults
    from kedro_prefect_hooks.config.models import FlowConfig, NodeSettings, PrefectConfig
    from kedro_prefect_hooks.config.project_check import check, filtered
    from kedro_prefect_hooks.config.raw import NoPrefectYmlError, listed_environments, read_raw

_HOMES = {
    "FlowConfig": "models",
    "NoPrefectYmlError": "raw",
    "NodeSettings": "models",
    "PrefectConfig": "models",
    "check": "project_check",
    "filtered": "project_check",
    "json_schema": "editor_schema",
    "listed_environments": "raw",
    "load_config": "loader",
    "parse_config": "loader",
    "read_raw": "raw",
    "run_defaults": "loader",
}

__all__ = [
    "FlowConfig",
    "NoPrefectYmlError",
    "NodeSettings",
    "PrefectConfig",
    "check",
    "filtered",
    "json_schema",
    "listed_environments",
    "load_config",
    "parse_config",
    "read_raw",
    "run_defaults",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
