"""When the tasks of a flow run started and ended, as the processes that ran them have reported it.

States are sent in batches, each with the time at which it was reached. The embedded API records that time. A
Prefect Server records when it received the state, so all of a batch have happened at once there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, NamedTuple

from kedro_prefect_hooks import states

SELECTION = f'states {{ state timestamp reported: serialized_state(path: "$.context.{states.REPORTED_AT}") }}'
"""What `with_reported_times` needs of each task run, besides `start_time` and `end_time`."""


class _State(NamedTuple):
    kind: str
    received: datetime
    reported: datetime | None


def with_reported_times(run: Mapping[str, Any]) -> Dict[str, Any]:
    """The flow run with the times of its task runs corrected, where they have reported any."""
    histories = [_states_of(task_run) for task_run in run["task_runs"]]
    # The clocks of the machines differ. No state is received before it has been reached.
    offset = min(
        (each.received - each.reported for history in histories for each in history if each.reported),
        default=timedelta(0),
    )
    return {
        **run,
        "task_runs": [
            _corrected(task_run, history, offset) for task_run, history in zip(run["task_runs"], histories)
        ],
    }


def _states_of(task_run: Mapping[str, Any]) -> List[_State]:
    return [
        _State(
            str(each["state"]),
            parse_time(each["timestamp"]),
            parse_time(each["reported"]) if each["reported"] else None,
        )
        for each in task_run["states"]
    ]


def _corrected(task_run: Mapping[str, Any], history: List[_State], offset: timedelta) -> Dict[str, Any]:
    started = [_reached(each, offset) for each in history if each.kind == "Running"]
    ended = [_reached(each, offset) for each in history if each.kind in states.FINISHED]
    found = dict(task_run)
    if found["start_time"] and started:
        found["start_time"] = min(started).isoformat()
    if found["end_time"] and ended:
        found["end_time"] = max(ended).isoformat()
    return found


def _reached(state: _State, offset: timedelta) -> datetime:
    return state.received if state.reported is None else min(state.reported + offset, state.received)


def parse_time(text: str) -> datetime:
    """Parse a time from the API, which always has an offset."""
    import pendulum

    parsed: datetime = getattr(pendulum, "parse")(text)  # noqa: B009 - pendulum 2 does not declare its names
    return parsed
