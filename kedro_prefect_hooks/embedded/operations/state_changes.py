"""Mutations that change the states of runs."""

from __future__ import annotations

import json
from typing import Any, Dict

from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import serialized_states, state_history


@mutation("set_flow_run_states_payload", states="[set_flow_run_state_input!]!")
def set_flow_run_states(request: Request, given: Input) -> Dict[str, Any]:
    """Sets all of the states or, when one is refused, none."""
    database = request.database
    now = database.now()
    wanted = [(item["flow_run_id"], _checked(item["state"], now)) for item in given["states"]]
    with database.write() as connection:
        for flow_run_id, state in wanted:
            state_history.set_flow_run_state(
                connection,
                now,
                flow_run_id,
                state,
                agent_id=request.headers.get("x-prefect-agent-id"),
                submitted_lock=database.settings.submitted_lock,
            )
    return _done(flow_run_id for flow_run_id, _ in wanted)


@mutation("set_task_run_states_payload", states="[set_task_run_state_input!]!")
def set_task_run_states(request: Request, given: Input) -> Dict[str, Any]:
    """Sets all of the states or, when one is refused, none."""
    now = request.database.now()
    wanted = [(item["task_run_id"], _checked(item["state"], now)) for item in given["states"]]
    with request.database.write() as connection:
        for task_run_id, state in wanted:
            state_history.set_task_run_state(connection, now, task_run_id, state)
    return _done(task_run_id for task_run_id, _ in wanted)


@mutation("cancel_flow_run_payload", flow_run_id="UUID!")
def cancel_flow_run(request: Request, given: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        return {
            "state": state_history.cancel_flow_run(connection, request.database.now(), given["flow_run_id"])
        }


@mutation("success_payload", flow_run_id="UUID!")
def update_flow_run_heartbeat(request: Request, given: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        state_history.flow_run_heartbeat(connection, request.database.now(), given["flow_run_id"])
    return {"success": True}


@mutation("success_payload", task_run_id="UUID!")
def update_task_run_heartbeat(request: Request, given: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        state_history.task_run_heartbeat(connection, request.database.now(), given["task_run_id"])
    return {"success": True}


def _checked(state: Any, now: int) -> serialized_states.State:
    if len(json.dumps(state)) > serialized_states.LARGEST:
        raise ValueError("State payload is too large.")
    return serialized_states.normalised(state, now)


def _done(run_ids: Any) -> Dict[str, Any]:
    return {"states": [{"id": run_id, "status": "SUCCESS", "message": None} for run_id in run_ids]}
