"""Brings back flow runs whose process died: those that should be running, and where nothing runs.

The rules are the real server's: a run that is Submitted or Running, whose heartbeat is old and none of whose
task runs is running or waiting, is scheduled again, three times at most, and then failed. Flows may opt out,
by their heartbeat or by Lazarus itself.
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
    """Reschedule or fail the runs that nobody works on; returns how many were rescheduled."""
    now = database.now()
    stale = now - int(database.settings.heartbeat_timeout * SECOND)
    rescheduled = 0
    with database.read() as connection:
        found = state_history.ids(connection, _dead(stale).limit(500))
    for flow_run_id in found:
        with database.write() as connection:
            # Another process may have brought it back, or it may have stirred, since it was found.
            dead = connection.execute(_dead(stale).where(_FLOW_RUN.c.id == flow_run_id)).first()
            if dead is not None:
                rescheduled += _bring_back(connection, now, dead, database.settings.resurrections)
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
            state_history.watched(_FLOW_RUN.c.flow_id, "heartbeat_enabled", "lazarus_enabled"),
        )
        .order_by(_FLOW_RUN.c.updated)
    )


def _bring_back(connection: sa.Connection, now: int, dead: Any, limit: int) -> int:
    attempt = (dead.times_resurrected or 0) + 1
    if attempt > limit:
        message = (
            f"A Lazarus process attempted to reschedule this run {limit} times without success. "
            "Marking as failed."
        )
        state_history.set_flow_run_state(connection, now, dead.id, new_state("Failed", message, now))
        _note(connection, now, dead, message, "ERROR")
        return 0
    scheduled = new_state("Scheduled", "Rescheduled by a Lazarus process.", now)
    state_history.set_flow_run_state(connection, now, dead.id, scheduled)
    connection.execute(
        _FLOW_RUN.update().where(_FLOW_RUN.c.id == dead.id).values(times_resurrected=attempt, updated=now)
    )
    message = f"Rescheduled by a Lazarus process. This is attempt {attempt}."
    _note(connection, now, dead, message, "INFO")
    return 1


def _note(connection: sa.Connection, now: int, dead: Any, message: str, level: str) -> None:
    line = {"tenant_id": dead.tenant_id, "flow_run_id": dead.id, "name": _LOGGER}
    logs.add(connection, now, [{**line, "message": message, "level": level}])
