"""Typed parameters are validated for the pipelines of the run, and for no others (Kedro 1.7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.same_run.conftest import nodes_project, on, said, saved
from tests.scenarios.project_factory import KEDRO, Project, collect_outputs

pytestmark = pytest.mark.skipif(KEDRO < (1, 7), reason="Kedro validates typed parameters since 1.7")

SOURCE = """
from dataclasses import dataclass


@dataclass
class Limits:
    low: int


def show(limits: Limits):
    return [type(limits).__name__, limits.low]


def broken(limits: Limits):
    return limits.low


def register_pipelines():
    right = Pipeline(
        [node(show, "params:right", "middle", name="show"), node(same, "middle", "end", name="end")],
        tags="node",
    )
    wrong = Pipeline([node(broken, "params:wrong", "end", name="broken")], tags="node")
    return {"right": right, "wrong": wrong, "__default__": right + Pipeline([])}
"""


def make(path: Path) -> Project:
    parameters = {"right": {"low": 3}, "wrong": {"high": 3}}
    return nodes_project(path, SOURCE, catalog={"end": saved("end")}, parameters=parameters)


def test_another_pipelines_parameters_are_not_looked_at(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    start(project, runner=("--pipelines", "right"), of_flow={"pipeline": "right"}, ok=True)
    assert collect_outputs(project)["end.json"] == ["Limits", 3]


@on("runner-dask", "flow-local")
def test_the_runs_own_are_refused(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    result = start(project, runner=("--pipelines", "wrong"), of_flow={"pipeline": "wrong"})
    assert result.returncode == 1
    assert "wrong" in said(result) and "high" in said(result)
    assert collect_outputs(project) == {}
