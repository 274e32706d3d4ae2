"""Nodes work in the project's folder in every process, wherever that was started."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, saved
from tests.scenarios.project_factory import collect_outputs

SOURCE = """
def start():
    Path("data/relative.txt").write_text("written to a relative path")
    return os.getcwd()


NODES = [node(start, None, "folder", name="start")]
"""


def test_relative_paths_start_in_the_project(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(tmp_path / "project", SOURCE, catalog={"folder": saved("folder")})
    start(project, ok=True)
    assert collect_outputs(project) == {
        "folder.json": str(project.path),
        "relative.txt": "written to a relative path",
    }
