"""Reschedules flow runs whose process has died.

The rules are the real server's: a Submitted or Running flow run with an old heartbeat, none of whose task
runs is Running or Scheduled, is scheduled again at most three times, and then failed. Flows can opt out, of
heartbeats or of Lazarus alone.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.operations import logs
from kedro_prefect_hooks.embedded.storage import state_history, tables
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.storage.serialized_states import new_state
from kedro_prefect_hooks.embedded.storage.values import SECOND

_FLOW_RUN, _TASK_RUN = tables.flow_run, tables.task_run
_LOGGER = "prefect-server.Lazarus.FlowRun"


def run(database: Database) -> int:
    """Reschedule or fail the dead runs; returns how many were rescheduled."""
    now = database.now()
    if now - database.opened < database.settings.heartbeat_timeout * SECOND:
        return 0  # while the API was not running, no heartbeat could reach it
    stale = now - int(database.settings.heartbeat_timeout * SECOND)
    rescheduled = 0
    with database.read() as connection:
        found = state_history.ids(connection, _dead(stale).limit(500))
    for flow_run_id in found:
        with database.write() as connection:
            # Since it was found, another process may have rescheduled it, or it may have sent a heartbeat.
            dead = connection.execute(_dead(stale).where(_FLOW_RUN.c.id == flow_run_id)).first()
            if dead is not None:
                rescheduled += _reschedule(connection, now, dead, database.settings.max_resurrections)
    return rescheduled


def _dead(stale: int) -> sa.Select[Any]:
    alive = sa.exists().where(
        _TASK_RUN.c.flow_run_id == _FLOW_RUN.c.id,
        _TASK_RUN.c.state.in_(sorted(states.kinds_of("Scheduled", "Running"))),
    )
    return (
        sa.select(_FLOW_RUN.c.id, _FLOW_RUN.c.tenant_id, _FLOW_RUN.c.times_resurrected)
        .where(
            _FLOW_RUN.c.state.in_(["Running", "Submitted"]),
            _FLOW_RUN.c.heartbeat <= stale,
            ~alive,
            state_history.is_enabled(_FLOW_RUN.c.flow_id, "heartbeat_enabled", "lazarus_enabled"),
        )
        .order_by(_FLOW_RUN.c.updated)
    )


def _reschedule(connection: sa.Connection, now: int, dead: Any, limit: int) -> int:
    attempt = (dead.times_resurrected or 0) + 1
    if attempt > limit:
        message = (
            f"A Lazarus process attempted to reschedule this run {limit} times without success. "
            "Marking as failed."
        )
        state_history.set_flow_run_state(connection, now, dead.id, new_state("Failed", message, now))
        _write_log(connection, now, dead, message, "ERROR")
        return 0
    scheduled = new_state("Scheduled", "Rescheduled by a Lazarus process.", now)
    state_history.set_flow_run_state(connection, now, dead.id, scheduled)
    connection.execute(
        _FLOW_RUN.update().where(_FLOW_RUN.c.id == dead.id).values(times_resurrected=attempt, updated=now)
    )
    message = f"Rescheduled by a Lazarus process. This is attempt {attempt}."
    _write_log(connection, now, dead, message, "INFO")
    return 1


def _write_log(connection: sa.Connection, now: int, dead: Any, message: str, level: str) -> None:
    line = {"tenant_id": dead.tenant_id, "flow_run_id": dead.id, "name": _LOGGER}
    logs.add(connection, now, [{**line, "message": message, "level": level}])
