"""Schedules of flows: switching them on and off, and creating the runs that are due next."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations import due_times, new_runs
from kedro_prefect_hooks.embedded.operations.due_times import Event
from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import tables, values
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
    for error in schedule_runs(database, [flow_id]).errors.values():
        raise error
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


class Scheduled(NamedTuple):
    """How many runs were created, and by flow, the errors because of which none were."""

    made: int
    errors: Dict[str, ValueError]


class _Due(NamedTuple):
    """A run that a flow's schedule asks for."""

    flow_id: str
    schedule: Dict[str, Any]
    event: Event
    key: str
    tasks: int


_MOST_TASK_RUNS = 2_000
"""Of one transaction: other writers wait for its end, and a large flow has many task runs per run."""

_auto_runs = (
    _FLOW_RUN.c.flow_id == _FLOW.c.id,
    _FLOW_RUN.c.auto_scheduled.is_(sa.true()),
)
_waiting_runs = (
    sa.select(sa.func.count())
    .where(
        *_auto_runs, _FLOW_RUN.c.state == "Scheduled", _FLOW_RUN.c.scheduled_start_time > sa.bindparam("now")
    )
    .correlate(_FLOW)
    .scalar_subquery()
)
# Not `max`: this stops at the first row of the index, however long the flow's history is.
_last_run = (
    sa.select(_FLOW_RUN.c.scheduled_start_time)
    .where(*_auto_runs)
    .order_by(_FLOW_RUN.c.scheduled_start_time.desc())
    .limit(1)
    .correlate(_FLOW)
    .scalar_subquery()
)
_number_of_tasks = (
    sa.select(sa.func.count()).where(tables.task.c.flow_id == _FLOW.c.id).correlate(_FLOW).scalar_subquery()
)
_is_active = (
    _FLOW.c.is_schedule_active.is_(sa.true()),
    _FLOW.c.archived.is_(sa.false()),
    sa.or_(_FLOW.c.schedule.is_not(None), _GROUP.c.schedule.is_not(None)),
)
_number_of_clocks = sa.func.json_array_length(
    sa.func.coalesce(sa.type_coerce(_GROUP.c.schedule, sa.Text), sa.type_coerce(_FLOW.c.schedule, sa.Text)),
    "$.clocks",
)
_lacking_runs = (
    sa.select(
        _FLOW.c.id,
        _FLOW.c.schedule,
        _GROUP.c.schedule.label("group_schedule"),
        _last_run.label("last"),
        _number_of_tasks.label("tasks"),
    )
    .join_from(_FLOW, _GROUP, _GROUP.c.id == _FLOW.c.flow_group_id)
    .where(*_is_active, _waiting_runs < sa.bindparam("ahead") * sa.func.max(1, _number_of_clocks))
)
_among = _FLOW.c.id.in_(sa.select(sa.func.json_each(sa.bindparam("flow_ids")).table_valued("value").c.value))
_current = new_runs.flows_to_run.add_columns(
    _FLOW.c.schedule, _GROUP.c.schedule.label("group_schedule"), _last_run.label("last")
).where(*_is_active, _among)
_known_keys = sa.text(
    "SELECT flow_run.flow_id, flow_run.idempotency_key FROM json_each(:keys) AS asked CROSS JOIN flow_run"
    " ON flow_run.flow_id = json_extract(asked.value, '$[0]')"
    " AND flow_run.idempotency_key = json_extract(asked.value, '$[1]')"
)


def schedule_runs(database: Database, flow_ids: Sequence[str] | None = None) -> Scheduled:
    """Create the missing next runs of the flows whose schedules are on, or of those among `flow_ids`.

    A flow that has as many waiting runs as are kept ahead for its clocks lacks none, since changing its
    schedule deletes them; so one query finds the flows that lack runs. Two processes that do so at once
    create each run only once: its idempotency key holds its time.
    """
    now, ahead = database.now(), database.settings.runs_ahead
    given: Dict[str, Any] = {"now": now, "ahead": ahead}
    statement = _lacking_runs
    if flow_ids is not None:
        statement, given = statement.where(_among), {**given, "flow_ids": json.dumps(list(flow_ids))}
    with database.read() as connection:
        flows = connection.execute(statement, given).all()
    # Outside the transactions: this may import Prefect, for which other writers need not wait.
    due, errors = _due(flows, now, ahead)
    if any(_number_of_clocks_in(each.schedule) > 1 for each in due):
        # Clocks that share times have fewer runs than are kept ahead, and need no transaction.
        with database.read() as connection:
            known = _known(connection, due)
        due = [each for each in due if (each.flow_id, each.key) not in known]
    made = 0
    for batch in _batches(due):
        with database.write() as connection:
            made += _create(connection, now, batch, errors)
    return Scheduled(made, errors)


