"""Flow runs and task runs: creating, finding what is due, naming, deleting."""

from __future__ import annotations

from typing import Any, Dict

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations import agents, new_runs
from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation, query
from kedro_prefect_hooks.embedded.storage import state_history, tables, values
from kedro_prefect_hooks.embedded.storage.database import agent_signal
from kedro_prefect_hooks.embedded.storage.serialized_states import new_state
from kedro_prefect_hooks.states import SCHEDULED

_FLOW, _FLOW_RUN, _TASK_RUN = tables.flow, tables.flow_run, tables.task_run

MAX_RUNS_IN_QUEUE = 25
"""How many due runs an agent is offered at once; the real server's limit."""


@mutation(
    "flow_run_id_payload",
    flow_id="UUID",
    parameters="JSON",
    labels="[String!]",
    run_config="JSON",
    context="JSON",
    scheduled_start_time="DateTime",
    idempotency_key="String",
    flow_run_name="String",
    version_group_id="String",
)
def create_flow_run(request: Request, arguments: Input) -> Dict[str, Any]:
    """Creates a Scheduled run of a flow, or of the current version of a version group.

    If the flow has a run with the same idempotency key, that run is returned unchanged.
    """
    if not arguments.get("flow_id") and not arguments.get("version_group_id"):
        raise ValueError("A flow id or version group ID must be provided.")
    with request.database.write() as connection:
        return {"id": create(connection, request.database.now(), arguments)}


def create(connection: sa.Connection, now: int, arguments: Input) -> str:
    """The id of a new run, or of the one with its idempotency key; `arguments` as for `create_flow_run`."""
    flow = _flow_to_run(connection, arguments.get("flow_id"), arguments.get("version_group_id"))
    key = arguments.get("idempotency_key")
    if key is not None:
        same = sa.select(_FLOW_RUN.c.id).where(
            _FLOW_RUN.c.flow_id == flow.id, _FLOW_RUN.c.idempotency_key == key
        )
        known = connection.execute(same).scalar()
        if known is not None:
            return str(known)
    run = new_runs.row(now, flow, arguments)
    new_runs.insert(connection, now, [run])
    return str(run["id"])


def _flow_to_run(connection: sa.Connection, flow_id: str | None, version_group_id: str | None) -> Any:
    flows = new_runs.flows_to_run
    if flow_id:
        flow = connection.execute(flows.where(_FLOW.c.id == flow_id)).first()
        if flow is None:
            raise ValueError(f"Flow {flow_id} not found")
    else:
        current = flows.where(_FLOW.c.version_group_id == version_group_id, _FLOW.c.archived.is_(sa.false()))
        flow = connection.execute(current.order_by(_FLOW.c.version.desc())).first()
        if flow is None:
            raise ValueError(f"Version group {version_group_id} has no unarchived flows.")
    if flow.archived:
        raise ValueError(f"Flow {flow.id} is archived.")
    return flow


@mutation("runs_in_queue_payload", tenant_id="UUID!", before="DateTime", labels="[String!]")
def get_runs_in_queue(request: Request, arguments: Input) -> Dict[str, Any]:
    """The due runs that an agent accepts: those whose labels are all among its own.

    Only an agent without labels is offered a run without labels. A Running run is due when one of its task
    runs is: a retry may outlive the process that scheduled it.
    """
    now = request.database.now()
    before = now if arguments.get("before") is None else arguments["before"]
    scheduled = sorted(SCHEDULED)
    task_due = sa.exists().where(
        _TASK_RUN.c.flow_run_id == _FLOW_RUN.c.id,
        _TASK_RUN.c.state.in_(scheduled),
        _TASK_RUN.c.state_start_time <= before,
    )
    due_runs = (
        sa.select(_FLOW_RUN.c.id, _FLOW_RUN.c.labels)
        .where(
            _FLOW_RUN.c.tenant_id == arguments["tenant_id"],
            sa.or_(
                sa.and_(_FLOW_RUN.c.state.in_(scheduled), _FLOW_RUN.c.state_start_time <= before),
                sa.and_(_FLOW_RUN.c.state == "Running", task_due),
            ),
        )
        .order_by(_FLOW_RUN.c.state_start_time)
    )
    with request.database.read() as connection:
        runs = connection.execute(due_runs).all()
    agents.record_query(request)
    labels = set(arguments.get("labels") or [])
    accepted = [run.id for run in runs if set(run.labels) <= labels and bool(run.labels) == bool(labels)]
    return {"flow_run_ids": accepted[:MAX_RUNS_IN_QUEUE]}


@mutation("task_run_id_payload", flow_run_id="UUID!", task_id="UUID!", map_index="Int")
def get_or_create_task_run(request: Request, arguments: Input) -> Dict[str, Any]:
    try:
        return {"id": get_or_create_task_run_info(request, arguments)["id"]}
    except (ValueError, sa.exc.IntegrityError):
        raise ValueError("Invalid ID") from None


