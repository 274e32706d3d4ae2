"""Restarting a finished flow run where it failed, as Prefect's own UI does. Prints nothing."""

from __future__ import annotations

import shlex
from typing import Any

import pendulum
from prefect.engine import state as prefect_states

from kedro_prefect_hooks import states
from kedro_prefect_hooks.api.client import batches
from kedro_prefect_hooks.api.flow_runs import FlowRuns
from kedro_prefect_hooks.api.run_search import FoundRun
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError

TASK_RUNS = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) { version task_runs { id version state } }
}"""

SET_TASK_RUN_STATES = """
mutation($input: set_task_run_states_input!) {
    set_task_run_states(input: $input) { states { id status message } }
}"""

SET_FLOW_RUN_STATES = """
mutation($input: set_flow_run_states_input!) {
    set_flow_run_states(input: $input) { states { id status message } }
}"""

_BATCH = 200
"""Task runs per request."""

_MESSAGE = "Restarted by `kedro prefect restart`."


def restart(runs: FlowRuns, run: FoundRun) -> int:
    """Let a finished flow run continue where it failed; return how many of its task runs run again.

    Every task run that did not succeed becomes Pending, then the flow run is Scheduled for now: in this
    order, so that no agent starts it while tasks are still marked as failed.

    Raises:
        KedroPrefectError: it has not finished, or it ended in Success.
        ApiError: the API is unreachable, or refuses.
    """
    if run.state not in states.FINISHED:
        raise KedroPrefectError(
            f"Flow run '{run.name}' is {run.state}: only a finished flow run can be restarted. "
            f"To stop it first: {typed(f'kedro prefect cancel {run.id}')}"
        )
    if states.is_a(run.state, "Success"):
        raise KedroPrefectError(
            f"Flow run '{run.name}' ended in {run.state}, and nothing of it is left to do. "
            f"To start another: {typed(f'kedro prefect run {shlex.quote(run.flow)}')}"
        )
    graphql = runs.api.transport.graphql
    found = graphql(TASK_RUNS, {"id": run.id})["flow_run_by_pk"]
    pending = prefect_states.Pending(message=_MESSAGE).serialize()
    changes: list[dict[str, Any]] = [
        {"task_run_id": task_run["id"], "version": task_run["version"], "state": pending}
        for task_run in found["task_runs"]
        if task_run["state"] not in (None, "Pending") and not states.is_a(task_run["state"], "Success")
    ]
    for batch in batches(changes, _BATCH):
        graphql(SET_TASK_RUN_STATES, {"input": {"states": batch}})
    scheduled = prefect_states.Scheduled(message=_MESSAGE, start_time=pendulum.now("UTC")).serialize()
    change = {"flow_run_id": run.id, "version": found["version"], "state": scheduled}
    graphql(SET_FLOW_RUN_STATES, {"input": {"states": [change]}})
    return len(changes)
