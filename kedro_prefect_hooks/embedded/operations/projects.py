"""Projects: creating, renaming, deleting."""

from __future__ import annotations

from typing import Any, Dict

from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.values import new_id

_PROJECT = tables.project


@mutation("project_id_payload", tenant_id="UUID!", name="String!", description="String")
def create_project(request: Request, arguments: Input) -> Dict[str, Any]:
    """Raises sqlalchemy's IntegrityError when the name is taken or there is no such tenant."""
    now, project_id = request.database.now(), new_id()
    with request.database.write() as connection:
        connection.execute(
            _PROJECT.insert().values(
                id=project_id,
                created=now,
                updated=now,
                tenant_id=arguments["tenant_id"],
                name=arguments["name"],
                description=arguments.get("description"),
            )
        )
    return {"id": project_id}


@mutation("project_id_payload", project_id="UUID!", name="String!")
def set_project_name(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update(request, arguments, name=arguments["name"])


@mutation("project_id_payload", project_id="UUID!", description="String")
def set_project_description(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update(request, arguments, description=arguments.get("description"))


def _update(request: Request, arguments: Input, **changes: Any) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(
            _PROJECT.update()
            .where(_PROJECT.c.id == arguments["project_id"])
            .values(updated=request.database.now(), **changes)
        )
        if not result.rowcount:
            raise ValueError("Update failed")
    return {"id": arguments["project_id"]}


@mutation("success_payload", project_id="UUID!")
def delete_project(request: Request, arguments: Input) -> Dict[str, Any]:
    """Deletes the project with its flows and their runs."""
    with request.database.write() as connection:
        result = connection.execute(_PROJECT.delete().where(_PROJECT.c.id == arguments["project_id"]))
    return {"success": bool(result.rowcount)}
