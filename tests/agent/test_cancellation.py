"""What is cancelled ends, with everything that it has started; a finished run may leave processes behind."""

from __future__ import annotations

import os
import signal
from typing import Any

import psutil

from tests.agent.conftest import World, gone, is_alive
from tests.embedded.agents import wait_for


def cancel(world: World, run_id: str) -> None:
    assert world.api.do("cancel_flow_run", {"flow_run_id": run_id}, "state") == "Cancelling"


def test_a_run_that_obeys_ends_by_itself_and_what_it_started_with_it(agent: World, example: Any) -> None:
    run_id = agent.run(example.sleeping, name="sleeping")
    pids = [*agent.pids("sleeping"), *agent.pids("sleeping-children", 5)]
    cancel(agent, run_id)
    found = agent.in_state(run_id, "Cancelled")
    gone(*pids)
    assert found["state_message"] == "Flow run is cancelled"
    wait_for(lambda: f"Flow run '{found['name']}' was cancelled." in agent.output)
    assert "killing it" not in agent.output


def test_a_run_that_does_not_obey_is_killed(agent: World, example: Any) -> None:
    run_id = agent.run(example.stubborn, name="stubborn")
    pids = [*agent.pids("stubborn"), *agent.pids("stubborn-children", 5)]
    cancel(agent, run_id)
    found = agent.in_state(run_id, "Cancelled")
    agent.pids("stubborn-interrupted")  # it was asked first
    gone(*pids)
    assert "its process did not end within 3 s, and was killed." in found["state_message"]
    assert [task_run["state"] for task_run in found["task_runs"] if task_run["task"]["name"] != "name"] == [
        "Cancelled"
    ]
    assert any("was killed" in line["message"] for line in found["logs"])


def test_a_run_that_is_set_to_cancelled_does_not_go_on(agent: World, example: Any) -> None:
    run_id = agent.run(example.stubborn, name="stubborn")
    pids = [*agent.pids("stubborn"), *agent.pids("stubborn-children", 5)]
    agent.set_state(run_id, "Cancelled")
    gone(*pids)
    assert agent.look(run_id)["state_message"] == "now Cancelled"


def run_on_dask(agent: World, example: Any) -> tuple[str, list[int]]:
    """A flow run on a cluster of its own, once a node runs: its main process first, then all others."""
    run_id = agent.run(example.on_dask, name="dask")
    (worker,) = agent.pids("dask")
    main = next(
        each for each in psutil.Process(worker).parents() if "execute_flow_run" in str(each.cmdline())
    )
    pids = [main.pid, *(child.pid for child in main.children(recursive=True))]
    assert worker in pids
    return run_id, pids


def test_the_workers_of_a_cancelled_run_on_dask_end(agent: World, example: Any) -> None:
    run_id, pids = run_on_dask(agent, example)
    cancel(agent, run_id)
    agent.in_state(run_id, "Cancelled")
    gone(*pids)


def test_the_workers_of_a_killed_run_on_dask_end(agent: World, example: Any) -> None:
    run_id, pids = run_on_dask(agent, example)
    os.kill(pids[0], signal.SIGKILL)
    found = agent.in_state(run_id, "Failed")
    assert not [task_run for task_run in found["task_runs"] if task_run["state"] == "Running"]
    gone(*pids)


def test_what_a_finished_run_leaves_behind_goes_on(agent: World, example: Any) -> None:
    run_id = agent.run(example.daemon)
    found = agent.in_state(run_id, "Success")
    wait_for(lambda: f"Flow run '{found['name']}' has finished." in agent.output)
    (pid,) = agent.pids("daemon")
    assert is_alive(pid)