def _due(flows: Sequence[Any], now: int, count: int) -> Tuple[List[_Due], Dict[str, ValueError]]:
    found: List[_Due] = []
    errors: Dict[str, ValueError] = {}
    # Many flows have the same schedule, such as "every hour".
    events_of: Dict[str, List[Event]] = {}
    for flow in flows:
        schedule = flow.group_schedule or flow.schedule
        text = values.canonical_json(schedule)
        try:
            if text not in events_of:
                events_of[text] = due_times.next_events(schedule, now, count)
        except ValueError as error:
            errors[flow.id] = error
            continue
        for event in events_of[text]:
            if _is_missing(schedule, event, flow.last, now):
                found.append(_Due(flow.id, schedule, event, _key(event), flow.tasks))
    return found, errors


def _is_missing(schedule: Dict[str, Any], event: Event, last: int | None, now: int) -> bool:
    """Whether an event may need a run: is it later than the last run that the schedule created?

    Only one clock creates its runs in order. Those of several, and of clocks with parameters or labels, are
    recognized by their keys.
    """
    if event.has_overrides or _number_of_clocks_in(schedule) > 1:
        return True
    return event.start_time > (now if last is None else last)


def _number_of_clocks_in(schedule: Dict[str, Any]) -> int:
    return len(schedule.get("clocks") or [])


def _key(event: Event) -> str:
    key = f"auto-scheduled:{values.to_datetime(event.start_time).isoformat()}"
    if event.has_overrides:
        overrides = values.canonical_json([event.parameters, event.labels])
        key += ":" + hashlib.sha256(overrides.encode()).hexdigest()[:32]
    return key


def _batches(due: Sequence[_Due]) -> Iterator[List[_Due]]:
    """Parts of one transaction each."""
    batch: List[_Due] = []
    total = 0
    for each in due:
        if batch and total + each.tasks > _MOST_TASK_RUNS:
            yield batch
            batch, total = [], 0
        batch.append(each)
        total += each.tasks + 1
    if batch:
        yield batch


def _known(connection: sa.Connection, due: Sequence[_Due]) -> Set[Tuple[str, str]]:
    """The flows and keys of those runs that exist already."""
    asked = json.dumps([[each.flow_id, each.key] for each in due])
    return {(row[0], row[1]) for row in connection.execute(_known_keys, {"keys": asked})}


def _create(connection: sa.Connection, now: int, batch: Sequence[_Due], errors: Dict[str, ValueError]) -> int:
    """Create those runs of a batch that are still missing, and whose schedule is still the same and on."""
    given = {"flow_ids": json.dumps(sorted({each.flow_id for each in batch}))}
    flows = {flow.id: flow for flow in connection.execute(_current, given)}
    wanted = [
        each
        for each in batch
        if each.flow_id in flows
        and each.schedule == (flows[each.flow_id].group_schedule or flows[each.flow_id].schedule)
        and _is_missing(each.schedule, each.event, flows[each.flow_id].last, now)
    ]
    known = _known(connection, wanted)
    rows = []
    for flow_id, _, event, key, _ in wanted:
        if (flow_id, key) in known or flow_id in errors:
            continue
        known.add((flow_id, key))
        arguments = {
            "scheduled_start_time": event.start_time,
            "parameters": event.parameters,
            "labels": event.labels,
            "idempotency_key": key,
        }
        try:
            rows.append(new_runs.row(now, flows[flow_id], arguments, auto_scheduled=True))
        except ValueError as error:
            errors[flow_id] = error
    new_runs.insert(connection, now, rows)
    return len(rows)
