"""Schedules of flows: switching them on and off, and creating the runs that are due next."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations import due_times, run_records
from kedro_prefect_hooks.embedded.operations.due_times import Event
from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import state_history, tables, values
from kedro_prefect_hooks.embedded.storage.database import Database

_FLOW, _GROUP, _FLOW_RUN = tables.flow, tables.flow_group, tables.flow_run


@mutation("success_payload", flow_id="UUID!")
def set_schedule_active(request: Request, arguments: Input) -> Dict[str, Any]:
    """`success` is false for a flow that has no schedule or does not exist."""
    return {"success": activate(request.database, arguments["flow_id"])}


@mutation("success_payload", flow_id="UUID!")
def set_schedule_inactive(request: Request, arguments: Input) -> Dict[str, Any]:
    """Switches the schedule off, and deletes the runs it has created that have not started."""
    flow_id = arguments["flow_id"]
    with request.database.write() as connection:
        result = connection.execute(
            _FLOW.update()
            .where(_FLOW.c.id == flow_id)
            .values(is_schedule_active=False, updated=request.database.now())
        )
        if result.rowcount:
            delete_scheduled_runs(connection, _FLOW_RUN.c.flow_id == flow_id)
    return {"success": bool(result.rowcount)}


def activate(database: Database, flow_id: str) -> bool:
    """Switch a flow's schedule on and create its next runs; False if it has none.

    Raises ValueError when neither the flow group nor every clock gives a value for a required parameter.
    """
    with database.write() as connection:
        flow = connection.execute(_with_schedule.where(_FLOW.c.id == flow_id)).first()
        if flow is None:
            return False
        _check_parameters(flow)
        if flow.schedule is None and flow.group_schedule is None:
            return False
        connection.execute(
            _FLOW.update()
            .where(_FLOW.c.id == flow_id)
            .values(is_schedule_active=True, updated=database.now())
        )
    schedule_runs(database, flow_id)
    return True


_with_schedule = sa.select(
    _FLOW.c.id,
    _FLOW.c.schedule,
    _FLOW.c.parameters,
    _GROUP.c.schedule.label("group_schedule"),
    _GROUP.c.default_parameters,
).join_from(_FLOW, _GROUP, _GROUP.c.id == _FLOW.c.flow_group_id)


def _check_parameters(flow: Any) -> None:
    required = {p.get("name") for p in flow.parameters or [] if p.get("required")} - set(
        flow.default_parameters or {}
    )
    if flow.schedule is not None and required:
        per_clock = [set(clock.get("parameter_defaults") or {}) for clock in flow.schedule.get("clocks", [])]
        if not all(required <= names for names in per_clock):
            raise ValueError("Can not schedule a flow that has required parameters.")


def delete_scheduled_runs(connection: sa.Connection, condition: Any) -> None:
    """Delete the runs that meet `condition`, were created by a schedule, and have not started."""
    connection.execute(
        _FLOW_RUN.delete().where(
            condition, _FLOW_RUN.c.state == "Scheduled", _FLOW_RUN.c.auto_scheduled.is_(sa.true())
        )
    )


def schedule_runs(database: Database, flow_id: str) -> int:
    """Create the missing next runs of a flow whose schedule is on; returns how many.

    Two processes that do so at once create each run only once: its idempotency key holds its time.
    """
    with database.read() as connection:
        flow = connection.execute(_active.where(_FLOW.c.id == flow_id)).first()
    if flow is None:
        return 0
    now = database.now()
    # Outside the transactions: this may import Prefect, for which other writers need not wait.
    events = due_times.next_events(flow.group_schedule or flow.schedule, now, database.settings.runs_ahead)
    made = 0
    for event in events:
        # One transaction per run: those of a large flow take long to create, and others write in between.
        with database.write() as connection:
            if not _should_schedule(connection, flow_id, event, now):
                continue
            made += _schedule(connection, now, flow_id, event)
    return made


_active = _with_schedule.where(
    _FLOW.c.is_schedule_active.is_(sa.true()),
    _FLOW.c.archived.is_(sa.false()),
    sa.or_(_FLOW.c.schedule.is_not(None), _GROUP.c.schedule.is_not(None)),
)


def _should_schedule(connection: sa.Connection, flow_id: str, event: Event, now: int) -> bool:
    """Whether the schedule is still on, and the event is later than the last run it created.

    Clocks with parameters or labels of their own may share a time: each of their events has a run.
    """
    if connection.execute(_active.where(_FLOW.c.id == flow_id)).first() is None:
        return False
    made = sa.select(sa.func.max(_FLOW_RUN.c.scheduled_start_time)).where(
        _FLOW_RUN.c.flow_id == flow_id, _FLOW_RUN.c.auto_scheduled.is_(sa.true())
    )
    last = connection.execute(made).scalar()
    return event.has_overrides or event.start_time > (now if last is None else last)


def _schedule(connection: sa.Connection, now: int, flow_id: str, event: Event) -> int:
    key = f"auto-scheduled:{values.to_datetime(event.start_time).isoformat()}"
    if event.has_overrides:
        overrides = values.canonical_json([event.parameters, event.labels])
        key += ":" + hashlib.sha256(overrides.encode()).hexdigest()[:32]
    same = sa.select(_FLOW_RUN.c.id).where(_FLOW_RUN.c.flow_id == flow_id, _FLOW_RUN.c.idempotency_key == key)
    if connection.execute(same).first() is not None:
        return 0
    arguments = {
        "flow_id": flow_id,
        "scheduled_start_time": event.start_time,
        "parameters": event.parameters,
        "labels": event.labels,
        "idempotency_key": key,
    }
    run_records.create(connection, now, arguments, auto_scheduled=True)
    return 1


def active_flows(database: Database) -> List[str]:
    """The ids of the flows whose schedules are on."""
    with database.read() as connection:
        return state_history.ids(connection, _active)
