"""A container whose flow run does not begin: the agent says so, and ends it at last."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import prefect
import pytest
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks.agent import owned_runs
from kedro_prefect_hooks.agent.owned_runs import OwnedRun, OwnedRuns
from kedro_prefect_hooks.agent.run_ends import RunEnds
from tests import processes
from tests.agent.conftest import World
from tests.embedded.agents import wait_for


class SleepingContainer:
    """A process with the interface of a container: what it asks does not answer."""

    pid = "0123456789ab"

    def __init__(self, output: Path) -> None:
        self.output = output
        self.process = processes.start([sys.executable, "-c", "import time; time.sleep(600)"])

    def wait(self) -> int:
        return self.process.wait()

    def kill(self) -> None:
        self.process.kill()

    def release(self) -> None:
        """Nothing is left."""

    interrupt = remember_descendants = release


def test_what_does_not_begin_is_reported_and_then_ended(
    world: World, example: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_runs, "UNHEARD_SECONDS", 0.2)
    monkeypatch.setattr(owned_runs, "GIVEN_UP_SECONDS", 1.5)
    silent, begun = world.run(example.not_importable), world.run(example.not_importable)
    for run_id in (silent, begun):
        world.set_state(run_id, "Submitted")
    world.set_state(begun, "Running")
    lines: list[str] = []
    with set_temporary_config({"backend": "server", "cloud.api": world.url}):
        ends = RunEnds(prefect.Client(), "tests")
    runs = OwnedRuns(ends, report=lines.append, on_end=lambda: None, poll_seconds=lambda: 30.0)
    containers = {run_id: SleepingContainer(world.folder / "output.txt") for run_id in (silent, begun)}
    try:
        for run_id, container in containers.items():
            runs.add(OwnedRun(run_id, run_id, container, (sys.maxsize, 1), api="http://10.0.0.5:4200"))
        runs.start()
        found = world.in_state(silent, "Failed")
        assert "was killed by the agent after 1.5 s" in found["state_message"]
        assert (
            "It has never reached the API, for which it had the address http://10.0.0.5:4200."
            in found["state_message"]
        )
        warned = [line for line in found["logs"] if line["level"] == "WARNING"]
        assert len(warned) == 1
        assert "has not begun 0.2 s after its container 0123456789ab" in warned[0]["message"]
        wait_for(lambda: runs.ids() == {begun})
        assert [begun in line for line in lines] == [False, False], "what has begun takes as long as it likes"
        assert containers[begun].process.poll() is None
    finally:
        runs.close()
        for container in containers.values():
            processes.stop(container.process)
