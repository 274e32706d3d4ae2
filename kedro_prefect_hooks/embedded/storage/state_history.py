"""The states of a run: adds one to its history, and updates the run.

The rules are the real server's: every state increments the version; the first Running sets the start time,
and final states set the end time (a restart keeps both); a task run can only be Running while its flow run
is; Cancelled also cancels unfinished task runs. The versions that clients send are ignored: the real server
does not lock by them either. Knows nothing of GraphQL.
"""

from __future__ import annotations

from typing import Any, Dict, List

import sqlalchemy as sa

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.storage import serialized_states, tables
from kedro_prefect_hooks.embedded.storage.database import agent_signal
from kedro_prefect_hooks.embedded.storage.serialized_states import State
from kedro_prefect_hooks.embedded.storage.values import SECOND, new_id, parse_timestamp

_FLOW_RUN, _TASK_RUN = tables.flow_run, tables.task_run
_LATEST = ("id", "tenant_id", "version", "state", "state_timestamp", "start_time", "end_time")

_find_flow_run = sa.select(*[_FLOW_RUN.c[name] for name in _LATEST]).where(
    _FLOW_RUN.c.id == sa.bindparam("run")
)
_find_task_run = (
    sa.select(
        *[_TASK_RUN.c[name] for name in _LATEST],
        _TASK_RUN.c.serialized_state,
        _FLOW_RUN.c.id.label("flow_run_id"),
        _FLOW_RUN.c.state.label("flow_run_state"),
    )
    .join_from(_TASK_RUN, _FLOW_RUN, _FLOW_RUN.c.id == _TASK_RUN.c.flow_run_id)
    .where(_TASK_RUN.c.id == sa.bindparam("run"))
)
_last_submission = sa.select(sa.func.max(tables.flow_run_state.c.timestamp)).where(
    tables.flow_run_state.c.flow_run_id == sa.bindparam("run"), tables.flow_run_state.c.state == "Submitted"
)
_unfinished = sa.select(_TASK_RUN.c.id).where(
    _TASK_RUN.c.flow_run_id == sa.bindparam("run"),
    _TASK_RUN.c.state.not_in(sorted(states.FINISHED)),
)


def _statements(run: sa.Table, history: sa.Table) -> Dict[str, Any]:
    changed = ["version", "state", "state_timestamp", "state_message", "state_start_time", "serialized_state"]
    changed += ["start_time", "end_time", "updated"]
    return {
        "add": history.insert(),
        "update": run.update()
        .where(run.c.id == sa.bindparam("run"))
        .values({n: sa.bindparam(n) for n in changed}),
        "beat": run.update()
        .where(run.c.id == sa.bindparam("run"))
        .values(heartbeat=sa.bindparam("now"), updated=sa.bindparam("now")),
        "key": f"{run.name}_id",
    }


_FLOW_RUNS = _statements(_FLOW_RUN, tables.flow_run_state)
_TASK_RUNS = _statements(_TASK_RUN, tables.task_run_state)


def set_flow_run_state(
    connection: sa.Connection,
    now: int,
    flow_run_id: str,
    state: State,
    *,
    agent_id: str | None = None,
    submitted_lock: float = 0,
) -> None:
    """Add a state to a flow run. `state` must be normalized; `submitted_lock` is in seconds.

    Raises ValueError, with the real server's message, when there is no such run, or when the state is
    Submitted and the run was submitted less than `submitted_lock` ago.
    """
    run = connection.execute(_find_flow_run, {"run": flow_run_id}).first()
    if run is None:
        raise ValueError(f"State update failed for flow run ID {flow_run_id}")
    kind = state["type"]
    if kind == "Submitted" and submitted_lock:
        last = connection.execute(_last_submission, {"run": flow_run_id}).scalar()
        if last is not None and now - last < submitted_lock * SECOND:
            raise ValueError("State update failed: this run has already been submitted.")
    if kind == "Cancelled":
        for task_run_id in connection.execute(_unfinished, {"run": flow_run_id}).scalars().all():
            set_task_run_state(connection, now, task_run_id, state)
    _add_state(connection, _FLOW_RUNS, run, state, now)
    agent_signal(connection).flow_run_state(kind, serialized_states.start_time(state))
    if states.is_a(kind, "Running") or kind == "Submitted":
        flow_run_heartbeat(connection, now, flow_run_id)
    if kind == "Submitted" and agent_id:
        known = sa.select(tables.agent.c.id).where(tables.agent.c.id == agent_id)
        connection.execute(
            _FLOW_RUN.update().where(_FLOW_RUN.c.id == flow_run_id, known.exists()).values(agent_id=agent_id)
        )


def set_task_run_state(connection: sa.Connection, now: int, task_run_id: str, state: State) -> None:
    """Add a state to a task run. `state` must be normalized.

    Raises ValueError, with the real server's message, when there is no such run, or when the state is Running
    and the flow run is not.
    """
    run = connection.execute(_find_task_run, {"run": task_run_id}).first()
    if run is None:
        raise ValueError(f"State update failed for task run ID {task_run_id}")
    if states.is_a(state["type"], "Running") and run.flow_run_state != "Running":
        raise ValueError(
            f"State update failed for task run ID {task_run_id}: provided a running state but associated "
            f"flow run {run.flow_run_id} is not in a running state."
        )
    cached_inputs = (run.serialized_state or {}).get("cached_inputs")
    if cached_inputs and not state.get("cached_inputs"):
        state = {**state, "cached_inputs": cached_inputs}
    _add_state(connection, _TASK_RUNS, run, state, _reached(state, run, now))
    agent_signal(connection).task_run_state(state["type"], serialized_states.start_time(state))
    if states.is_a(state["type"], "Running"):
        task_run_heartbeat(connection, now, task_run_id)


