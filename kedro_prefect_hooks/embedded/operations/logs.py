"""Log lines of flow runs and task runs."""

from __future__ import annotations

from typing import Any, Dict, List

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.values import new_id

_insert = tables.log.insert()


@mutation("success_payload", logs="[write_run_log_input!]!")
def write_run_logs(request: Request, given: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        add(connection, request.database.now(), given["logs"])
    return {"success": True}


def add(connection: sa.Connection, now: int, logs: List[Dict[str, Any]]) -> None:
    """Keep log lines; each names its `flow_run_id`, and may have `timestamp` (microseconds) and the rest."""
    if logs:
        connection.execute(
            _insert,
            [
                {
                    "id": new_id(),
                    "created": now,
                    "updated": now,
                    "tenant_id": log.get("tenant_id"),
                    "flow_run_id": log.get("flow_run_id"),
                    "task_run_id": log.get("task_run_id"),
                    "timestamp": now if log.get("timestamp") is None else log["timestamp"],
                    "name": log.get("name"),
                    "level": log.get("level") or "INFO",
                    "message": log.get("message"),
                    "info": log.get("info"),
                    "is_loaded_from_archive": False,
                }
                for log in logs
            ],
        )
