"""A timeout limits a node, and not the start of its process; a process that dies is reported at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on, said, saved
from tests.scenarios.project_factory import collect_outputs, hook_calls

SLOW_START = """
import multiprocessing

if multiprocessing.parent_process() is not None:
    time.sleep(6)


def quick():
    return 1


NODES = [node(quick, None, "end", name="quick")]
"""
DIES = """
def dies():
    os._exit(7)


NODES = [node(dies, None, "end", name="dies")]
"""


@on("flow-timeouts")
def test_a_slow_start_is_no_time_of_the_node(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(tmp_path / "project", SLOW_START, catalog={"end": saved("end")})
    start(project, defaults={"nodes": {"tag:node": {"timeout": 5}}}, ok=True)
    assert collect_outputs(project)["end.json"] == 1


@on("flow-timeouts", "runner-timeouts")
def test_a_process_that_dies_is_reported_before_the_timeout(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    project = nodes_project(tmp_path / "project", DIES)
    result = start(project)
    assert result.returncode == 1
    assert "The process of task 'dies' ended with exit code 7" in said(result)
    assert "TimedOut" not in result.stdout
    (call,) = hook_calls(project, "on_pipeline_error")
    assert "exit code 7" in call["error"]
