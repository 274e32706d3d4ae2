"""Serialized states: what a server must understand of them, and what Prefect adds when it loads one.

A test compares all of it with Prefect.
"""

from __future__ import annotations

from typing import Any, Dict, List

from kedro_prefect_hooks.embedded.storage.values import format_timestamp, parse_timestamp
from kedro_prefect_hooks.states import SCHEDULED, is_a

State = Dict[str, Any]
"""A state as Prefect serializes it: ``{"type": "Running", "message": …, …}``."""

COLORS: Dict[str, str] = {
    "State": "#696969",
    "Pending": "#7ebdff",
    "Scheduled": "#ffab00",
    "Paused": "#99a8e8",
    "_MetaState": "#696969",
    "ClientFailed": "#eb0000",
    "Submitted": "#ffdf5d",
    "Queued": "#ffea7f",
    "Resume": "#f58c0c",
    "Retrying": "#f66a0a",
    "Running": "#3d67ff",
    "Cancelling": "#E8E8E8",
    "Finished": "#003ccb",
    "Looped": "#003ccb",
    "Success": "#28a745",
    "Cached": "#34d058",
    "Mapped": "#003ccb",
    "Skipped": "#62757f",
    "Failed": "#eb0000",
    "TimedOut": "#ff4e33",
    "TriggerFailed": "#ff5131",
    "ValidationFailed": "#ff5131",
    "Cancelled": "#bdbdbd",
}

SETS_END_TIME = ("Success", "Failed", "Cached", "TimedOut", "Looped", "Cancelled")
"""States that set a run's end time: of the finished ones, those that the real server's trigger lists."""

MAX_STATE_BYTES = 1_000_000
"""Of a serialized state; the real server's limit."""

_CORE_VERSION = "1.1.0"


def hierarchy() -> Dict[str, List[str]]:
    """Each type of state with all types that are a kind of it, including itself."""
    return {parent: [state for state in COLORS if is_a(state, parent)] for parent in COLORS}


def normalized(state: Any, now: int) -> State:
    """`state` with what Prefect adds when it loads and serializes one. `now` is in microseconds.

    Raises ValueError with the message of Prefect's own schema, as the real server does.
    """
    if not isinstance(state, dict):
        raise ValueError("{'_schema': ['Invalid input type.']}")
    if "type" not in state:
        raise ValueError("{'type': ['Missing data for required field.']}")
    kind = state["type"]
    if kind not in COLORS or kind in ("State", "_MetaState"):
        raise ValueError(f"{{'type': ['Unsupported value: {kind}']}}")
    version = state.get("__version__") or _CORE_VERSION
    full: State = {
        "message": None,
        "context": {},
        "cached_inputs": {},
        "__version__": version,
        **state,
    }
    if kind != "Mapped":
        full.setdefault("_result", {"type": "NoResultType", "__version__": version})
    if kind in SCHEDULED and kind != "Paused" and full.get("start_time") is None:
        full["start_time"] = format_timestamp(now)
    return full


def start_time(state: State) -> int | None:
    """The time a scheduled state is due, in microseconds; None for other states."""
    value = state.get("start_time")
    return None if value is None else parse_timestamp(value)


def new_state(kind: str, message: str, now: int, **more: Any) -> State:
    """A state that the server sets of its own accord."""
    return normalized({"type": kind, "message": message, **more}, now)
