"""Deletes finished flow runs that are older than they are kept for, and what is left over from them.

Small transactions: others can write in between, and whatever has been deleted stays so if the process dies.
Knows nothing of when it is called.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.database import Database

_FLOW, _FLOW_RUN = tables.flow, tables.flow_run

_BATCH = 5
"""Flow runs of one transaction: a run of 3,000 tasks has 20,000 rows."""


class Deleted(NamedTuple):
    """How many flow runs, and how many former versions of flows that have no runs."""

    flow_runs: int
    flow_versions: int


def old(database: Database, before: int) -> Deleted:
    """What `delete_old` would delete."""
    with database.read() as connection:
        runs = connection.execute(_counted(_old_runs(before))).scalar() or 0
        return Deleted(runs, connection.execute(_counted(_old_versions(before))).scalar() or 0)


def delete_old(database: Database, before: int, most: int | None = None) -> Deleted:
    """Delete the flow runs that finished before a time (in microseconds), and former versions without runs.

    What has not finished is kept, and so is what is registered. With `most`, no more than about so many of
    each are deleted.
    """
    return Deleted(
        _delete(database, _FLOW_RUN, _old_runs(before), most),
        _delete(database, _FLOW, _old_versions(before), most),
    )


def _delete(database: Database, table: sa.Table, found: sa.Select[Any], most: int | None) -> int:
    deleted = 0
    while True:
        with database.read() as connection:
            ids = list(connection.execute(found.limit(_BATCH)).scalars())
        if not ids or (most is not None and deleted >= most):
            return deleted
        with database.write() as connection:
            # One may have been restarted meanwhile. What belongs to them goes with them.
            still = table.delete().where(table.c.id.in_(ids), table.c.id.in_(found))
            count = connection.execute(still).rowcount
        deleted += count
        if not count:
            return deleted


def _old_runs(before: int) -> sa.Select[Any]:
    return (
        sa.select(_FLOW_RUN.c.id)
        .where(
            # The index on `created` finds them: a run is created before it finishes.
            _FLOW_RUN.c.created < before,
            sa.func.coalesce(_FLOW_RUN.c.state, "").in_(sorted(states.FINISHED)),
            _FLOW_RUN.c.state_timestamp < before,
        )
        .order_by(_FLOW_RUN.c.created)
    )


def _old_versions(before: int) -> sa.Select[Any]:
    runs = sa.exists().where(_FLOW_RUN.c.flow_id == _FLOW.c.id)
    return sa.select(_FLOW.c.id).where(_FLOW.c.archived.is_(sa.true()), _FLOW.c.updated < before, ~runs)


def _counted(found: sa.Select[Any]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(found.order_by(None).subquery())
