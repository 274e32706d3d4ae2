"""When the next run becomes due for an agent. Knows nothing of who waits for it."""

from __future__ import annotations

from typing import Any, List, Optional

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.agent_signal import RETRY_BUFFER
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.states import SCHEDULED


def next_due(database: Database, after: int) -> Optional[int]:
    """When the first run that starts after a time is due, in microseconds; None if there is none."""
    with database.read() as connection:
        flow_run = connection.execute(_first(tables.flow_run, after)).scalar()
        task_run = connection.execute(_first(tables.task_run, after - RETRY_BUFFER)).scalar()
    found: List[int] = [] if flow_run is None else [flow_run]
    if task_run is not None:
        found.append(task_run + RETRY_BUFFER)
    return min(found, default=None)


def _first(run: sa.Table, after: int) -> sa.Select[Any]:
    return sa.select(sa.func.min(run.c.state_start_time)).where(
        run.c.state.in_(sorted(SCHEDULED)), run.c.state_start_time > after
    )
