"""Queries about the API itself."""

from __future__ import annotations

from typing import Any, Dict

from kedro_prefect_hooks import __version__
from kedro_prefect_hooks.embedded.operations.registry import Input, Request, query
from kedro_prefect_hooks.embedded.storage import serialized_states


@query("String")
def hello(request: Request, arguments: Input) -> str:
    return "👋"


@query("reference_data")
def reference_data(request: Request, arguments: Input) -> Dict[str, Any]:
    colors = {state: {"color": color} for state, color in serialized_states.COLORS.items()}
    return {"state_hierarchy": serialized_states.hierarchy(), "state_info": colors}


@query("api_info")
def api(request: Request, arguments: Input) -> Dict[str, Any]:
    return {"backend": "SERVER", "mode": "normal", "version": __version__, "core_version": "1.1.0"}
