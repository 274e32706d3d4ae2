"""Heartbeats: sent whatever a node does, and only for as long as the flow run's process is there."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.scenarios.project_factory import Project, make_project

PIPELINES = """
import ctypes
import sys

from kedro.pipeline import Pipeline, node


def hold():
    # PyDLL does not release the interpreter's lock while it calls
    ctypes.PyDLL(None).sleep(8)
    return 1


def register_pipelines():
    return {"__default__": Pipeline([node(hold, None, "end", name="hold")])}
"""

HEARTBEATS = "query($id: uuid!) {flow_run_by_pk(id: $id) {state heartbeat}}"


@pytest.fixture
def url(tmp_path: Path, home: Path) -> Any:
    """An API in a process of its own, since nothing in this one must wait for a lock."""
    with prefect_api.api_process(tmp_path / "api.sqlite", home) as (address, _):
        yield address


@pytest.fixture
def holding(tmp_path: Path, url: str, kedro: Callable[..., Any]) -> Project:
    """A project with a node that holds the interpreter's lock for seconds, registered."""
    project = make_project(
        tmp_path / "p", pipelines=PIPELINES, catalog={}, prefect={"api": url, "flows": {"f": {}}}
    )
    kedro(project, "prefect", "register", ok=True)
    return project


def heartbeats(url: str, run_id: str, seconds: float) -> set[str]:
    """The heartbeats seen within this time."""
    seen = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run = prefect_api.graphql(url, HEARTBEATS, {"id": run_id})["flow_run_by_pk"]
        if run["state"] == "Running":
            seen.add(run["heartbeat"])
        time.sleep(0.1)
    return seen


@pytest.mark.skipif(sys.platform == "win32", reason="calls the C library's sleep")
@pytest.mark.parametrize("mode", ["thread", "process"])
def test_a_node_that_holds_the_lock_of_the_interpreter_is_alive(
    home: Path, log: Path, url: str, holding: Project, mode: str
) -> None:
    run_id = prefect_api.start_run(url, "f")
    settings = {"PREFECT__CLOUD__HEARTBEAT_INTERVAL": "1", "PREFECT__CLOUD__HEARTBEAT_MODE": mode}
    with prefect_api.executing(url, run_id, home, log, **settings) as process:
        while "Running node: hold" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        assert len(heartbeats(url, run_id, 5)) >= 3, log.read_text()
        process.wait(60)
    assert prefect_api.read_run(url, run_id)["state"] == "Success"


@pytest.mark.skipif(sys.platform == "win32", reason="calls the C library's sleep")
@pytest.mark.parametrize("mode", ["thread", "process"])
def test_a_killed_run_has_no_heartbeat(home: Path, log: Path, url: str, holding: Project, mode: str) -> None:
    run_id = prefect_api.start_run(url, "f")
    settings = {"PREFECT__CLOUD__HEARTBEAT_INTERVAL": "1", "PREFECT__CLOUD__HEARTBEAT_MODE": mode}
    with prefect_api.executing(url, run_id, home, log, **settings) as process:
        while prefect_api.read_run(url, run_id)["state"] != "Running":
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)  # this process alone, not its group
        process.wait(20)
        time.sleep(3)
        assert len(heartbeats(url, run_id, 4)) == 1, "the heartbeat of before"
