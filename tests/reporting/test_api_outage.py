"""A flow run outlives a restart of its API, on an `http://` address as on any other."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from kedro_prefect_hooks.embedded import location
from tests import prefect_api
from tests.reporting.conftest import history, states_of
from tests.scenarios.project_factory import collect_outputs, make_project

AWAY_SECONDS = 12
"""Longer than a timeout of Prefect's, and than any of the pauses between two tries."""

PIPELINES = """
import time

from kedro.pipeline import Pipeline, node


def start():
    return 0


def step(value):
    time.sleep(1)
    return value + 1


def register_pipelines():
    names = [f"value_{i}" for i in range(5)] + ["end"]
    nodes = [node(start, None, names[0], name="start")]
    nodes += [node(step, names[i - 1], names[i], name=f"step_{i}") for i in range(1, 6)]
    return {"__default__": Pipeline(nodes)}
"""
END = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}


@pytest.mark.parametrize(
    ("report", "executor"), [("batches", "LocalExecutor"), ("each", "LocalDaskExecutor")]
)
def test_a_run_goes_on_while_the_api_restarts(
    *, tmp_path: Path, home: Path, log: Path, kedro: Callable[..., Any], report: str, executor: str
) -> None:
    flow = {"report": report, "executor": executor}
    project = make_project(tmp_path / "p", pipelines=PIPELINES, catalog=END, prefect={"flows": {"f": flow}})
    kedro(project, "prefect", "register", ok=True)
    database = location.database_path(project.path)
    with contextlib.ExitStack() as started:
        with prefect_api.api_process(database, home) as (url, _):
            run_id = prefect_api.start_run(url, "f")
            process = started.enter_context(prefect_api.executing(url, run_id, home, log))
            end = time.monotonic() + 60
            while "Success" not in states_of(history(url, run_id))["step_1"]:
                assert process.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.1)
        time.sleep(AWAY_SECONDS)
        assert process.poll() is None, log.read_text()
        with prefect_api.api_process(database, home, int(url.rsplit(":", 1)[1])):
            process.wait(60)
            run = history(url, run_id)
    assert run["state"] == "Success", log.read_text()
    assert set(map(tuple, states_of(run).values())) == {("Pending", "Running", "Success")}
    assert collect_outputs(project)["end.json"] == 5
    assert "does not respond" in log.read_text()
    assert "responds again" in log.read_text()
