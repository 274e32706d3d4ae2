"""`kedro run --async`, and `is_async: true` of a flow, reach the nodes in every process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on, saved
from tests.scenarios.project_factory import collect_outputs, hook_calls

SOURCE = """
import threading


def start():
    return threading.current_thread().name


NODES = [node(start, None, "middle", name="start"), node(same, "middle", "end", name="end")]
"""


def modes(project: Any) -> set[bool]:
    return {call["is_async"] for call in hook_calls(project, "before_node_run", "after_node_run")}


def test_nodes_load_and_save_with_threads(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(tmp_path / "project", SOURCE, catalog={"end": saved("end")})
    start(project, runner=("--async",), of_flow={"is_async": True}, ok=True)
    assert modes(project) == {True}
    assert "end.json" in collect_outputs(project)


@on("flow-local", "flow-dask")
def test_flows_are_not_async_by_default(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(tmp_path / "project", SOURCE, catalog={"end": saved("end")})
    start(project, ok=True)
    assert modes(project) == {False}