@mutation("get_or_create_task_run_info_payload", flow_run_id="UUID!", task_id="UUID!", map_index="Int")
def get_or_create_task_run_info(request: Request, arguments: Input) -> Dict[str, Any]:
    """A task run with its state; created, with version 0, if it does not exist."""
    index = arguments.get("map_index")
    same = {"flow_run_id": arguments["flow_run_id"], "task_id": arguments["task_id"]}
    same["map_index"] = -1 if index is None else index
    with request.database.read() as connection:
        known = connection.execute(_find_task_run, same).first()
    if known is None:
        with request.database.write() as connection:
            known = connection.execute(_find_task_run, same).first()
            if known is None:
                return _create_task_run(connection, request.database.now(), same)
    return dict(known._mapping)


_find_task_run = sa.select(
    _TASK_RUN.c.id, _TASK_RUN.c.version, _TASK_RUN.c.state, _TASK_RUN.c.serialized_state
).where(*[_TASK_RUN.c[name] == sa.bindparam(name) for name in ("flow_run_id", "task_id", "map_index")])


def _create_task_run(connection: sa.Connection, now: int, same: Dict[str, Any]) -> Dict[str, Any]:
    task = connection.execute(
        sa.select(tables.task.c.tenant_id, tables.task.c.cache_key).where(tables.task.c.id == same["task_id"])
    ).first()
    if task is None:
        raise ValueError("Invalid task ID")
    task_run_id = values.new_id()
    connection.execute(
        _TASK_RUN.insert().values(
            id=task_run_id,
            created=now,
            updated=now,
            tenant_id=task.tenant_id,
            cache_key=task.cache_key,
            version=0,
            **same,
        )
    )
    state = new_state("Pending", "Task run created", now)
    state_history.set_task_run_state(connection, now, task_run_id, state)
    return {"id": task_run_id, "version": 0, "state": "Pending", "serialized_state": state}


@query("task_run_info_payload", task_run_id="UUID!")
def get_task_run_info(request: Request, arguments: Input) -> Dict[str, Any]:
    task_runs = sa.select(*[_TASK_RUN.c[n] for n in ("id", "version", "state", "serialized_state")])
    with request.database.read() as connection:
        run = connection.execute(task_runs.where(_TASK_RUN.c.id == arguments["task_run_id"])).first()
    if run is None:
        raise ValueError("Invalid task run ID")
    return dict(run._mapping)


@query("mapped_children_payload", task_run_id="UUID!")
def mapped_children(request: Request, arguments: Input) -> Dict[str, Any]:
    """The times and states of the children of a mapped task run."""
    parent = _TASK_RUN.alias()
    children = (
        sa.select(
            _TASK_RUN.c.state,
            sa.func.count(),
            sa.func.min(_TASK_RUN.c.start_time),
            sa.func.max(_TASK_RUN.c.end_time),
        )
        .join_from(
            _TASK_RUN,
            parent,
            sa.and_(parent.c.flow_run_id == _TASK_RUN.c.flow_run_id, parent.c.task_id == _TASK_RUN.c.task_id),
        )
        .where(parent.c.id == arguments["task_run_id"], parent.c.map_index < 0, _TASK_RUN.c.map_index >= 0)
        .group_by(_TASK_RUN.c.state)
    )
    with request.database.read() as connection:
        found = connection.execute(children).all()
    return {
        "min_start_time": min((row[2] for row in found if row[2] is not None), default=None),
        "max_end_time": max((row[3] for row in found if row[3] is not None), default=None),
        "state_counts": {row[0]: row[1] for row in found},
    }


@mutation("success_payload", flow_run_id="UUID!")
def delete_flow_run(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(_FLOW_RUN.delete().where(_FLOW_RUN.c.id == arguments["flow_run_id"]))
    return {"success": bool(result.rowcount)}


@mutation("success_payload", flow_run_id="UUID!", name="String!")
def set_flow_run_name(request: Request, arguments: Input) -> Dict[str, Any]:
    return _rename(request, _FLOW_RUN, arguments["flow_run_id"], arguments["name"])


@mutation("success_payload", task_run_id="UUID!", name="String!")
def set_task_run_name(request: Request, arguments: Input) -> Dict[str, Any]:
    return _rename(request, _TASK_RUN, arguments["task_run_id"], arguments["name"])


def _rename(request: Request, table: sa.Table, run_id: str, name: str) -> Dict[str, Any]:
    if not name:
        raise ValueError("Invalid name")
    with request.database.write() as connection:
        update = table.update().where(table.c.id == run_id).values(name=name, updated=request.database.now())
        return {"success": bool(connection.execute(update).rowcount)}


@mutation("success_payload", flow_run_id="UUID!", labels="[String!]!")
def set_flow_run_labels(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(
            _FLOW_RUN.update()
            .where(_FLOW_RUN.c.id == arguments["flow_run_id"])
            .values(labels=sorted(arguments["labels"]), updated=request.database.now())
        )
        agent_signal(connection).now()  # another agent may accept it now
    return {"success": bool(result.rowcount)}
