"""Log lines of flow runs and task runs."""

from __future__ import annotations

from typing import Any, Dict, List

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.values import new_id

_insert_log = tables.log.insert()


@mutation("success_payload", logs="[write_run_log_input!]!")
def write_run_logs(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        add(connection, request.database.now(), arguments["logs"])
    return {"success": True}


def add(connection: sa.Connection, now: int, logs: List[Dict[str, Any]]) -> None:
    """Store log lines. Each has a `flow_run_id` and any other columns; a `timestamp` is in microseconds."""
    if logs:
        connection.execute(
            _insert_log,
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
