"""Deletes what is older than it is kept for, a little at a time: the other services wait for it."""

from __future__ import annotations

from kedro_prefect_hooks.embedded.storage import history
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.storage.values import SECOND

_MOST = 200
"""Flow runs of one pass: a few seconds."""


def run(database: Database) -> int:
    """Delete old flow runs; returns how many."""
    retention = database.settings.retention
    if retention is None:
        return 0
    return history.delete_old(database, database.now() - int(retention * SECOND), _MOST).flow_runs
