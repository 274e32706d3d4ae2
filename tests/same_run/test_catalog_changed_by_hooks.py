"""What `before_pipeline_run` puts into the catalog reaches every process, or the run is refused by name."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Callable

import pytest

from kedro_prefect_hooks.compat import kedro_catalog
from kedro_prefect_hooks.compat.kedro_datasets import AbstractDataset
from kedro_prefect_hooks.runs.travel import CatalogState
from tests.same_run.conftest import ELSEWHERE, nodes_project, on, said, saved, saved_all
from tests.scenarios.project_factory import HAS_FACTORIES, KEDRO, Project, collect_outputs

HOOKS = """
from .datasets import JsonDataset


class Held:
    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise TypeError("it stays here")


class Own:
    @hook_impl
    def before_pipeline_run(self, catalog):
        what = os.environ.get("WHAT", "")
        if what == "parameter":
            add_to_catalog(catalog, "params:threshold", "from the hook")
        if what == "declared":
            add_to_catalog(catalog, "input_point", 42)
        if what == "undeclared":
            add_to_catalog(catalog, "extra", "added")
        if what == "persisted":
            moved = JsonDataset(str(PROJECT / "data" / "moved.json"))
            if hasattr(catalog, "add"):
                catalog.add("middle", moved, replace=True)
            else:
                catalog["middle"] = moved
        if what == "unpicklable":
            add_to_catalog(catalog, "params:threshold", Held())
"""
SOURCE = """
def start(threshold, point):
    return [threshold, point]


NODES = [
    node(start, ["params:threshold", "input_point"], "middle", name="start"),
    node(same, "middle", "end", name="end"),
]
"""
WITH_EXTRA = SOURCE.replace('"middle", "end"', '"extra", "end"')


def make(path: Path, source: str = SOURCE) -> Project:
    project = nodes_project(
        path,
        source,
        hooks=HOOKS,
        catalog={"input_point": saved("input_point"), **saved_all("middle end")},
        parameters={"threshold": "configured"},
    )
    project.write("data/input_point.json", "7")
    return project


def test_a_parameter(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    start(project, env={"WHAT": "parameter"}, ok=True)
    assert collect_outputs(project)["end.json"] == ["from the hook", 7]


def test_a_declared_input(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    result = start(project, env={"WHAT": "declared"})
    if result.returncode == 0 or KEDRO >= (1, 0):
        assert result.returncode == 0, result.stdout
        assert collect_outputs(project)["end.json"] == ["configured", 42]
    else:
        assert "Dataset 'input_point' was replaced by a Memory" in said(result)
        assert ".own.Own" in said(result)


def test_an_undeclared_input(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", WITH_EXTRA)
    start(project, env={"WHAT": "undeclared"}, ok=True)
    assert collect_outputs(project)["end.json"] == "added"


@on(*ELSEWHERE)
def test_a_persisted_dataset_replaced_is_refused(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    result = start(project, env={"WHAT": "persisted"})
    assert result.returncode == 1
    assert "Dataset 'middle' was replaced by a" in said(result)
    assert f"({project.package}.own.Own" in said(result) or f"{project.package}.own.Own)" in said(result)
    assert collect_outputs(project).keys() == {"input_point.json"}, "no node has run"


@on("flow-local")
def test_in_one_process_it_is_used(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    start(project, env={"WHAT": "persisted"}, ok=True)
    assert collect_outputs(project)["moved.json"] == ["configured", 7]


@on(*ELSEWHERE)
def test_a_value_that_cannot_be_pickled_is_refused(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    result = start(project, env={"WHAT": "unpicklable"})
    assert result.returncode == 1
    assert "Parameter 'params:threshold' was set by a `before_pipeline_run` hook" in said(result)
    assert f"{project.package}.own.Own" in said(result)
    assert collect_outputs(project).keys() == {"input_point.json"}, "no node has run"


@pytest.mark.skipif(KEDRO < (0, 18), reason="Kedro 0.17 has no such error")
@on("flow-local", "flow-dask")
def test_an_input_that_nobody_has_is_refused(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", WITH_EXTRA)
    result = start(project)
    assert result.returncode == 1
    assert "'extra'" in said(result)
    assert collect_outputs(project).keys() == {"input_point.json"}, "no node has run"


class Marked(AbstractDataset):
    """Has an id of its own, as others have a save version, a folder or a connection."""

    def __init__(self, filepath: str, options: Any = None) -> None:
        self.filepath = filepath
        self.options = {"id": uuid.uuid4().hex, "given": dict(options or {})}

    def _load(self) -> Any: ...

    def _save(self, data: Any) -> None: ...

    def _describe(self) -> Any:
        return {}


@pytest.mark.skipif(not HAS_FACTORIES, reason="dataset factories")
def test_a_dataset_of_a_factory_that_was_only_asked_for_is_as_configured() -> None:
    from kedro.io import DataCatalog

    type_name = f"{Marked.__module__}.{Marked.__qualname__}"
    configured = {"{name}_made": {"type": type_name, "filepath": "{name}.txt", "options": {"a": 1}}}
    catalog = DataCatalog.from_config(configured)
    before = CatalogState(catalog)
    kedro_catalog.dataset(catalog, "one_made")
    assert before.change(catalog, "one_made") is None
    for other in (
        Marked("one.txt", {"a": 2}),
        Marked("one.txt", {"a": 1, "b": 1}),
        Marked("two.txt", {"a": 1}),
    ):
        kedro_catalog.put(catalog, "one_made", other)
        assert before.change(catalog, "one_made") == "replaced by another Marked"
    before = CatalogState(catalog)
    other.options["id"] = "another"
    assert before.change(catalog, "one_made") == "changed"
