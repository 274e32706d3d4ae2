"""`prefect.yml`: reading it, its models, checking it against the project, building Prefect objects from it.

The names below are imported on first use, so that the hook can read the file on every `kedro run` without
importing pydantic or Prefect.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.editor_schema import json_schema
    from kedro_prefect_hooks.config.models import FlowConfig, PrefectConfig
    from kedro_prefect_hooks.config.node_settings import NodeSettings
    from kedro_prefect_hooks.config.parsing import load_config, parse_config, run_defaults
    from kedro_prefect_hooks.config.project_check import check, filtered
    from kedro_prefect_hooks.config.reading import NoPrefectYmlError, listed_environments

_MODULES = {
    "FlowConfig": "models",
    "NoPrefectYmlError": "reading",
    "NodeSettings": "node_settings",
    "PrefectConfig": "models",
    "check": "project_check",
    "filtered": "project_check",
    "json_schema": "editor_schema",
    "listed_environments": "reading",
    "load_config": "parsing",
    "parse_config": "parsing",
    "run_defaults": "parsing",
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
    "run_defaults",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
