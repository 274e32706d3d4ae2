"""A process that ends without having reported a final state: the agent does so, at once."""

from __future__ import annotations

import os
import signal
from typing import Any, Dict

import pytest

from tests.agent.conftest import World, gone, is_alive
from tests.embedded.agents import wait_for


def task_run(found: Dict[str, Any], name: str) -> Dict[str, Any]:
    return next(each for each in found["task_runs"] if each["task"]["name"] == name)


@pytest.mark.parametrize(
    ("how", "words"),
    [("0", "exited with code 0"), ("3", "exited with code 3"), ("killed", "was killed by SIGKILL")],
)
def test_a_process_that_ends_within_a_task(agent: World, example: Any, how: str, words: str) -> None:
    run_id = agent.run(example.ending, name="ending", how=how)
    found = agent.in_state(run_id, "Failed")
    output = agent.folder / "logs" / f"{run_id}.log"
    assert f"The process of the flow run {words}" in found["state_message"]
    assert str(output) in found["state_message"]
    assert output.exists()
    ended = task_run(found, "end")
    assert ended["state"] == "Failed"
    assert words in ended["state_message"]
    assert task_run(found, "nothing")["state"] == "Pending"
    # The flow run's final state is the last one.
    last = found["states"][-1]
    assert last["state"] == "Failed"
    assert all(state["timestamp"] <= last["timestamp"] for state in ended["states"])
    assert [line for line in found["logs"] if line["level"] == "ERROR" and words in line["message"]]
    # Whatever it has left could still write; only what has left its session cannot be found.
    gone(*agent.pids("ending-children", 5)[:4])
    wait_for(lambda: f"has failed: its process {words}" in agent.output)


def test_a_process_that_ends_before_it_has_begun(agent: World, example: Any) -> None:
    found = agent.in_state(agent.run(example.not_importable), "Failed")
    assert "exited with code 7" in found["state_message"]
    assert [state["state"] for state in found["states"]] == ["Scheduled", "Submitted", "Failed"]


def test_a_task_with_retries_is_retried_by_a_new_process(agent: World, example: Any) -> None:
    run_id = agent.run(example.killed_once_flow)
    found = agent.in_state(run_id, "Success")
    assert len(set(agent.pids("killed-once", 2))) == 2
    states = [state["state"] for state in task_run(found, "killed_once")["states"]]
    assert states[:3] == ["Pending", "Running", "Retrying"]
    assert states[-1] == "Success"


def test_a_paused_run_is_not_failed_and_can_be_resumed(agent: World, example: Any) -> None:
    run_id = agent.run(example.pausing)
    wait_for(lambda: "waits for a retry, or for somebody to resume it." in agent.output)
    assert agent.look(run_id)["state"] == "Running"
    (agent.marks / "resumed").touch()
    paused = task_run(agent.look(run_id), "pause")
    assert paused["state"] == "Paused"
    state = {"type": "Resume", "message": "resumed"}
    agent.api.do(
        "set_task_run_states",
        {"states": [{"task_run_id": paused["id"], "state": state}]},
        "states { status }",
    )
    agent.in_state(run_id, "Success")


def test_a_run_that_waits_for_a_late_retry_is_not_failed(agent: World, example: Any) -> None:
    run_id = agent.run(example.retrying)
    wait_for(lambda: "waits for a retry, or for somebody to resume it." in agent.output)
    found = agent.look(run_id)
    assert found["state"] == "Running"
    assert task_run(found, "retried_later")["state"] == "Retrying"


def test_a_run_that_was_started_again_by_another_agent_is_left_alone(agent: World, example: Any) -> None:
    run_id = agent.run(example.gate, name="gate")
    (pid,) = agent.pids("gate")
    for state in ("Scheduled", "Submitted", "Running"):
        agent.set_state(run_id, state)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: "has been started again by another agent." in agent.output)
    assert agent.look(run_id)["state"] == "Running"


def test_the_end_is_reported_when_the_api_is_back(agent: World, example: Any) -> None:
    run_id = agent.run(example.gate, name="gate")
    (pid,) = agent.pids("gate")
    agent.stop_api()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(pid))
    wait_for(lambda: "The API is unreachable" in agent.output)
    agent.start_api()
    found = agent.in_state(run_id, "Failed")
    assert "was killed by SIGKILL" in found["state_message"]
