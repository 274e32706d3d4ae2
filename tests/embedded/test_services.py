"""Lazarus and the zombie killer, by the real server's rules, with a clock that the test sets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.services import Services, lazarus, zombies
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.storage.values import SECOND
from tests.embedded.agents import wait_for
from tests.embedded.conftest import Caller, Seed, task


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        self.time += 1
        return self.time

    def advance(self, minutes: float) -> None:
        self.time += int(minutes * 60 * SECOND)


class World:
    def __init__(self, server: EmbeddedServer, clock: Clock) -> None:
        self.api, self.clock, self.database = Caller(server.url), clock, server.database
        self.seed = Seed(self.api)
        self.flow_id = self.seed.flow(
            self.seed.project("p"), "f", [task("a", max_retries=1, retry_delay=30), "b"]
        )

    def started_run(self) -> str:
        run_id = self.seed.run(self.flow_id)
        self.seed.flow_state(run_id, "Submitted")
        self.seed.flow_state(run_id, "Running")
        return run_id

    def run(self, run_id: str) -> Dict[str, Any]:
        fields = (
            "state state_message times_resurrected logs(order_by: {timestamp: asc}) { message level name }"
        )
        return dict(self.api.data(f'{{ flow_run_by_pk(id: "{run_id}") {{ {fields} }} }}')["flow_run_by_pk"])

    def task(self, run_id: str, slug: str) -> Dict[str, Any]:
        task_run_id = self.seed.task_runs(run_id)[slug]
        fields = "state state_message state_start_time state_timestamp"
        return dict(
            self.api.data(f'{{ task_run_by_pk(id: "{task_run_id}") {{ {fields} }} }}')["task_run_by_pk"]
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = Clock()
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=Settings(clock=clock)) as server:
        yield World(server, clock)


def test_a_dead_run_is_rescheduled_three_times_and_then_failed(world: World) -> None:
    run_id = world.started_run()
    for attempt in (1, 2, 3):
        world.clock.advance(9)
        assert lazarus.run(world.database) == 0
        world.clock.advance(2)
        assert lazarus.run(world.database) == 1
        found = world.run(run_id)
        assert (found["state"], found["times_resurrected"]) == ("Scheduled", attempt)
        assert found["state_message"] == "Rescheduled by a Lazarus process."
        assert found["logs"][-1]["message"] == f"Rescheduled by a Lazarus process. This is attempt {attempt}."
        assert lazarus.run(world.database) == 0
        queue = world.api.do(
            "get_runs_in_queue", {"tenant_id": world.seed.tenant_id, "labels": ["here"]}, "flow_run_ids"
        )
        assert queue == [run_id]
        world.seed.flow_state(run_id, "Submitted")
    world.clock.advance(11)
    assert lazarus.run(world.database) == 0
    found = world.run(run_id)
    assert found["state"] == "Failed"
    assert found["state_message"] == (
        "A Lazarus process attempted to reschedule this run 3 times without success. Marking as failed."
    )
    assert found["logs"][-1]["level"] == "ERROR"


@pytest.mark.parametrize("state", ["Running", "Retrying", "Scheduled", "Paused", "Cancelling"])
def test_a_run_with_an_active_task_is_not_rescheduled(world: World, state: str) -> None:
    run_id = world.started_run()
    world.seed.task_state(world.seed.task_runs(run_id)["b"], state)
    world.clock.advance(60)
    assert lazarus.run(world.database) == 0
    assert world.run(run_id)["state"] == "Running"


def test_a_run_with_a_heartbeat_is_not_rescheduled(world: World) -> None:
    run_id = world.started_run()
    for _ in range(5):
        world.clock.advance(9)
        assert world.api.do("update_flow_run_heartbeat", {"flow_run_id": run_id}) is True
        assert (lazarus.run(world.database), zombies.run(world.database)) == (0, 0)


@pytest.mark.parametrize("switch", ["disable_flow_lazarus_process", "disable_flow_heartbeat"])
def test_a_flow_can_opt_out_of_lazarus(world: World, switch: str) -> None:
    world.started_run()
    world.api.do(switch, {"flow_id": world.flow_id})
    world.clock.advance(60)
    assert lazarus.run(world.database) == 0


def test_a_dead_task_is_retried_while_it_has_retries_and_then_failed(world: World) -> None:
    run_id = world.started_run()
    task_run_id = world.seed.task_runs(run_id)["a"]
    world.seed.task_state(task_run_id, "Running")
    world.clock.advance(11)
    assert zombies.run(world.database) == 1
    found = world.task(run_id, "a")
    assert found["state"] == "Retrying"
    assert found["state_message"] == (
        "No heartbeat detected from the remote task; retrying the run.This will be retry 1 of 1."
    )
    assert found["state_start_time"] > found["state_timestamp"]
    assert zombies.run(world.database) == 0
    given = {"tenant_id": world.seed.tenant_id, "labels": ["here"]}
    assert world.api.do("get_runs_in_queue", given, "flow_run_ids") == []
    world.clock.advance(1)
    # An agent is offered a running run whose task is due.
    assert world.api.do("get_runs_in_queue", given, "flow_run_ids") == [run_id]
    world.seed.task_state(task_run_id, "Running")
    assert zombies.run(world.database) == 1
    found = world.task(run_id, "a")
    assert found["state"] == "Failed"
    assert found["state_message"].endswith(f"marking the task run {task_run_id} (None) as failed.")
    assert len(world.run(run_id)["logs"]) == 2


def test_a_dead_task_without_retries_is_failed(world: World) -> None:
    run_id = world.started_run()
    world.seed.task_state(world.seed.task_runs(run_id)["b"], "Running")
    world.clock.advance(11)
    assert zombies.run(world.database) == 1
    assert world.task(run_id, "b")["state"] == "Failed"


def test_a_flow_can_opt_out_of_the_zombie_killer(world: World) -> None:
    run_id = world.started_run()
    world.seed.task_state(world.seed.task_runs(run_id)["b"], "Running")
    world.api.do("disable_flow_heartbeat", {"flow_id": world.flow_id})
    world.clock.advance(60)
    assert zombies.run(world.database) == 0


def test_a_run_that_never_finishes_cancelling_is_failed(world: World) -> None:
    run_id = world.started_run()
    world.api.do("cancel_flow_run", {"flow_run_id": run_id}, "state")
    world.clock.advance(11)
    assert zombies.run(world.database) == 1
    found = world.run(run_id)
    assert found["state"] == "Failed"
    assert found["state_message"] == "No heartbeat detected from the flow run; marking the run as failed."


def test_nobody_is_judged_before_a_heartbeat_can_have_arrived(world: World, tmp_path: Path) -> None:
    running, cancelling = world.started_run(), world.started_run()
    world.seed.task_state(world.seed.task_runs(running)["b"], "Running")
    submitted = world.seed.run(world.flow_id)
    world.seed.flow_state(submitted, "Submitted")
    world.api.do("cancel_flow_run", {"flow_run_id": cancelling}, "state")
    world.clock.advance(60)
    # Another API on the same file: the first has been down for an hour.
    settings = Settings(clock=world.clock)
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=settings) as again:
        world.clock.advance(9)
        assert (lazarus.run(again.database), zombies.run(again.database)) == (0, 0)
        world.clock.advance(2)
        assert (lazarus.run(again.database), zombies.run(again.database)) == (1, 2)


def test_services_go_on_after_one_has_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: List[str] = []

    def fails(database: object) -> int:
        calls.append("lazarus")
        raise RuntimeError("on purpose")

    monkeypatch.setattr(lazarus, "run", fails)
    monkeypatch.setattr(zombies, "run", lambda database: calls.append("zombies") or 0)
    interval = 0.1
    quick = Settings(
        scheduler_interval=interval,
        zombie_killer_interval=interval,
        lazarus_interval=interval,
        clock=world.clock,
    )
    monkeypatch.setattr(world.database, "settings", quick)
    services = Services(world.database)
    services.start()
    wait_for(lambda: calls.count("lazarus") > 2 and calls.count("zombies") > 2, seconds=20)
    services.signal_stop()
    services.join()
    calls_until_stop = len(calls)
    time.sleep(5 * interval)
    assert len(calls) == calls_until_stop
