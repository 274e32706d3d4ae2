"""Datasets that live in one process are refused before the first node, where a task would leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.same_run.conftest import ELSEWHERE, nodes_project, on, said, saved
from tests.scenarios.project_factory import Project, collect_outputs

DATASETS = """
import threading

from .datasets import JsonDataset


class Single(JsonDataset):
    _SINGLE_PROCESS = True


class Locked(JsonDataset):
    lock = threading.Lock()
"""
SOURCE = """
def first():
    return 1


NODES = [
    node(first, None, "one", name="first"),
    node(same, "one", "kept", name="second"),
    node(same, "kept", "end", name="third"),
]
"""


def make(path: Path, kept: dict[str, Any]) -> Project:
    catalog = {"one": saved("one"), "kept": kept, "end": saved("end")}
    project = nodes_project(path, SOURCE, files={"own_datasets.py": DATASETS}, catalog=catalog)
    file = project.path / "conf" / "base" / "catalog.yml"
    file.write_text(file.read_text().replace("type: own.", f"type: {project.package}.own_datasets."))
    return project


KEPT: dict[str, dict[str, Any]] = {
    "single": {"type": "own.Single", "filepath": "data/kept.json"},
    "lock of the class": {"type": "own.Locked", "filepath": "data/kept.json"},
    "cached in memory": {"type": "CachedDataset", "dataset": {"type": "MemoryDataset"}},
}
REASONS = {
    "single": "Single keeps its data in the process",
    "lock of the class": "its lock `lock` works within one process",
    "cached in memory": "it caches a MemoryDataset",
}


@on(*ELSEWHERE)
@pytest.mark.parametrize("kind", KEPT)
def test_refused_before_the_first_node(tmp_path: Path, start: Callable[..., Any], kind: str) -> None:
    project = make(tmp_path / "project", KEPT[kind])
    result = start(project)
    assert result.returncode == 1
    assert "Tasks in other processes cannot use the dataset 'kept'" in said(result)
    assert REASONS[kind] in said(result).replace("MemoryDataSet", "MemoryDataset")
    assert collect_outputs(project) == {}, "no node has run"


@on("flow-local", "runner-threads")
@pytest.mark.parametrize("kind", KEPT)
def test_accepted_in_one_process(tmp_path: Path, start: Callable[..., Any], kind: str) -> None:
    project = make(tmp_path / "project", KEPT[kind])
    start(project, ok=True)
    assert collect_outputs(project)["end.json"] == 1


@on("runner-dask")
def test_a_cached_file_is_accepted(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", {"type": "CachedDataset", "dataset": saved("kept")})
    start(project, ok=True)
    assert collect_outputs(project) == {"one.json": 1, "kept.json": 1, "end.json": 1}
