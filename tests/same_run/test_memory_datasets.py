"""Subclasses of MemoryDataset count as memory, and dataset factories are resolved as Kedro resolves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.same_run.conftest import nodes_project, on, saved
from tests.scenarios.project_factory import HAS_FACTORIES, Project, collect_outputs

DATASETS = """
from kedro_prefect_hooks.compat.kedro_datasets import MemoryDataset


class OwnMemory(MemoryDataset):
    pass
"""
SOURCE = """
def make():
    return [1]


NODES = [
    node(make, None, "kept_special", name="make"),
    node(same, "kept_special", "plain_x", name="pass_on"),
    node(same, "plain_x", "end", name="write"),
]
"""


def make(path: Path, catalog: dict[str, Any]) -> Project:
    project = nodes_project(
        path, SOURCE, files={"own_datasets.py": DATASETS}, catalog={**catalog, "end": saved("end")}
    )
    file = project.path / "conf" / "base" / "catalog.yml"
    file.write_text(file.read_text().replace("type: own.", f"type: {project.package}.own_datasets."))
    return project


SUBCLASS = {"kept_special": {"type": "own.OwnMemory"}}
FACTORIES = {
    "{any}_{what}": {"type": "JsonDataset", "filepath": "data/{any}_{what}.json"},
    "kept_{what}": {"type": "MemoryDataset"},
}
"""Kedro takes the second for `kept_special`: it is more specific, although it comes later."""


def test_a_subclass_is_memory(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", SUBCLASS)
    start(project, ok=True)
    assert collect_outputs(project) == {"end.json": [1]}


@on("flow-local")
def test_grouping_by_memory_follows_a_subclass(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", SUBCLASS)
    result = start(project, of_flow={"group_by": "memory"}, ok=True)
    assert "1/1 " in result.stdout, "one task of all three nodes"


@pytest.mark.skipif(not HAS_FACTORIES, reason="dataset factories need Kedro 0.18.12")
@on("flow-local", "flow-processes", "runner-dask")
def test_the_most_specific_factory_counts(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", FACTORIES)
    start(project, ok=True)
    assert collect_outputs(project) == {"end.json": [1], "plain_x.json": [1]}


@pytest.mark.skipif(not HAS_FACTORIES, reason="dataset factories need Kedro 0.18.12")
@on("flow-local")
def test_so_it_does_for_grouping(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", FACTORIES)
    result = start(project, of_flow={"group_by": "memory"}, ok=True)
    assert "2/2 " in result.stdout, "`make` and `pass_on` share a task, and `write` has its own"
