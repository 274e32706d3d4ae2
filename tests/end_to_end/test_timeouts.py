"""A node's `timeout`: a node in time passes on all its data, and a slow node is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.scenarios.project_factory import collect_outputs, make_project

RUNNER = ("--runner", "kedro_prefect_hooks.PrefectRunner")

REGISTRY = """
import os
import time

from kedro.pipeline import Pipeline, node


def start():
    return list(range(1000))


def middle(values):
    time.sleep(float(os.environ.get("SLEEP", "0")))
    return [value * 2 for value in values]


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(start, None, "values", name="start"),
                node(middle, "values", "doubled", name="middle"),
                node(sum, "doubled", "total", name="end"),
            ]
        )
    }
"""

EXECUTORS: list[dict[str, Any]] = [
    {"type": "LocalExecutor"},
    {"type": "LocalDaskExecutor", "scheduler": "threads"},
    {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2},
]


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda e: e.get("scheduler", e["type"]))
def test_a_node_in_time_and_a_slow_node(
    tmp_path: Path, kedro: Callable[..., Any], executor: dict[str, Any]
) -> None:
    project = make_project(
        tmp_path / "timed",
        pipelines=REGISTRY,
        catalog={"total": {"type": "JsonDataset", "filepath": "data/total.json"}},
        prefect={
            "defaults": {"executor": executor, "nodes": {"middle": {"timeout": 20}}},
            "flows": {"all": {}},
        },
    )
    kedro(project, "run", *RUNNER, ok=True)
    assert collect_outputs(project)["total.json"] == sum(range(1000)) * 2
    project.clean()
    defaults = {"executor": executor, "nodes": {"middle": {"timeout": 1}}}
    project.write_conf("base", "prefect", {"defaults": defaults, "flows": {"all": {}}})
    result = kedro(project, "run", *RUNNER, env={"SLEEP": "15"})
    assert result.returncode == 1
    text = " ".join(result.stdout.split())
    assert "'middle' ended TimedOut" in text
    assert collect_outputs(project) == {}
