"""Confirming a dataset confirms what this run has loaded, in whatever process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.same_run.conftest import nodes_project, saved
from tests.scenarios.project_factory import Project, collect_outputs

pytest.importorskip("kedro_datasets.partitions.incremental_dataset")

SOURCE = """
def read(batch):
    return sorted(batch)


def arrives(names):
    (PROJECT / "data" / "orders" / f"p{int(names[-1][1:]) + 1}.txt").write_text("later")
    return names


NODES = [
    node(read, "orders", "names", name="read"),
    node(arrives, "names", "seen", name="arrives"),
    node(same, "seen", "end", name="confirm", confirms="orders"),
]
"""


def make(path: Path) -> Project:
    orders = {
        "type": "partitions.IncrementalDataset",
        "path": "data/orders",
        "filename_suffix": ".txt",
        "dataset": "text.TextDataset",
    }
    project = nodes_project(path, SOURCE, catalog={"orders": orders, "end": saved("end")})
    for name in ("p1", "p2"):
        project.write(f"data/orders/{name}.txt", name)
    return project


def checkpoint(project: Project) -> str:
    return (project.data / "orders" / "CHECKPOINT").read_text()


def test_what_was_loaded_is_confirmed(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    start(project, ok=True)
    assert collect_outputs(project)["end.json"] == ["p1", "p2"]
    assert checkpoint(project) == "p2", "p3 came after the load"
    start(project, ok=True)
    assert collect_outputs(project)["end.json"] == ["p3"]
    assert checkpoint(project) == "p3"
