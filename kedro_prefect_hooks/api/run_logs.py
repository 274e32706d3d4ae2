"""The states and log lines of a flow run, from its beginning, however many there are. Prints nothing."""

from __future__ import annotations

import heapq
from typing import Any, Iterator

from kedro_prefect_hooks.api.flow_runs import Event, FlowRuns, log_event, state_event

LOGS = """
query($where: log_bool_exp!, $limit: Int!) {
    log(where: $where, order_by: [{timestamp: asc}, {id: asc}], limit: $limit) { id timestamp level message }
}"""

STATES = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) { states(order_by: {timestamp: asc}) { id timestamp state message } }
}"""

PAGE = 1_000
"""Log lines per request."""


def events_so_far(runs: FlowRuns, run_id: str) -> Iterator[Event]:
    """The states and log lines of a flow run until now, in the order of their times.

    Raises:
        ApiError: the API is unreachable.
    """
    run = runs.api.transport.graphql(STATES, {"id": run_id})["flow_run_by_pk"]
    states = [state_event(row) for row in (run or {"states": []})["states"]]
    return heapq.merge(states, _lines(runs, run_id), key=lambda event: event.at)


def _lines(runs: FlowRuns, run_id: str) -> Iterator[Event]:
    """Page by page, each from where the one before has ended: an offset would count all of them again."""
    of_run: dict[str, Any] = {"flow_run_id": {"_eq": run_id}}
    where = of_run
    while True:
        rows = runs.api.transport.graphql(LOGS, {"where": where, "limit": PAGE})["log"]
        yield from map(log_event, rows)
        if len(rows) < PAGE:
            return
        last = rows[-1]
        later = {"timestamp": {"_gt": last["timestamp"]}}
        same = {"timestamp": {"_eq": last["timestamp"]}, "id": {"_gt": last["id"]}}
        where = {"_and": [of_run, {"_or": [later, same]}]}