def _reached(state: State, run: Any, now: int) -> int:
    """When a task run reached a state: a flow run that reports in batches says it, as it sends them later.

    Neither before the run's last state nor in the future, whatever the clock of its machine shows.
    """
    said = (state.get("context") or {}).get(states.REPORTED_AT)
    if said is None:
        return now
    try:
        reached = parse_timestamp(said)
    except ValueError:
        return now
    return max(min(reached, now), run.state_timestamp or 0)


def flow_run_heartbeat(connection: sa.Connection, now: int, flow_run_id: str) -> None:
    connection.execute(_FLOW_RUNS["beat"], {"run": flow_run_id, "now": now})


def task_run_heartbeat(connection: sa.Connection, now: int, task_run_id: str) -> None:
    connection.execute(_TASK_RUNS["beat"], {"run": task_run_id, "now": now})


def cancel_flow_run(connection: sa.Connection, now: int, flow_run_id: str, message: str | None = None) -> str:
    """Cancel a flow run, unless it is finished; returns the type of its state afterwards.

    A running one becomes Cancelling, so that its own process cancels it; any other is Cancelled at once.
    """
    run = connection.execute(_find_flow_run, {"run": flow_run_id}).first()
    if run is None:
        raise ValueError(f"Invalid flow run ID: {flow_run_id}.")
    if run.state in states.FINISHED:
        return str(run.state)
    kind, default = ("Cancelling", "Flow run is cancelling")
    if not states.is_a(run.state, "Running"):
        kind, default = ("Cancelled", "Flow run is cancelled")
    cancelled = serialized_states.new_state(kind, message or default, now)
    set_flow_run_state(connection, now, flow_run_id, cancelled)
    return kind


def _add_state(connection: sa.Connection, runs: Dict[str, Any], run: Any, state: State, now: int) -> None:
    kind, due = state["type"], serialized_states.start_time(state)
    version = (run.version or 0) + 1
    connection.execute(
        runs["add"],
        {
            "id": new_id(),
            "created": now,
            "updated": now,
            "tenant_id": run.tenant_id,
            runs["key"]: run.id,
            "timestamp": now,
            "version": version,
            "state": kind,
            "message": state.get("message"),
            "result": None,
            "start_time": due,
            "serialized_state": state,
        },
    )
    start, end = run.start_time, run.end_time
    if kind == "Running":
        start = now if start is None else min(start, now)
    if kind in serialized_states.SETS_END_TIME:
        end = now if end is None else max(end, now)
    connection.execute(
        runs["update"],
        {
            "run": run.id,
            "version": version,
            "state": kind,
            "state_timestamp": now,
            "state_message": state.get("message"),
            "state_start_time": due,
            "serialized_state": state,
            "start_time": start,
            "end_time": end,
            "updated": now,
        },
    )


PENDING: State = {"type": "Pending", "message": "Task run created"}
"""The first state of the task runs of a new flow run, as the real server's trigger writes it."""

_add_task_runs = sa.text(
    "INSERT INTO task_run (id, created, updated, tenant_id, flow_run_id, task_id, map_index, cache_key,"
    " version, state, state_timestamp, state_message, serialized_state)"
    " SELECT new_id(), :now, :now, task.tenant_id, flow_run.id, task.id, -1, task.cache_key, 1, 'Pending',"
    " :now, :message, :state"
    " FROM json_each(:runs) AS run CROSS JOIN flow_run ON flow_run.id = run.value"
    " CROSS JOIN task ON task.flow_id = flow_run.flow_id ORDER BY run.key, task.rowid"
)
_add_task_run_states = sa.text(
    "INSERT INTO task_run_state (id, created, updated, tenant_id, task_run_id, timestamp, version, state,"
    " message, serialized_state)"
    " SELECT new_id(), :now, :now, task_run.tenant_id, task_run.id, :now, 1, 'Pending', :message, :state"
    " FROM json_each(:runs) AS run CROSS JOIN task_run ON task_run.flow_run_id = run.value"
)


def create_task_runs(connection: sa.Connection, now: int, flow_run_ids: str) -> None:
    """Create the Pending task runs of new flow runs, one per task of their flows.

    The ids are a JSON list: one bound value, however many there are.
    """
    state = '{"message":"Task run created","type":"Pending"}'
    given = {"now": now, "runs": flow_run_ids, "message": PENDING["message"], "state": state}
    connection.execute(_add_task_runs, given)
    connection.execute(_add_task_run_states, given)


def ids(connection: sa.Connection, statement: sa.Select[Any]) -> List[str]:
    """The first column of the rows of `statement`."""
    return [str(value) for value in connection.execute(statement).scalars()]


def is_enabled(flow_id: Any, *switches: str) -> Any:
    """The SQL condition that the flow's group has none of the settings `switches` switched off."""
    flow, group = tables.flow.alias(), tables.flow_group.alias()
    off = [
        sa.func.json_extract(sa.type_coerce(group.c.settings, sa.Text), f"$.{name}") == 0 for name in switches
    ]
    found = sa.select(sa.literal(1)).join_from(flow, group, group.c.id == flow.c.flow_group_id)
    return ~sa.exists(found.where(flow.c.id == flow_id, sa.or_(*off)))
