"""Inserts new flow runs with their task runs: as many as there are, in four statements.

Knows nothing of who asked for them, nor of when the transaction ends.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Sequence

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations import run_names
from kedro_prefect_hooks.embedded.operations.registry import Input
from kedro_prefect_hooks.embedded.storage import state_history, tables, values
from kedro_prefect_hooks.embedded.storage.database import agent_signal
from kedro_prefect_hooks.embedded.storage.serialized_states import new_state

_FLOW, _GROUP, _FLOW_RUN = tables.flow, tables.flow_group, tables.flow_run

flows_to_run = sa.select(
    *[_FLOW.c[n] for n in ("id", "archived", "tenant_id", "environment", "run_config", "parameters")],
    _GROUP.c.labels.label("group_labels"),
    _GROUP.c.run_config.label("group_run_config"),
    _GROUP.c.default_parameters,
).join_from(_FLOW, _GROUP, _GROUP.c.id == _FLOW.c.flow_group_id)
"""What `row` needs to know of a flow."""


def row(now: int, flow: Any, arguments: Input, *, auto_scheduled: bool = False) -> Dict[str, Any]:
    """A new Scheduled run of a flow, as a row of the table.

    Args:
        now: the time.
        flow: a row of `flows_to_run`.
        arguments: as for `create_flow_run`.
        auto_scheduled: whether a schedule creates the run.

    Raises:
        ValueError: a required parameter is missing.
    """
    due = arguments.get("scheduled_start_time")
    due = now if due is None else due
    state = new_state("Scheduled", "Flow run scheduled.", now, start_time=values.format_timestamp(due))
    return {
        "id": values.new_id(),
        "created": now,
        "updated": now,
        "tenant_id": flow.tenant_id,
        "flow_id": flow.id,
        "name": arguments.get("flow_run_name") or run_names.new_name(),
        "idempotency_key": arguments.get("idempotency_key"),
        "parameters": _parameters(flow, arguments.get("parameters")),
        "context": arguments.get("context") or {},
        "labels": _labels(flow, arguments),
        "run_config": arguments.get("run_config") or flow.group_run_config or flow.run_config,
        "scheduled_start_time": due,
        "auto_scheduled": auto_scheduled,
        "times_resurrected": 0,
        "version": 1,
        "state": state["type"],
        "state_timestamp": now,
        "state_message": state["message"],
        "state_start_time": due,
        "serialized_state": state,
    }


def insert(connection: sa.Connection, now: int, rows: Sequence[Dict[str, Any]]) -> None:
    """Insert the runs, the first state of each, and one Pending task run per task of its flow."""
    if not rows:
        return
    connection.execute(_FLOW_RUN.insert(), rows)
    connection.execute(tables.flow_run_state.insert(), [_first_state(now, each) for each in rows])
    state_history.create_task_runs(connection, now, json.dumps([each["id"] for each in rows]))
    earliest = min(each["scheduled_start_time"] for each in rows)
    agent_signal(connection).flow_run_state("Scheduled", earliest)


def _first_state(now: int, run: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "id": values.new_id(),
        "created": now,
        "updated": now,
        "tenant_id": run["tenant_id"],
        "flow_run_id": run["id"],
        "timestamp": now,
        "version": run["version"],
        "state": run["state"],
        "message": run["state_message"],
        "start_time": run["state_start_time"],
        "serialized_state": run["serialized_state"],
    }


def _labels(flow: Any, arguments: Input) -> List[str]:
    """The run's labels: the first there are of its own, its run config's, the group's, and the flow's."""
    if arguments.get("labels") is not None:
        return sorted(arguments["labels"])
    if arguments.get("run_config") is not None:
        return sorted(arguments["run_config"].get("labels") or [])
    if flow.group_labels is not None:
        return sorted(flow.group_labels)
    for config in (flow.group_run_config, flow.run_config, flow.environment):
        if config is not None:
            return sorted(config.get("labels") or [])
    return []


def _parameters(flow: Any, parameters: Dict[str, Any] | None) -> Dict[str, Any]:
    # Only truthy defaults are filled in, as by the real server; the flow itself fills in the others.
    declared = flow.parameters or []
    found = {p["name"]: p.get("default") for p in declared if p.get("default")}
    found.update(flow.default_parameters or {})
    found.update(parameters or {})
    missing = sorted(p["name"] for p in declared if p.get("required") and p["name"] not in found)
    if missing:
        quoted = ", ".join(repr(name) for name in missing)
        raise ValueError(f"Required parameters were not supplied: {{{quoted}}}")
    return found
