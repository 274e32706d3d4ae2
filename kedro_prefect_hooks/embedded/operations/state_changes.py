"""Mutations that change the states of runs."""

from __future__ import annotations

import json
from typing import Any, Dict

from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import serialized_states, state_history


@mutation("set_flow_run_states_payload", states="[set_flow_run_state_input!]!")
def set_flow_run_states(request: Request, arguments: Input) -> Dict[str, Any]:
    """Sets all of the states, or none if one is refused."""
    database = request.database
    now = database.now()
    changes = [(item["flow_run_id"], _validated(item["state"], now)) for item in arguments["states"]]
    with database.write() as connection:
        for flow_run_id, state in changes:
            state_history.set_flow_run_state(
                connection,
                now,
                flow_run_id,
                state,
                agent_id=request.headers.get("x-prefect-agent-id"),
                submitted_lock=database.settings.submitted_lock,
            )
    return _payload(flow_run_id for flow_run_id, _ in changes)


@mutation("set_task_run_states_payload", states="[set_task_run_state_input!]!")
def set_task_run_states(request: Request, arguments: Input) -> Dict[str, Any]:
    """Sets all of the states, or none if one is refused."""
    now = request.database.now()
    changes = [(item["task_run_id"], _validated(item["state"], now)) for item in arguments["states"]]
    with request.database.write() as connection:
        for task_run_id, state in changes:
            state_history.set_task_run_state(connection, now, task_run_id, state)
    return _payload(task_run_id for task_run_id, _ in changes)


@mutation("cancel_flow_run_payload", flow_run_id="UUID!")
def cancel_flow_run(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        return {
            "state": state_history.cancel_flow_run(
                connection, request.database.now(), arguments["flow_run_id"]
            )
        }


@mutation("success_payload", flow_run_id="UUID!")
def update_flow_run_heartbeat(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        state_history.flow_run_heartbeat(connection, request.database.now(), arguments["flow_run_id"])
    return {"success": True}


@mutation("success_payload", task_run_id="UUID!")
def update_task_run_heartbeat(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        state_history.task_run_heartbeat(connection, request.database.now(), arguments["task_run_id"])
    return {"success": True}


def _validated(state: Any, now: int) -> serialized_states.State:
    if len(json.dumps(state)) > serialized_states.MAX_STATE_BYTES:
        raise ValueError("State payload is too large.")
    return serialized_states.normalized(state, now)


def _payload(run_ids: Any) -> Dict[str, Any]:
    return {"states": [{"id": run_id, "status": "SUCCESS", "message": None} for run_id in run_ids]}
