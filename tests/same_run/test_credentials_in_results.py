"""No credential enters a Prefect result: a value that carries one is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.outputs import Outputs
from tests.same_run.conftest import nodes_project, on, said, saved
from tests.scenarios.project_factory import Project, collect_outputs

SECRET = "canary-that-must-stay-in-credentials"
DATASETS = """
from .datasets import SecretDataset


class Partitions(SecretDataset):
    # loads as PartitionedDataset does: functions that load each partition later
    def decode(self, content):
        return {"part": self.load_part}

    def load_part(self):
        return SecretDataset.decode(self, self._filepath.read_bytes())
"""
SOURCE = """
def make():
    return [1, 2]


def pick(parts):
    return dict(parts)


def load(parts):
    return {name: part() for name, part in parts.items()}


NODES = [
    node(make, None, "parts", name="make"),
    node(pick, "parts", "chosen", name="pick"),
    node(load, "chosen", "end", name="load"),
]
"""
EARLY = SOURCE.replace("return dict(parts)", "return load(parts)").replace("node(load, ", "node(same, ")


def make(path: Path, source: str) -> Project:
    project = nodes_project(
        path,
        source,
        files={"own_datasets.py": DATASETS},
        catalog={
            "parts": {"type": "own.Partitions", "filepath": "data/parts.json", "credentials": "vault"},
            "end": saved("end"),
        },
        credentials={"vault": {"token": SECRET}},
    )
    file = project.path / "conf" / "base" / "catalog.yml"
    file.write_text(file.read_text().replace("type: own.", f"type: {project.package}.own_datasets."))
    return project


def run(project: Project, start: Callable[..., Any], results: Path) -> Any:
    result = {"type": "LocalResult", "dir": str(results)}
    return start(project, of_flow={"result": result}, env={"PREFECT__FLOWS__CHECKPOINTING": "true"})


@on("flow-local", "flow-dask")
def test_partitions_not_loaded_yet_are_refused(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", SOURCE)
    result = run(project, start, tmp_path / "results")
    assert result.returncode == 1
    assert "Dataset 'chosen', made in memory by node 'pick', would be kept in the flow's result" in said(
        result
    )
    assert SECRET not in result.stdout
    for file in (tmp_path / "results").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


@on("flow-local", "flow-dask")
def test_loaded_data_is_kept(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", EARLY)
    result = run(project, start, tmp_path / "results")
    assert result.returncode == 0, result.stdout
    assert collect_outputs(project)["end.json"] == {"part": [1, 2]}
    assert any(file.is_file() for file in (tmp_path / "results").rglob("*"))


@on("flow-local", "flow-dask")
def test_where_nothing_is_kept_nothing_is_refused(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", SOURCE)
    start(project, ok=True)
    assert collect_outputs(project)["end.json"] == {"part": [1, 2]}


@pytest.mark.parametrize("hide", [str, lambda text: [{"a": (text,)}], lambda text: np.array([text, "x"])])
def test_a_credential_is_found_in_any_value(hide: Callable[[str], Any]) -> None:
    outputs = Outputs("n", {"x": hide(f"https://user:{SECRET}@host")}, {"x": 1})
    outputs.check_can_be_kept(["another secret"])
    with pytest.raises(FlowRunError, match="it contains the value of a credential"):
        outputs.check_can_be_kept([SECRET])
