"""Ends runs that have lost their heartbeat: Running task runs, and flow runs that never finish cancelling.

The rules are the real server's: a Running task run whose flow run's heartbeat is old is retried if the task
has retries left and the flow run is Running, and failed otherwise; a Cancelling flow run with an old
heartbeat is failed. Flows whose heartbeat is switched off are ignored.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations import logs
from kedro_prefect_hooks.embedded.storage import state_history, tables
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.storage.serialized_states import new_state
from kedro_prefect_hooks.embedded.storage.values import SECOND, format_timestamp

_FLOW_RUN, _TASK_RUN, _TASK = tables.flow_run, tables.task_run, tables.task
_STATE = tables.task_run_state
_LOGGER = "prefect-server.ZombieKiller"


def run(database: Database) -> int:
    """End or retry the zombies; returns how many task runs and flow runs."""
    now = database.now()
    if now - database.opened < database.settings.heartbeat_timeout * SECOND:
        return 0  # while the API was not running, no heartbeat could reach it
    stale = now - int(database.settings.heartbeat_timeout * SECOND)
    ended = 0
    with database.read() as connection:
        task_runs = state_history.ids(connection, _zombie_task_runs(stale).limit(5000))
    for task_run_id in task_runs:
        with database.write() as connection:
            # Since it was found, it may have finished, or another process may have ended it.
            zombie = connection.execute(_zombie_task_runs(stale).where(_TASK_RUN.c.id == task_run_id)).first()
            if zombie is not None:
                _end_task_run(connection, now, zombie)
                ended += 1
    with database.read() as connection:
        flow_runs = state_history.ids(connection, _zombie_flow_runs(stale).limit(5000))
    for flow_run_id in flow_runs:
        with database.write() as connection:
            found = connection.execute(_zombie_flow_runs(stale).where(_FLOW_RUN.c.id == flow_run_id)).first()
            if found is not None:
                _end_flow_run(connection, now, found)
                ended += 1
    return ended


def _zombie_task_runs(stale: int) -> sa.Select[Any]:
    retries = (
        sa.select(sa.func.count())
        .select_from(_STATE)
        .where(_STATE.c.task_run_id == _TASK_RUN.c.id, _STATE.c.state == "Retrying")
        .scalar_subquery()
    )
    return (
        sa.select(
            _TASK_RUN.c.id,
            _TASK_RUN.c.tenant_id,
            _TASK_RUN.c.flow_run_id,
            _TASK_RUN.c.name,
            _FLOW_RUN.c.state.label("flow_run_state"),
            _TASK.c.max_retries,
            _TASK.c.retry_delay,
            retries.label("retries"),
        )
        .join_from(_TASK_RUN, _FLOW_RUN, _FLOW_RUN.c.id == _TASK_RUN.c.flow_run_id)
        .join(_TASK, _TASK.c.id == _TASK_RUN.c.task_id)
        .where(
            _TASK_RUN.c.state == "Running",
            _FLOW_RUN.c.heartbeat <= stale,
            state_history.is_enabled(_FLOW_RUN.c.flow_id, "heartbeat_enabled"),
        )
    )


def _end_task_run(connection: sa.Connection, now: int, zombie: Any) -> None:
    attempt = zombie.retries + 1
    if zombie.flow_run_state == "Running" and attempt <= (zombie.max_retries or 0):
        message = (
            "No heartbeat detected from the remote task; retrying the run."
            f"This will be retry {attempt} of {zombie.max_retries}."
        )
        due = format_timestamp(now + (zombie.retry_delay or 0))
        state = new_state("Retrying", message, now, run_count=attempt, start_time=due)
    else:
        message = (
            "No heartbeat detected from the remote task; marking the task run "
            f"{zombie.id} ({zombie.name}) as failed."
        )
        state = new_state("Failed", message, now)
    state_history.set_task_run_state(connection, now, zombie.id, state)
    line = {"flow_run_id": zombie.flow_run_id, "task_run_id": zombie.id, "name": f"{_LOGGER}.TaskRun"}
    logs.add(connection, now, [{**line, "tenant_id": zombie.tenant_id, "message": message, "level": "ERROR"}])


def _zombie_flow_runs(stale: int) -> sa.Select[Any]:
    return sa.select(_FLOW_RUN.c.id, _FLOW_RUN.c.tenant_id).where(
        _FLOW_RUN.c.state == "Cancelling",
        _FLOW_RUN.c.heartbeat <= stale,
        state_history.is_enabled(_FLOW_RUN.c.flow_id, "heartbeat_enabled"),
    )


def _end_flow_run(connection: sa.Connection, now: int, zombie: Any) -> None:
    message = "No heartbeat detected from the flow run; marking the run as failed."
    state_history.set_flow_run_state(connection, now, zombie.id, new_state("Failed", message, now))
    line = {"tenant_id": zombie.tenant_id, "flow_run_id": zombie.id, "name": f"{_LOGGER}.FlowRun"}
    logs.add(connection, now, [{**line, "message": message, "level": "ERROR"}])
