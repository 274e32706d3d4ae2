"""A history as it is after months, written straight into the database: nobody waits for its requests."""

from __future__ import annotations

import random
from typing import Any, Dict, List, NamedTuple, Sequence

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.storage.values import SECOND, new_id

FLOWS, RUNS, TASKS, LINES = 60, 3_000, 3_000, 100_000

_DAY = 86_400 * SECOND


class LargeHistory(NamedTuple):
    """The ids of what there is to look at."""

    flow_group: str
    wide_run: str
    """It has 3,000 tasks, 7 of which have failed."""
    wide_task_run: str
    talkative_run: str
    """It has 100,000 log lines."""


def write_large_history(database: Database) -> LargeHistory:
    """60 flows with 3,000 runs, 10 runs that are scheduled, a run of 3,000 tasks and one of 100,000 lines."""
    now = database.now()
    drawn = random.Random(16)
    with database.write() as connection:
        tenant = connection.execute(sa.select(tables.tenant.c.id)).scalar_one()
        writer = _Writer(connection, now, tenant)
        project = writer.add("project", name="spaceflights")
        flows = [_flow(writer, project, number) for number in range(FLOWS)]
        runs = []
        for number in range(RUNS):
            flow, _ = flows[number % FLOWS]
            state = "Failed" if drawn.random() < 0.05 else "Success"
            start = now - number * 20 * 60 * SECOND - drawn.randrange(60 * SECOND)
            runs.append(writer.run(flow, f"run-{number:04}", state, start, drawn.randrange(1, 900) * SECOND))
        for number in range(10):
            writer.run(flows[number][0], f"next-{number}", "Scheduled", now + (number + 1) * 3600 * SECOND, 0)
        writer.run(flows[11][0], "late", "Scheduled", now - 600 * SECOND, 0)
        wide_group = writer.add("flow_group", name="wide", settings={}, default_parameters={})
        wide = writer.flow(project, wide_group, "wide")
        wide_run = writer.run(wide, "wide-run", "Failed", now - 60 * SECOND, 50 * SECOND)
        wide_tasks = _tasks(writer, wide, wide_run, now - 60 * SECOND)
        talkative_run = writer.run(flows[0][0], "talkative", "Success", now - _DAY // 8, _DAY // 12)
        _lines(writer, talkative_run, now - _DAY // 8)
        writer.flush()
    return LargeHistory(flows[0][1], wide_run, wide_tasks[0], talkative_run)


class _Writer:
    """Collects rows by table and inserts them in the order in which they refer to each other."""

    def __init__(self, connection: sa.Connection, now: int, tenant: str) -> None:
        self.connection, self.now, self.tenant = connection, now, tenant
        self.rows: Dict[str, List[Dict[str, Any]]] = {
            name: []
            for name in (
                *("project", "flow_group", "flow", "task", "edge", "flow_run"),
                *("flow_run_state", "task_run", "task_run_state", "log"),
            )
        }

    def add(self, table: str, **row: Any) -> str:
        found = {"id": new_id(), "created": self.now, "updated": self.now, "tenant_id": self.tenant, **row}
        self.rows[table].append(found)
        return str(found["id"])

    def flush(self) -> None:
        for table, rows in self.rows.items():
            if rows:
                self.connection.execute(tables.metadata.tables[table].insert(), rows)

    def flow(self, project: str, group: str, name: str, **more: Any) -> str:
        given = {
            "version": 1,
            "archived": False,
            "is_schedule_active": True,
            "settings": {},
            "parameters": [{"name": "rows", "slug": "rows", "required": False, "default": 0}],
            "run_config": {"type": "LocalRun", "labels": ["here"]},
            "schedule": None,
        }
        return self.add("flow", project_id=project, flow_group_id=group, name=name, **{**given, **more})

    def run(self, flow: str, name: str, state: str, start: int, lasted: int) -> str:
        began, ended = (None, None) if state == "Scheduled" else (start, start + lasted)
        message = {"Failed": "Some reference tasks failed.", "Scheduled": "Flow run scheduled."}.get(
            state, "All reference tasks succeeded."
        )
        run = self.add(
            "flow_run",
            flow_id=flow,
            name=name,
            labels=["here"],
            parameters={},
            scheduled_start_time=start,
            auto_scheduled=True,
            version=3,
            state=state,
            state_message=message,
            state_timestamp=ended or self.now,
            state_start_time=start if ended is None else None,
            start_time=began,
            end_time=ended,
        )
        history = [("Scheduled", start)] if began is None else [("Running", began), (state, ended or began)]
        for version, (kind, time) in enumerate(history, 1):
            self.state("flow_run", run, kind=kind, time=time, version=version, message=message)
        return run

    def state(self, of: str, run: str, *, kind: str, time: int, version: int, message: str) -> None:
        self.add(
            f"{of}_state",
            **{f"{of}_id": run},
            state=kind,
            timestamp=time,
            version=version,
            message=message,
            serialized_state={"type": kind, "message": message},
        )


def _flow(writer: _Writer, project: str, number: int) -> Sequence[str]:
    """A flow with three tasks; returns its id and that of its group."""
    name = f"{('ingest', 'features', 'training', 'report')[number % 4]}_{number:02}"
    group = writer.add("flow_group", name=name, settings={}, default_parameters={})
    clock = {"type": "CronClock", "cron": f"{number} * * * *", "start_date": None, "end_date": None}
    schedule = {"type": "Schedule", "clocks": [clock], "filters": []} if number < 10 else None
    flow = writer.flow(project, group, name, schedule=schedule)
    tasks = [_task(writer, flow, slug) for slug in ("split", "train", "evaluate")]
    for upstream, downstream in zip(tasks, tasks[1:]):
        _edge(writer, flow, upstream, downstream)
    return flow, group


def _task(writer: _Writer, flow: str, slug: str) -> str:
    flags = dict.fromkeys(("mapped", "auto_generated", "is_root_task"), False)
    flags.update(is_terminal_task=True, is_reference_task=True)
    return writer.add("task", flow_id=flow, name=slug, slug=slug, type="T", tags=[], **flags)


def _edge(writer: _Writer, flow: str, upstream: str, downstream: str) -> None:
    writer.add("edge", flow_id=flow, upstream_task_id=upstream, downstream_task_id=downstream, mapped=False)


def _tasks(writer: _Writer, flow: str, run: str, start: int) -> List[str]:
    """3,000 tasks in a binary tree; returns the ids of their task runs."""
    tasks: List[str] = []
    runs = []
    for number in range(TASKS):
        tasks.append(_task(writer, flow, f"node_{number:04}_of_a_pipeline_with_long_names"))
        if number:
            _edge(writer, flow, tasks[(number - 1) // 2], tasks[number])
        kind = "Failed" if number % 500 == 499 or number == 0 else "Success"
        began = start + number * SECOND // 75
        message = "KeyError('price')" if kind == "Failed" else "Task run succeeded."
        runs.append(
            writer.add(
                "task_run",
                flow_run_id=run,
                task_id=tasks[-1],
                map_index=-1,
                version=3,
                state=kind,
                state_message=message,
                state_timestamp=began + SECOND,
                start_time=began,
                end_time=began + SECOND,
            )
        )
        for version, (each, time) in enumerate([("Running", began), (kind, began + SECOND)], 1):
            writer.state("task_run", runs[-1], kind=each, time=time, version=version, message=message)
    return runs


def _lines(writer: _Writer, run: str, start: int) -> None:
    """100,000 lines, with a warning every 1,000 lines and one line that is like no other."""
    span = _DAY // 12
    for number in range(LINES):
        time = start + span * number // LINES
        level = "WARNING" if number % 1000 == 0 else "INFO"
        message = f"Processed row {number:06} of the table of shuttles in 12.3 ms"
        if number == 777:
            message = "An unusual line, long ago"
        writer.add(
            "log",
            flow_run_id=run,
            timestamp=time,
            name="kedro.runner",
            level=level,
            message=message,
            is_loaded_from_archive=False,
        )
        writer.rows["log"][-1]["created"] = time
