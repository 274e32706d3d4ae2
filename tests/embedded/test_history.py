"""The history has an end: what is deleted, what is kept, and the database as a file."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
import sqlalchemy as sa

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.services import lazarus, retention, scheduler, zombies
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.storage import history, maintenance, tables
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.storage.values import SECOND
from kedro_prefect_hooks.embedded.web import wake_up
from kedro_prefect_hooks.errors import KedroPrefectError
from tests.embedded.conftest import Caller, Seed
from tests.embedded.test_migrations import described
from tests.embedded.test_services import Clock
from tests.statements import Statements

DAY = 24 * 60  # minutes

OLD_DATA = Path(__file__).with_name("api-0.1.sql")
"""What version 0.1 stored: flows, an archived version, a schedule, runs in all kinds of states."""


class World:
    def __init__(self, server: EmbeddedServer, clock: Clock) -> None:
        self.api, self.clock, self.database = Caller(server.url), clock, server.database
        self.seed = Seed(self.api)
        self.project_id = self.seed.project("p")
        self.flow_id = self.seed.flow(self.project_id, "f")

    def finished_run(self, state: str = "Success") -> str:
        run_id = self.seed.run(self.flow_id)
        for kind in ("Submitted", "Running"):
            self.seed.flow_state(run_id, kind)
        for task_run_id in self.seed.task_runs(run_id).values():
            self.seed.task_state(task_run_id, "Running")
            artifact = {"task_run_id": task_run_id, "kind": "markdown", "data": {"markdown": "m"}}
            self.api.do("create_task_run_artifact", artifact, "id")
            line = {"flow_run_id": run_id, "task_run_id": task_run_id, "message": "m"}
            self.api.do("write_run_logs", {"logs": [line]})
            self.seed.task_state(task_run_id, state)
        self.seed.flow_state(run_id, state)
        return run_id

    def runs(self) -> set[str]:
        return {run["id"] for run in self.api.data("{ flow_run { id } }")["flow_run"]}

    def rows(self) -> Dict[str, int]:
        return maintenance.info(self.database).rows


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = Clock()
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=Settings(clock=clock)) as server:
        yield World(server, clock)


def test_finished_runs_are_deleted_after_ninety_days_with_all_that_belongs_to_them(world: World) -> None:
    for state in ("Success", "Failed", "Cancelled", "Skipped"):
        world.finished_run(state)
    world.clock.advance(89 * DAY)
    recent = world.finished_run()
    assert retention.run(world.database) == 0
    world.clock.advance(2 * DAY)
    assert retention.run(world.database) == 4
    assert world.runs() == {recent}
    # Of the run that is left: its states (Scheduled, Submitted, Running, Success), and those of two tasks.
    expected = {"flow": 1, "flow_run": 1, "task_run": 2, "flow_run_state": 4, "task_run_state": 6}
    assert world.rows() == {**expected, "log": 2, "task_run_artifact": 2}
    assert maintenance.check(world.database.path) == []


def test_what_has_not_finished_is_kept(world: World) -> None:
    waiting = world.seed.run(world.flow_id, scheduled_start_time="2050-01-01T00:00:00+00:00")
    running = world.seed.run(world.flow_id)
    world.seed.flow_state(running, "Running")
    late = world.finished_run()
    world.clock.advance(100 * DAY)
    world.seed.flow_state(late, "Success")  # it finishes now, however old it is
    assert retention.run(world.database) == 0
    assert world.runs() == {waiting, running, late}


def test_former_versions_without_runs_are_deleted_and_registered_flows_are_not(world: World) -> None:
    world.finished_run()
    current = world.seed.flow(world.project_id, "f", ["a", "b", "c"])
    world.clock.advance(91 * DAY)
    assert history.old(world.database, world.clock.time - 90 * DAY * 60 * SECOND) == (1, 0)
    assert history.delete_old(world.database, world.clock.time - 90 * DAY * 60 * SECOND) == (1, 1)
    assert [flow["id"] for flow in world.api.data("{ flow { id } }")["flow"]] == [current]


def test_everything_can_be_kept_for_ever(tmp_path: Path) -> None:
    clock = Clock()
    settings = Settings(clock=clock, retention=None)
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=settings) as server:
        world = World(server, clock)
        run_id = world.finished_run()
        clock.advance(9_000 * DAY)
        assert retention.run(world.database) == 0
        assert world.runs() == {run_id}


def test_many_runs_are_deleted_in_small_transactions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_BATCH", 3)
    monkeypatch.setattr(retention, "_MOST", 6)
    for _ in range(8):
        world.finished_run()
    world.clock.advance(91 * DAY)
    with Statements() as counted:
        assert retention.run(world.database) == 6
    assert counted.transactions == 2
    assert retention.run(world.database) == 2


# --- as a file -------------------------------------------------------------------------------------


def test_a_backup_is_complete_and_private_while_others_write(tmp_path: Path, world: World) -> None:
    run_id = world.finished_run()
    target = tmp_path / "copy.sqlite"
    maintenance.backup(world.database.path, target)
    world.finished_run()
    if os.name != "nt":
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not target.with_name("copy.sqlite-wal").exists()
    with EmbeddedServer(target, services=False) as restored:
        assert Caller(restored.url).data("{ flow_run { id } }") == {"flow_run": [{"id": run_id}]}
    with pytest.raises(KedroPrefectError, match="exists already"):
        maintenance.backup(world.database.path, target)
    with pytest.raises(KedroPrefectError, match="cannot be written"):
        maintenance.backup(world.database.path, tmp_path / "no" / "copy.sqlite")


def test_vacuum_returns_the_space_of_what_was_deleted(world: World) -> None:
    line = {"flow_run_id": world.finished_run(), "message": "m" * 1_000_000}
    world.api.do("write_run_logs", {"logs": [line] * 4})
    world.clock.advance(91 * DAY)
    retention.run(world.database)
    assert maintenance.info(world.database).free > 3_000_000
    maintenance.vacuum(world.database.path)
    assert maintenance.size(world.database.path) < 1_000_000
    assert world.api.data("{ hello }") == {"hello": "👋"}


def test_check_finds_damage(tmp_path: Path) -> None:
    path = tmp_path / "api.sqlite"
    Database(path).close()
    assert maintenance.check(path) == []
    connection = sqlite3.connect(str(path))
    connection.execute(
        "INSERT INTO flow_group (id, created, updated, tenant_id, settings, default_parameters)"
        " VALUES ('x', 0, 0, 'nobody', '{}', '{}')"
    )
    connection.commit()
    connection.close()
    assert maintenance.check(path) == ["row 1 of flow_group belongs to a row of tenant that does not exist"]
    content = bytearray(path.read_bytes())
    content[8192:60_000] = b"x" * (60_000 - 8192)
    path.write_bytes(bytes(content))
    assert maintenance.check(path)
    with pytest.raises(KedroPrefectError):
        maintenance.backup(path, tmp_path / "copy.sqlite")
    assert not (tmp_path / "copy.sqlite").exists()


# --- data of version 0.1 ---------------------------------------------------------------------------


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(str(path))
    connection.executescript(OLD_DATA.read_text(encoding="utf-8"))
    connection.close()
    return path


def test_a_file_of_version_0_1_gets_the_current_schema_and_keeps_its_data(
    tmp_path: Path, old_file: Path
) -> None:
    rows = _rows(old_file)
    with EmbeddedServer(old_file, services=False) as server:
        api = Caller(server.url)
        query = """{ flow_run(order_by: {name: asc}, where: {auto_scheduled: {_eq: false}}) {
            name state parameters states { state } agent { name } flow { name version }
            task_runs { state task { slug } logs { message } }
        } }"""
        found = api.data(query)["flow_run"]
        assert [(run["name"], run["state"]) for run in found] == [
            ("cancelled", "Cancelled"),
            ("done", "Success"),
            ("failed", "Failed"),
            ("running", "Running"),
            ("waiting", "Scheduled"),
        ]
        done = found[1]
        assert done["parameters"] == {"x": 2}
        assert done["agent"] == {"name": "agent"}
        assert done["flow"] == {"name": "flow", "version": 2}
        assert {
            run["task"]["slug"]: [each["message"] for each in run["logs"]] for run in done["task_runs"]
        } == {slug: [f"line of {slug}"] for slug in "abc"}
        assert len(done["states"]) == 4
        # What 0.1 stored is what is scheduled, judged and deleted now.
        assert _rows(old_file) == rows
        assert scheduler.run(server.database) >= 0
        assert maintenance.check(old_file) == []
    aged = Database(old_file, Settings(clock=lambda: 2_000_000_000 * SECOND))
    assert retention.run(aged) == 3
    aged.opened = 0
    assert zombies.run(aged) + lazarus.run(aged) == 1
    aged.close()
    fresh = tmp_path / "fresh.sqlite"
    Database(fresh).close()
    assert described(old_file) == described(fresh)


def _rows(path: Path) -> Dict[str, int]:
    connection = sqlite3.connect(str(path))
    counts = {
        name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        for name in tables.metadata.tables
    }
    connection.close()
    return counts


# --- a long history --------------------------------------------------------------------------------


def test_a_start_reads_no_table_that_grows_with_the_history(tmp_path: Path) -> None:
    """Whatever the API does at its start and again and again is found by an index."""
    plans: Dict[str, str] = {}
    opened = Database(tmp_path / "api.sqlite")
    history_tables = ("flow_run", "task_run", "flow_run_state", "task_run_state", "log", "task_run_artifact")

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and statement not in plans:
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans[statement] = "; ".join(str(row[3]) for row in rows)

    sa.event.listen(sa.Engine, "before_cursor_execute", explain)
    try:
        opened.opened = 0
        for service in (scheduler, zombies, lazarus, retention):
            service.run(opened)
        wake_up._next_due(opened)
        assert opened.problem() is None
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", explain)
        opened.close()
    assert len(plans) > 6
    for statement, plan in plans.items():
        for step in plan.split("; "):
            for table in history_tables:
                assert not re.match(rf"SCAN {table}\b", step), (statement, plan)


def test_an_idle_agent_that_polls_writes_once_in_ten_seconds(world: World) -> None:
    agent_id = world.api.do(
        "register_agent",
        {"type": "LocalAgent", "name": "a", "labels": [], "tenant_id": world.seed.tenant_id},
        "id",
    )
    given = {"tenant_id": world.seed.tenant_id, "labels": []}
    with Statements() as counted:
        for _ in range(40):
            world.clock.advance(0.5 / 60)
            world.api.do("get_runs_in_queue", given, "flow_run_ids", x_prefect_agent_id=agent_id)
    assert counted.transactions == 2
