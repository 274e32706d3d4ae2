"""Artifacts that tasks create: links and Markdown."""

from __future__ import annotations

from typing import Any, Dict

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.values import new_id

_ARTIFACT = tables.task_run_artifact


@mutation("task_run_artifact_id_payload", task_run_id="UUID!", kind="String!", data="JSON!", tenant_id="UUID")
def create_task_run_artifact(request: Request, arguments: Input) -> Dict[str, Any]:
    now, artifact_id = request.database.now(), new_id()
    with request.database.write() as connection:
        run = connection.execute(
            sa.select(tables.task_run.c.tenant_id).where(tables.task_run.c.id == arguments["task_run_id"])
        ).first()
        if run is None:
            raise ValueError(f"Task run {arguments['task_run_id']} not found")
        if arguments.get("tenant_id") and arguments["tenant_id"] != run.tenant_id:
            raise ValueError("Invalid tenant ID.")
        connection.execute(
            _ARTIFACT.insert().values(
                id=artifact_id,
                created=now,
                updated=now,
                tenant_id=run.tenant_id,
                task_run_id=arguments["task_run_id"],
                kind=arguments["kind"],
                data=arguments["data"],
            )
        )
    return {"id": artifact_id}


@mutation("success_payload", task_run_artifact_id="UUID!", data="JSON!")
def update_task_run_artifact(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(
            _ARTIFACT.update()
            .where(_ARTIFACT.c.id == arguments["task_run_artifact_id"])
            .values(updated=request.database.now(), data=arguments["data"])
        )
    return {"success": bool(result.rowcount)}


@mutation("success_payload", task_run_artifact_id="UUID!")
def delete_task_run_artifact(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(
            _ARTIFACT.delete().where(_ARTIFACT.c.id == arguments["task_run_artifact_id"])
        )
    return {"success": bool(result.rowcount)}
