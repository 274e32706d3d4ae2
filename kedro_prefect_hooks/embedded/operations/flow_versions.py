"""Flows: registering a version with its tasks and edges, archiving, deleting."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import zlib
from typing import Any, Dict, List

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations import scheduled_runs
from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import state_history, tables, values

_FLOW, _GROUP, _TASK, _FLOW_RUN = tables.flow, tables.flow_group, tables.task, tables.flow_run
_MAX_FLOW_BYTES = 256 * 1024 * 1024
"""Of a serialized flow, decompressed: otherwise a body of 5 MB could fill the memory."""

_log = logging.getLogger(__name__)


@mutation(
    "flow_id_payload",
    serialized_flow="String!",
    project_id="UUID!",
    version_group_id="String",
    set_schedule_active="Boolean",
    description="String",
    idempotency_key="String",
)
def create_flow_from_compressed_string(request: Request, arguments: Input) -> Dict[str, Any]:
    return _create(request, arguments, _decompressed(arguments["serialized_flow"]))


def _decompressed(text: str) -> Any:
    """The reverse of `prefect.utilities.graphql.compress`, which makes gzipped JSON in base 64."""
    try:
        unpacker = zlib.decompressobj(wbits=31)
        content = unpacker.decompress(base64.b64decode(text), _MAX_FLOW_BYTES)
        if unpacker.unconsumed_tail:
            raise ValueError("too large")
        return json.loads(content)
    except (ValueError, binascii.Error, zlib.error):
        raise ValueError("Unable to decompress serialized flow") from None


@mutation(
    "flow_id_payload",
    serialized_flow="JSON!",
    project_id="UUID!",
    version_group_id="String",
    set_schedule_active="Boolean",
    description="String",
    idempotency_key="String",
)
def create_flow(request: Request, arguments: Input) -> Dict[str, Any]:
    """Registers a version of a flow, and archives the other versions.

    A flow of the same name in the same project is an earlier version. If its group's last idempotency key is
    the same, nothing is created, and its current version is returned.
    """
    return _create(request, arguments, arguments["serialized_flow"])


def _create(request: Request, arguments: Input, flow: Any) -> Dict[str, Any]:
    database = request.database
    if not isinstance(flow, dict):
        raise ValueError("Unable to decompress serialized flow")
    now = database.now()
    with database.write() as connection:
        group_id = arguments.get("version_group_id") or _version_group(
            connection, arguments["project_id"], flow.get("name")
        )
        created = _Registration(connection, now, arguments, flow, group_id or values.new_id())
        flow_id = created.flow_id
        _archive_others(connection, now, created.version_group_id, flow_id)
    if created.is_new and arguments.get("set_schedule_active", True) and created.has_schedule:
        try:
            scheduled_runs.activate(database, flow_id)
        except Exception as error:
            # The version is registered all the same; nor does the real server report this.
            _log.warning("The schedule of flow %s was not switched on: %s", flow_id, error)
    return {"id": flow_id}


def _version_group(connection: sa.Connection, project_id: str, name: Any) -> str | None:
    earlier = sa.select(_FLOW.c.version_group_id).where(
        _FLOW.c.project_id == project_id, _FLOW.c.name == name
    )
    found = connection.execute(earlier.order_by(_FLOW.c.created.desc(), _FLOW.c.version.desc())).scalar()
    return None if found is None else str(found)


class _Registration:
    """One version of a flow, inserted into the database or found there."""

    def __init__(
        self,
        connection: sa.Connection,
        now: int,
        arguments: Input,
        flow: Dict[str, Any],
        version_group_id: str,
    ) -> None:
        self.connection = connection
        self.now = now
        self.version_group_id = version_group_id
        project = sa.select(tables.project.c.tenant_id).where(tables.project.c.id == arguments["project_id"])
        row = connection.execute(project).first()
        if row is None:
            raise ValueError("Invalid project.")
        self.tenant_id = row.tenant_id
        group = connection.execute(
            sa.select(_GROUP).where(_GROUP.c.tenant_id == self.tenant_id, _GROUP.c.name == version_group_id)
        ).first()
        known = self._known(group, arguments.get("idempotency_key"))
        self.is_new = known is None
        self.has_schedule = flow.get("schedule") is not None or (
            group is not None and group.schedule is not None
        )
        self.flow_id = known or self._insert(
            arguments, flow, self._group(group, arguments.get("idempotency_key"))
        )

    def _known(self, group: Any, key: str | None) -> str | None:
        if group is None or not key or group.settings.get("idempotency_key") != key:
            return None
        current = sa.select(_FLOW.c.id).where(
            _FLOW.c.version_group_id == self.version_group_id, _FLOW.c.archived.is_(sa.false())
        )
        found = self.connection.execute(current.order_by(_FLOW.c.version.desc())).scalar()
        return None if found is None else str(found)

    def _group(self, group: Any, key: str | None) -> str:
        if group is not None:
            settings = {**group.settings, "idempotency_key": key}
            changed = (
                _GROUP.update().where(_GROUP.c.id == group.id).values(settings=settings, updated=self.now)
            )
            self.connection.execute(changed)
            return str(group.id)
        group_id = values.new_id()
        settings = {"heartbeat_enabled": True, "lazarus_enabled": True, "version_locking_enabled": False}
        self.connection.execute(
            _GROUP.insert().values(
                id=group_id,
                created=self.now,
                updated=self.now,
                tenant_id=self.tenant_id,
                name=self.version_group_id,
                settings={**settings, "idempotency_key": key},
                default_parameters={},
            )
        )
        return group_id

    def _insert(self, arguments: Input, flow: Dict[str, Any], group_id: str) -> str:
        same_group = _FLOW.c.version_group_id == self.version_group_id
        last = self.connection.execute(sa.select(sa.func.max(_FLOW.c.version)).where(same_group)).scalar()
        flow_id = values.new_id()
        self.connection.execute(
            _FLOW.insert().values(
                id=flow_id,
                created=self.now,
                updated=self.now,
                tenant_id=self.tenant_id,
                project_id=arguments["project_id"],
                flow_group_id=group_id,
                name=flow.get("name"),
                description=arguments.get("description"),
                version=(last or 0) + 1,
                version_group_id=self.version_group_id,
                core_version=flow.get("__version__"),
                archived=False,
                is_schedule_active=False,
                environment=flow.get("environment"),
                parameters=flow.get("parameters") or [],
                run_config=flow.get("run_config"),
                schedule=flow.get("schedule"),
                serialized_flow=flow,
                settings={},
                storage=flow.get("storage"),
            )
        )
        insert_tasks(self.connection, self.now, flow_id, self.tenant_id, flow.get("tasks") or [])
        insert_edges(self.connection, self.now, flow_id, self.tenant_id, flow.get("edges") or [])
        return flow_id


def _archive_others(connection: sa.Connection, now: int, version_group_id: str, flow_id: str) -> None:
    others = sa.select(_FLOW.c.id).where(
        _FLOW.c.version_group_id == version_group_id, _FLOW.c.id != flow_id, _FLOW.c.archived.is_(sa.false())
    )
    for other in state_history.ids(connection, others):
        archive(connection, now, other)


@mutation("success_payload", flow_id="UUID!", serialized_tasks="JSON!")
def register_tasks(request: Request, arguments: Input) -> Dict[str, Any]:
    """Adds tasks to a flow that was registered without them. A task whose slug exists is not changed."""
    now, flow_id = request.database.now(), arguments["flow_id"]
    with request.database.write() as connection:
        flow = connection.execute(
            sa.select(_FLOW.c.serialized_flow, _FLOW.c.tenant_id).where(_FLOW.c.id == flow_id)
        ).first()
        if flow is None:
            raise ValueError("'NoneType' object has no attribute 'serialized_flow'")
        insert_tasks(connection, now, flow_id, flow.tenant_id, arguments["serialized_tasks"])
        serialized = flow.serialized_flow or {}
        tasks = list(serialized.get("tasks") or [])
        known = {task.get("slug") for task in tasks}
        tasks.extend(task for task in arguments["serialized_tasks"] if task.get("slug") not in known)
        changed = {**serialized, "tasks": tasks}
        connection.execute(
            _FLOW.update().where(_FLOW.c.id == flow_id).values(serialized_flow=changed, updated=now)
        )
    return {"success": True}


@mutation("success_payload", flow_id="UUID!", serialized_edges="JSON!")
def register_edges(request: Request, arguments: Input) -> Dict[str, Any]:
    now, flow_id = request.database.now(), arguments["flow_id"]
    with request.database.write() as connection:
        flow = connection.execute(sa.select(_FLOW.c.tenant_id).where(_FLOW.c.id == flow_id)).first()
        if flow is None:
            raise ValueError("'NoneType' object has no attribute 'tasks'")
        insert_edges(connection, now, flow_id, flow.tenant_id, arguments["serialized_edges"])
    return {"success": True}


def insert_tasks(
    connection: sa.Connection, now: int, flow_id: str, tenant_id: str | None, tasks: List[Any]
) -> None:
    rows = []
    for task in tasks:
        if not isinstance(task, dict) or not task.get("slug"):
            raise ValueError("Tasks could not be registered - each needs a slug.")
        trigger, delay = task.get("trigger"), task.get("retry_delay")
        rows.append(
            {
                "id": task.get("id") or values.new_id(),
                "created": now,
                "updated": now,
                "tenant_id": tenant_id,
                "flow_id": flow_id,
                "name": task.get("name"),
                "slug": task["slug"],
                "description": None,
                "type": task.get("type"),
                "max_retries": task.get("max_retries", 0),
                "retry_delay": None if delay is None else values.parse_interval(delay),
                "trigger": trigger.get("fn") if isinstance(trigger, dict) else trigger,
                "mapped": False,
                "auto_generated": bool(task.get("auto_generated")),
                "cache_key": task.get("cache_key"),
                "is_root_task": False,
                "is_terminal_task": False,
                "is_reference_task": False,
                "tags": task.get("tags") or [],
            }
        )
    if rows:
        connection.execute(_TASK.insert().prefix_with("OR IGNORE"), rows)


def insert_edges(
    connection: sa.Connection, now: int, flow_id: str, tenant_id: str | None, edges: List[Any]
) -> None:
    if not edges:
        return
    found = connection.execute(sa.select(_TASK.c.slug, _TASK.c.id).where(_TASK.c.flow_id == flow_id))
    tasks = {row.slug: row.id for row in found}
    try:
        rows = [
            {
                "id": values.new_id(),
                "created": now,
                "updated": now,
                "tenant_id": tenant_id,
                "flow_id": flow_id,
                "upstream_task_id": tasks[_slug(edge["upstream_task"])],
                "downstream_task_id": tasks[_slug(edge["downstream_task"])],
                "key": edge.get("key"),
                "mapped": bool(edge.get("mapped")),
            }
            for edge in edges
        ]
    except KeyError:
        raise ValueError(
            "Edges could not be registered - some edges reference tasks that do not exist within this flow."
        ) from None
    connection.execute(tables.edge.insert().prefix_with("OR IGNORE"), rows)


def _slug(task: Any) -> Any:
    return task.get("slug") if isinstance(task, dict) else task


@mutation("success_payload", flow_id="UUID!")
def archive_flow(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        return {"success": archive(connection, request.database.now(), arguments["flow_id"])}


def archive(connection: sa.Connection, now: int, flow_id: str) -> bool:
    """Archive a flow, delete its scheduled runs and cancel the other waiting ones; False if there is none."""
    result = connection.execute(
        _FLOW.update().where(_FLOW.c.id == flow_id).values(archived=True, updated=now)
    )
    if not result.rowcount:
        return False
    scheduled_runs.delete_scheduled_runs(connection, _FLOW_RUN.c.flow_id == flow_id)
    waiting = sa.select(_FLOW_RUN.c.id).where(
        _FLOW_RUN.c.flow_id == flow_id, _FLOW_RUN.c.state == "Scheduled"
    )
    for run_id in state_history.ids(connection, waiting):
        state_history.cancel_flow_run(connection, now, run_id, f"Flow {flow_id} was archived.")
    return True


@mutation("success_payload", flow_id="UUID!")
def delete_flow(request: Request, arguments: Input) -> Dict[str, Any]:
    """Deletes a flow with its runs."""
    with request.database.write() as connection:
        result = connection.execute(_FLOW.delete().where(_FLOW.c.id == arguments["flow_id"]))
    return {"success": bool(result.rowcount)}


@mutation("flow_id_payload", flow_id="UUID!", project_id="UUID!")
def update_flow_project(request: Request, arguments: Input) -> Dict[str, Any]:
    known = sa.exists().where(tables.project.c.id == arguments["project_id"])
    change = _FLOW.update().where(_FLOW.c.id == arguments["flow_id"], known)
    with request.database.write() as connection:
        result = connection.execute(
            change.values(project_id=arguments["project_id"], updated=request.database.now())
        )
        if not result.rowcount:
            raise ValueError("Invalid flow or project ID.")
    return {"id": arguments["flow_id"]}
