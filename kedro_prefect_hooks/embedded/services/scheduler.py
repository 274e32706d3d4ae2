"""Keeps the next runs of every active schedule in the queue."""

from __future__ import annotations

import logging

from kedro_prefect_hooks.embedded.operations import scheduled_runs
from kedro_prefect_hooks.embedded.storage.database import Database

_log = logging.getLogger(__name__)


def run(database: Database) -> int:
    """Create the next runs of all flows whose schedules are on; returns how many were created."""
    made, errors = scheduled_runs.schedule_runs(database)
    for flow_id, error in errors.items():
        # The schedule or parameters of this flow; the runs of the others are created all the same.
        _log.warning("No runs were scheduled for flow %s: %s", flow_id, error)
    return made
