"""The process that an agent keeps ready: when it is used, and that it never outlives its use."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any, Dict, Iterator

import psutil
import pytest

from kedro_prefect_hooks.agent import prepared_process
from kedro_prefect_hooks.agent.prepared_process import PreparedProcess
from tests.agent.conftest import World, gone
from tests.embedded.agents import wait_for

MODULE = "kedro_prefect_hooks.agent.become_flow_run"


def waiting(agent: int) -> list[int]:
    """The prepared processes of an agent's process: one, or none."""
    found = []
    for child in psutil.Process(agent).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end meanwhile
            if MODULE in child.cmdline():
                found.append(child.pid)
    return found


def test_the_next_flow_run_is_the_prepared_process(world: World, example: Any) -> None:
    agent = world.start_agent("--prepare")
    wait_for(lambda: waiting(agent.pid))
    (first,) = waiting(agent.pid)
    run_id = world.run(example.quick)
    world.in_state(run_id, "Success")
    assert f"(process {first})" in world.output
    assert "Beginning Flow run" in (world.folder / "logs" / f"{run_id}.log").read_text()
    gone(first)

    wait_for(lambda: waiting(agent.pid))
    (second,) = waiting(agent.pid)
    os.kill(agent.pid, signal.SIGKILL)
    gone(second)


def test_a_prepared_process_is_cancelled_and_killed_as_any(world: World, example: Any) -> None:
    agent = world.start_agent("--prepare", "--cancel-on-exit")
    wait_for(lambda: waiting(agent.pid))
    (prepared,) = waiting(agent.pid)
    run_id = world.run(example.sleeping, name="a")
    wait_for((world.marks / "a").exists)
    children = [int(pid) for pid in (world.marks / "a-children").read_text().split()]
    agent.send_signal(signal.SIGINT)
    agent.wait(60)
    gone(prepared, *children)
    assert world.look(run_id)["state"] == "Cancelled"


@pytest.fixture
def prepared() -> Iterator[PreparedProcess]:
    process = PreparedProcess()
    process.after_seconds = 0
    yield process
    process.close()


def environment(**added: str) -> Dict[str, str]:
    return {**os.environ, "PREFECT__CONTEXT__FLOW_RUN_ID": "a", **added}


@pytest.mark.parametrize(
    "difference", ["environment", "folder", "an installed package", "it has ended", "closed"]
)
def test_it_is_used_only_for_a_flow_run_like_the_last(
    prepared: PreparedProcess, difference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_process.sysconfig, "get_path", lambda name: str(tmp_path))
    prepared.prepare_soon(environment(), None)
    wait_for(lambda: waiting(os.getpid()))
    (pid,) = waiting(os.getpid())
    env, cwd = environment(), None
    if difference == "environment":
        env = environment(OMP_NUM_THREADS="1")
    elif difference == "folder":
        cwd = str(tmp_path)
    elif difference == "an installed package":
        (tmp_path / "new-1.0.dist-info").mkdir()
    elif difference == "it has ended":
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    else:
        prepared.close()
    assert prepared.take(env, cwd, tmp_path / "output") is None
    assert not psutil.pid_exists(pid)
    assert not (tmp_path / "output").exists()


def test_it_gets_the_environment_of_the_flow_run(prepared: PreparedProcess, tmp_path: Path) -> None:
    prepared.prepare_soon(environment(KEDRO_PREFECT_TOKEN="secret"), None)
    wait_for(lambda: waiting(os.getpid()))
    assert "KEDRO_PREFECT_TOKEN" not in psutil.Process(waiting(os.getpid())[0]).environ()
    output = tmp_path / "output"
    env = environment(PREFECT__CLOUD__API="http://127.0.0.1:1", PREFECT__CONTEXT__FLOW_RUN_ID="b")
    process = prepared.take(env, None, output)
    assert process is not None
    assert process.wait() == 1
    assert "127.0.0.1" in output.read_text()
    assert output.stat().st_mode & 0o077 == 0
