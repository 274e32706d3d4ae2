"""`KEDRO_PREFECT_PROJECT` and `KEDRO_PREFECT_CONF_SOURCE` relocate registered runs, never a `kedro run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.dask.conftest import Cluster
from tests.same_run.conftest import configure, nodes_project, on, package_at, saved
from tests.scenarios.project_factory import Project, collect_outputs, make_project

SOURCE = """
def start(where):
    return [where, os.getcwd()]


NODES = [node(start, "params:where", "end", name="start")]
"""


def make(path: Path, where: str) -> Project:
    return nodes_project(path, SOURCE, catalog={"end": saved("end")}, parameters={"where": where})


@on("runner-timeouts", "runner-processes")
@pytest.mark.parametrize("also_source", [True, False], ids=["project and source", "project"])
def test_kedro_run_opens_its_own_project(
    tmp_path: Path, start: Callable[..., Any], also_source: bool
) -> None:
    other, own = make(tmp_path / "other", "other"), make(tmp_path / "own", "own")
    env = {"KEDRO_PREFECT_PROJECT": str(other.path)}
    if also_source:
        env["KEDRO_PREFECT_CONF_SOURCE"] = str(other.path / "conf")
    start(own, env=env, ok=True)
    assert collect_outputs(own)["end.json"] == ["own", str(own.path)]
    assert collect_outputs(other) == {}


def test_a_workers_own_environment_counts_for_flows_alone(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    own = make(tmp_path / "own", "here")
    # the same project on the worker's machine
    package = package_at(own.path)
    there = make_project(
        tmp_path / "there",
        pipelines=(own.source / "pipeline_registry.py").read_text(),
        package=package,
        catalog={"end": saved("end")},
        parameters={"where": "there"},
    )
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder, home)
    try:
        cluster.start_scheduler()
        for worker in ("a", "b"):  # one for each run: a process has one project of a package
            cluster.start_worker(
                worker,
                "FLOW=1" if worker == "a" else "RUN=1",
                KEDRO_PREFECT_PROJECT=str(there.path),
                KEDRO_PREFECT_CONF_SOURCE=str(there.path / "conf"),
            )
        cluster.wait_for_workers()
        executor = {"type": "DaskExecutor", "address": cluster.address}
        for tag, command in (
            ("FLOW", ("prefect", "run", "flow", "--local")),
            ("RUN", ("run", "--runner", "kedro_prefect_hooks.PrefectRunner")),
        ):
            nodes = {"start": {"tags": [f"dask-resource:{tag}=1"]}}
            configure(own, {"executor": executor, "nodes": nodes})
            kedro(own, *command, ok=True)
            if tag == "FLOW":
                assert collect_outputs(there)["end.json"] == ["there", str(there.path)]
                assert collect_outputs(own) == {}
                there.clean()
        assert collect_outputs(own)["end.json"] == ["here", str(own.path)]
        assert collect_outputs(there) == {}
    finally:
        cluster.stop()
