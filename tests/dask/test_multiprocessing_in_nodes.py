"""A node that starts processes of its own: a Dask worker's message names the setting that allows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

from tests.scenarios.project_factory import clean_environment, collect_outputs, make_project

PIPELINES = """
import multiprocessing

from kedro.pipeline import Pipeline, node


def start():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(abs, [-1, -2])


def register_pipelines():
    return {"__default__": Pipeline([node(start, None, "end", name="start")])}
"""
EXECUTOR = {
    "type": "DaskExecutor",
    "cluster_kwargs": {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None},
}
SETTING = "DASK_DISTRIBUTED__WORKER__DAEMON"


def test_the_message_names_the_setting_and_with_it_the_node_runs(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = make_project(
        tmp_path / "project",
        pipelines=PIPELINES,
        catalog={"end": {"type": "JsonDataset", "filepath": "data/end.json"}},
        prefect={"flows": {"flow": {"executor": EXECUTOR}}},
    )
    result = kedro(project, "prefect", "run", "flow", "--local")
    text = " ".join(result.stdout.split())
    assert result.returncode == 1
    assert "daemonic processes are not allowed to have children" in text
    assert "`distributed.worker.daemon: false`" in text
    assert f"{SETTING}=False" in text
    # in a new interpreter, since Dask reads its settings when it is imported
    subprocess.run(
        [sys.executable, "-m", "kedro", "prefect", "run", "flow", "--local"],
        check=True,
        cwd=project.path,
        env=clean_environment(home, **{SETTING: "False"}),
        stdin=subprocess.DEVNULL,
        timeout=240,
    )
    assert collect_outputs(project)["end.json"] == [1, 2]
