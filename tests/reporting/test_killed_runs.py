"""A flow run whose process is killed at any moment can be restarted, and leaves what `kedro run` leaves."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.reporting.conftest import history
from tests.restart.test_restart import SET_FLOW, SET_TASKS
from tests.scenarios.project_factory import Project, make_project

PIPELINES = """
import time

from kedro.pipeline import Pipeline, node


def start():
    return [0]


def step(values):
    time.sleep(0.05)
    return values + [len(values)]


def both(values):
    time.sleep(0.05)
    return values + [len(values)], {"sum": sum(values)}


def collect(*values):
    return list(values)


def register_pipelines():
    nodes = [node(start, None, "v0", name="start")]
    for i in range(1, 16):
        if i % 3:
            nodes.append(node(step, f"v{i - 1}", f"v{i}", name=f"step_{i}"))
        else:
            nodes.append(node(both, f"v{i - 1}", [f"v{i}", f"sum{i}"], name=f"step_{i}"))
    nodes.append(node(collect, [f"sum{i}" for i in range(3, 16, 3)], "sums", name="collect"))
    return {"__default__": Pipeline(nodes)}
"""

VERSIONED = {"type": "VersionedDataset", "versioned": True}
CATALOG = {
    "v5": {**VERSIONED, "filepath": "data/v5.json"},
    "v10": {"type": "JsonDataset", "filepath": "data/v10.json"},
    "sum6": {**VERSIONED, "filepath": "data/sum6.json"},
    "v15": {**VERSIONED, "filepath": "data/v15.json"},
    "sums": {"type": "JsonDataset", "filepath": "data/sums.json"},
}

EXECUTORS: dict[str, dict[str, Any]] = {
    "local": {"type": "LocalExecutor"},
    "processes": {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2},
}

TASK_RUNS = "query($id: uuid!) {task_run(where: {flow_run_id: {_eq: $id}}) {id state}}"
KILLS = 3


def restart(url: str, run_id: str) -> None:
    """What the API does with a run whose process has gone, and then Prefect's button for a restart."""
    runs = prefect_api.graphql(url, TASK_RUNS, {"id": run_id})["task_run"]
    states = [
        {"task_run_id": run["id"], "state": {"type": "Pending", "message": "restarted"}}
        for run in runs
        if run["state"] != "Success"
    ]
    prefect_api.graphql(url, SET_TASKS, {"input": {"states": states}})
    scheduled = {"flow_run_id": run_id, "state": {"type": "Scheduled", "message": "restarted"}}
    prefect_api.graphql(url, SET_FLOW, {"input": {"states": [scheduled]}})


def files(project: Project) -> dict[str, list[str]]:
    """The contents of each file; of a versioned one, those of all its versions."""
    found: dict[str, list[str]] = {}
    for file in sorted(project.data.rglob("*.json")):
        if file.is_file():
            found.setdefault(file.name, []).append(file.read_text())
    return found


@pytest.mark.parametrize(("executor", "seed"), [("local", 1), ("processes", 4)])
def test_what_is_left_is_what_kedro_leaves(
    *, tmp_path: Path, home: Path, log: Path, kedro: Callable[..., Any], executor: str, seed: int
) -> None:
    drawn = random.Random(seed)
    flow = {
        "executor": EXECUTORS[executor],
        "result": {"type": "LocalResult", "dir": str(tmp_path / "results")},
    }
    project = make_project(
        tmp_path / "p", pipelines=PIPELINES, catalog=CATALOG, prefect={"flows": {"f": flow}}
    )
    kedro(project, "run", ok=True)
    expected = files(project)
    project.clean()
    with prefect_api.api(project) as url:
        kedro(project, "prefect", "register", ok=True)
        run_id = prefect_api.start_run(url, "f")
        killed = 0
        for _ in range(KILLS):
            with prefect_api.executing(url, run_id, home, log) as process:
                while history(url, run_id)["state"] != "Running" and process.poll() is None:
                    time.sleep(0.02)
                time.sleep(drawn.uniform(0.1, 2.0))
                killed += process.poll() is None
                with contextlib.suppress(ProcessLookupError):  # it has ended, with all that it has started
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)
            if history(url, run_id)["state"] == "Success":
                break
            restart(url, run_id)
        assert killed, "at least one process was killed before it had finished"
        if history(url, run_id)["state"] != "Success":
            prefect_api.executed(url, run_id, home, log)
        run = history(url, run_id)
    assert run["state"] == "Success", log.read_text()
    assert {task["state"] for task in run["task_runs"]} == {"Success"}
    assert files(project) == expected
