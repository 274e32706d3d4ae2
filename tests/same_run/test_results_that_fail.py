"""A task's result that cannot be written: its inputs are kept for a retry, and the dataset is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on, said, saved
from tests.scenarios.project_factory import collect_outputs, hook_calls

RESULTS = """
from pathlib import Path

from prefect.engine.results import LocalResult


class FailsOnce(LocalResult):
    # the first write of the second task's result fails
    def write(self, value_, **kwargs):
        if "two" in value_.names():
            marker = Path(self.dir) / "failed"
            if not marker.exists():
                marker.write_text("")
                raise OSError("the storage is unreachable")
        return super().write(value_, **kwargs)
"""
SOURCE = """
def one():
    return [1]


def two(x):
    return x + [2]


NODES = [
    node(one, None, "one", name="one"),
    node(two, "one", "two", name="two"),
    node(same, "two", "end", name="end"),
]
"""


@on("flow-local", "flow-threads", "flow-processes")
def test_a_write_that_fails_can_be_retried(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(
        tmp_path / "project", SOURCE, files={"results.py": RESULTS}, catalog={"end": saved("end")}
    )
    folder = tmp_path / "results"
    folder.mkdir()
    result = {"type": f"{project.package}.results.FailsOnce", "dir": str(folder)}
    start(
        project,
        defaults={"retries": {"max_retries": 1, "retry_delay": 1}, "result": result},
        env={"PREFECT__FLOWS__CHECKPOINTING": "true"},
        ok=True,
    )
    assert (folder / "failed").exists()
    ran = [call["node"] for call in hook_calls(project, "before_node_run")]
    assert ran == ["one", "two", "two", "end"], "the input was still there for the second try"
    assert collect_outputs(project)["end.json"] == [1, 2]


UNPICKLABLE = """
import threading


def lock():
    return threading.Lock()


NODES = [node(lock, None, "lock", name="lock"), node(lambda x: 1, "lock", "end", name="end")]
"""


@on("flow-local", "flow-threads")
def test_a_value_that_cannot_be_kept_is_named(tmp_path: Path, start: Callable[..., Any]) -> None:
    catalog = {"lock": {"type": "MemoryDataset", "copy_mode": "assign"}, "end": saved("end")}
    project = nodes_project(tmp_path / "project", UNPICKLABLE, catalog=catalog)
    result = {"type": "LocalResult", "dir": str(tmp_path / "results")}
    kept = {"PREFECT__FLOWS__CHECKPOINTING": "true"}
    run = start(project, defaults={"result": result}, env=kept)
    assert run.returncode == 1
    text = "Dataset 'lock', made in memory by node 'lock', cannot be kept in the flow's result: _thread.lock"
    assert text in said(run)
    start(project, defaults={"result": None}, env=kept, ok=True)
