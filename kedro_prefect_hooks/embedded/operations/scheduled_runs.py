"""Schedules of flows: switching them on and off, and making the runs that are due next."""

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
def set_schedule_active(request: Request, given: Input) -> Dict[str, Any]:
    """Success is false for a flow without a schedule, and for one that is not there."""
    return {"success": activate(request.database, given["flow_id"])}


@mutation("success_payload", flow_id="UUID!")
def set_schedule_inactive(request: Request, given: Input) -> Dict[str, Any]:
    """Switches the schedule off and deletes the runs that it had made and that have not begun."""
    flow_id = given["flow_id"]
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
    """Switch a flow's schedule on and make its next runs; False when it has none.

    Raises ValueError when a parameter is required that neither the group nor a clock gives.
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
        given = [set(clock.get("parameter_defaults") or {}) for clock in flow.schedule.get("clocks", [])]
        if not all(required <= names for names in given):
            raise ValueError("Can not schedule a flow that has required parameters.")


def delete_scheduled_runs(connection: sa.Connection, condition: Any) -> None:
    """Delete the runs that a schedule made, that fit `condition`, and that are still waiting."""
    connection.execute(
        _FLOW_RUN.delete().where(
            condition, _FLOW_RUN.c.state == "Scheduled", _FLOW_RUN.c.auto_scheduled.is_(sa.true())
        )
    )


def schedule_runs(database: Database, flow_id: str) -> int:
    """Make the next runs of a flow whose schedule is on, those that are not there yet; returns how many.

    Two processes that do so at once make each run once: the key of a run holds its time.
    """
    with database.read() as connection:
        flow = connection.execute(_active.where(_FLOW.c.id == flow_id)).first()
    if flow is None:
        return 0
    now = database.now()
    # Outside the transactions: reading a schedule imports Prefect, and others need not wait for that.
    events = due_times.next_events(flow.group_schedule or flow.schedule, now, database.settings.runs_ahead)
    made = 0
    for event in events:
        # One transaction each: the runs of a large flow take their time, and others write in between.
        with database.write() as connection:
            if not _is_wanted(connection, flow_id, event, now):
                continue
            made += _schedule(connection, now, flow_id, event)
    return made


_active = _with_schedule.where(
    _FLOW.c.is_schedule_active.is_(sa.true()),
    _FLOW.c.archived.is_(sa.false()),
    sa.or_(_FLOW.c.schedule.is_not(None), _GROUP.c.schedule.is_not(None)),
)


def _is_wanted(connection: sa.Connection, flow_id: str, event: Event, now: int) -> bool:
    """Whether the schedule is still on, and the event is after the last run that it made.

    Clocks with parameters or labels may share a time: all of their events are wanted.
    """
    if connection.execute(_active.where(_FLOW.c.id == flow_id)).first() is None:
        return False
    made = sa.select(sa.func.max(_FLOW_RUN.c.scheduled_start_time)).where(
        _FLOW_RUN.c.flow_id == flow_id, _FLOW_RUN.c.auto_scheduled.is_(sa.true())
    )
    last = connection.execute(made).scalar()
    return event.is_particular or event.start_time > (now if last is None else last)


def _schedule(connection: sa.Connection, now: int, flow_id: str, event: Event) -> int:
    key = f"auto-scheduled:{values.to_datetime(event.start_time).isoformat()}"
    if event.is_particular:
        particulars = values.canonical_json([event.parameters, event.labels])
        key += ":" + hashlib.sha256(particulars.encode()).hexdigest()[:32]
    same = sa.select(_FLOW_RUN.c.id).where(_FLOW_RUN.c.flow_id == flow_id, _FLOW_RUN.c.idempotency_key == key)
    if connection.execute(same).first() is not None:
        return 0
    given = {
        "flow_id": flow_id,
        "scheduled_start_time": event.start_time,
        "parameters": event.parameters,
        "labels": event.labels,
        "idempotency_key": key,
    }
    run_records.create(connection, now, given, auto_scheduled=True)
    return 1


def active_flows(database: Database) -> List[str]:
    """The flows whose schedules are on."""
    with database.read() as connection:
        return state_history.ids(connection, _active)
