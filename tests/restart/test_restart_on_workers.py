"""A restart on Dask workers that stay up sees the configuration and the data as they are now."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests import prefect_api
from tests.dask.conftest import Cluster
from tests.restart.test_restart import restart
from tests.scenarios.project_factory import collect_outputs, make_project

PIPELINES = """
from kedro.pipeline import Pipeline, node


def check(limit, x):
    if limit < 0:
        raise ValueError(f"the limit is {limit}")
    return [limit, x]


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(lambda x: x, "input_x", "x", name="read"),
                node(check, ["params:limit", "x"], "end", name="check"),
            ]
        )
    }
"""


def test_the_corrected_configuration_is_used(tmp_path: Path, home: Path, kedro: Callable[..., Any]) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder, home)
    try:
        cluster.start_scheduler()
        cluster.start_worker("a")
        cluster.wait_for_workers()
        project = make_project(
            tmp_path / "project",
            pipelines=PIPELINES,
            catalog={
                name: {"type": "JsonDataset", "filepath": f"data/{name}.json"} for name in ("input_x", "end")
            },
            parameters={"limit": -1},
            prefect={"flows": {"flow": {"executor": {"type": "DaskExecutor", "address": cluster.address}}}},
        )
        project.write("data/input_x.json", "1")
        log = tmp_path / "agent.log"
        with prefect_api.api(project) as url:
            kedro(project, "prefect", "register", ok=True)
            with prefect_api.agent(url, home, log):
                run_id = prefect_api.start_run(url, "flow")
                before = prefect_api.finished_run(url, run_id, log)
                assert before["state"] == "Failed", log.read_text()
                project.write_conf("base", "parameters", {"limit": 5})
                restart(url, run_id)
                after = prefect_api.finished_run(url, run_id, log)
        assert after["state"] == "Success", log.read_text()
        assert collect_outputs(project)["end.json"] == [5, 1]
    finally:
        cluster.stop()
