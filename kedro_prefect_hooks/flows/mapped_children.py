"""Creates the task runs of a mapped task's slices, or looks them up after a restart: many in one request.

Prefect's task runner makes a request for each. The API creates a mapped task run when it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List

from prefect.engine.state import State

if TYPE_CHECKING:
    from kedro_prefect_hooks.compat.prefect_client import PatientClient

MOST_TASK_RUNS = 100
"""In one request."""

MAPPED_RUN = "kedro_mapped_run"
"""Where Prefect's context has what is known of the task run of a slice."""


@dataclass(frozen=True)
class MappedRun:
    """One of them. No tuple with names: Prefect copies those in its context, and fails."""

    id: str
    version: int
    state: State


_OPERATION = "get_or_create_task_run_info"


def mapped_children(client: PatientClient, flow_run_id: str, task_id: str, count: int) -> List[MappedRun]:
    """The task runs of a mapped task, by map index."""
    found: List[MappedRun] = []
    for start in range(0, count, MOST_TASK_RUNS):
        indexes = range(start, min(start + MOST_TASK_RUNS, count))
        given: Dict[str, Any] = {
            f"run{index}": {"flow_run_id": flow_run_id, "task_id": task_id, "map_index": index}
            for index in indexes
        }
        declared = ", ".join(f"${name}: {_OPERATION}_input!" for name in given)
        asked = " ".join(
            f"{name}: {_OPERATION}(input: ${name}) {{id version serialized_state}}" for name in given
        )
        answer = client.graphql(f"mutation({declared}) {{{asked}}}", variables=given).data
        for name in given:
            run = answer[name]
            state = State.deserialize(run.serialized_state)
            found.append(MappedRun(run.id, run.version, state))
    return found
