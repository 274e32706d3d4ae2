"""When our agent starts flow runs, how often it asks, and how it stops."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from kedro_prefect_hooks.embedded.storage import values
from kedro_prefect_hooks.embedded.web import http, wake_up
from tests import processes
from tests.agent.conftest import World, gone
from tests.embedded.agents import wait_for


@pytest.fixture
def requests_seen(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often agents have sent a request, by path."""
    seen: Counter[str] = Counter()
    passed_on = http._Gate.__call__

    async def counted(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if b"x-prefect-agent-id" in dict(scope.get("headers", [])) or scope["path"] == wake_up.PATH:
            seen[scope["path"]] += 1
        await passed_on(self, scope, receive, send)

    monkeypatch.setattr(http._Gate, "__call__", counted)
    return seen


def test_an_idle_agent_waits_and_starts_what_is_created(
    requests_seen: Counter[str], agent: World, example: Any
) -> None:
    wait_for(lambda: requests_seen[wake_up.PATH] >= 2)  # the second one waits
    time.sleep(1)  # for what its first answer caused
    before = requests_seen.copy()
    time.sleep(3)
    assert requests_seen == before
    run_id = agent.run(example.quick)
    agent.in_state(run_id, "Success")
    assert requests_seen[wake_up.PATH] > before[wake_up.PATH]


def test_a_run_starts_when_it_is_due_and_not_before(agent: World, example: Any) -> None:
    agent.run(example.quick)
    due = values.now() + 2 * values.SECOND
    given = {"flow_id": agent._flow_ids["quick"], "scheduled_start_time": values.format_timestamp(due)}
    run_id = agent.api.do("create_flow_run", given, "id")
    found = agent.in_state(run_id, "Success")
    submitted = next(state for state in found["states"] if state["state"] == "Submitted")
    assert values.parse_timestamp(submitted["timestamp"]) >= due


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_agent_that_waits_stops_at_once(world: World, number: int) -> None:
    process = world.start_agent()
    signal_of_api = world.server.database.agent_signal  # type: ignore[union-attr]
    wait_for(lambda: signal_of_api._listeners)
    process.send_signal(number)
    assert process.wait(60) == 0
    assert world.output.endswith("Stopped.\n")
    assert "Traceback" not in world.output


def test_an_agent_goes_on_when_the_api_is_back(agent: World, example: Any) -> None:
    agent.stop_api()
    wait_for(lambda: "The API is unreachable; retrying until it responds" in agent.output)
    agent.start_api()
    wait_for(lambda: "The API is reachable again." in agent.output)
    agent.in_state(agent.run(example.quick), "Success")
    assert agent.output.count("The API is unreachable") == 1


def test_an_api_without_wake_ups_is_polled(
    monkeypatch: pytest.MonkeyPatch, requests_seen: Counter[str], world: World, example: Any
) -> None:
    # What Prefect Server answers to any GET.
    async def unknown(request: Any) -> Any:
        return PlainTextResponse("GET query missing.", 400)

    monkeypatch.setattr(wake_up, "route", lambda database: Route(wake_up.PATH, unknown))
    world.stop_api()
    world.start_api()
    world.start_agent()
    wait_for(lambda: requests_seen["/"] + requests_seen["/graphql"] > 8)
    world.in_state(world.run(example.quick), "Success")
    assert requests_seen[wake_up.PATH] == 1


def test_a_run_is_not_started_twice_at_the_same_time(agent: World, example: Any) -> None:
    run_id = agent.run(example.gate, name="gate")
    (first,) = agent.pids("gate")
    agent.set_state(run_id, "Scheduled")
    message = f"is to start again. It will when its process {first}, which is still running, has ended."
    wait_for(lambda: message in agent.output)
    time.sleep(2)
    assert agent.pids("gate") == [first]
    os.kill(first, signal.SIGKILL)
    assert agent.pids("gate", 2)[1] != first
    (agent.marks / "gate-go").touch()
    agent.in_state(run_id, "Success")
    assert agent.output.count(message) == 1


def test_a_run_that_is_scheduled_again_and_goes_on_is_not_started_again(agent: World, example: Any) -> None:
    run_id = agent.run(example.gate, name="gate")
    pids = agent.pids("gate")
    agent.set_state(run_id, "Scheduled")
    wait_for(lambda: "is to start again" in agent.output)
    (agent.marks / "gate-go").touch()
    found = agent.in_state(run_id, "Success")
    wait_for(lambda: f"Flow run '{found['name']}' has finished." in agent.output)
    assert agent.pids("gate") == pids


def test_twenty_starts_at_once(agent: World, example: Any) -> None:
    logs = agent.folder / "logs"
    logs.mkdir()
    for number in range(100):
        (logs / f"{number}.log").touch()
    agent.in_state(agent.run(example.quick), "Success")
    flow_id = agent._flow_ids["quick"]
    due = values.format_timestamp(values.now() + values.SECOND)
    given = {"flow_id": flow_id, "scheduled_start_time": due}
    for run_id in [agent.api.do("create_flow_run", given, "id") for _ in range(20)]:
        agent.in_state(run_id, "Success")
        assert (logs / f"{run_id}.log").exists()
    assert len(list(logs.glob("*.log"))) == 100
    assert "Traceback" not in agent.output


def test_stopping_the_agent_cancels_its_runs_and_leaves_no_process(world: World, example: Any) -> None:
    process = world.start_agent("--cancel-on-exit")
    run_id = world.run(example.sleeping, name="sleeping")
    pids = [*world.pids("sleeping"), *world.pids("sleeping-children", 5)]
    assert processes.stop(process, patience=60) == 0
    found = world.in_state(run_id, "Cancelled")
    assert not any(task_run["state"] == "Running" for task_run in found["task_runs"])
    gone(*pids)
    assert "was cancelled." in world.output


def test_a_stopped_agent_leaves_its_runs_alone(world: World, example: Any) -> None:
    process = world.start_agent()
    run_id = world.run(example.gate, name="gate")
    world.pids("gate")
    assert processes.stop(process, patience=60) == 0
    assert f"Still running without this agent: 1 flow run ({run_id})" in world.output
    (world.marks / "gate-go").touch()
    world.in_state(run_id, "Success")
