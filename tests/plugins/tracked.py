"""A Kedro project whose runs kedro-mlflow tracks, and what its MLflow store holds afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.scenarios.project_factory import Project, make_project

NODES = '''
import os
import threading
import time
from pathlib import Path

import mlflow

DATA = Path(__file__).resolve().parents[2] / "data"


def prepare(rows):
    """Fails at its first try where `data/flaky.txt` says so."""
    flaky = DATA / "flaky.txt"
    if flaky.exists():
        flaky.unlink()
        raise ValueError("prepare is flaky")
    mlflow.log_metric("logged_by_prepare", rows)
    return rows


def _train(name, rows, rate):
    mlflow.log_metric(f"logged_by_train_{name}", rate)
    mlflow.set_tag(f"ran.train_{name}", f"{os.getpid()}-{threading.get_ident()}")
    time.sleep(0.5)  # long enough for the other one to need another thread
    return rows * rate


def train_left(rows, rate):
    return _train("left", rows, rate)


def train_right(rows, rate):
    return _train("right", rows, rate)


def compare(left, right):
    if (DATA / "broken.txt").exists():
        raise ValueError("compare is broken")
    mlflow.log_metric("logged_by_compare", left - right)
    return left - right, max(left, right)
'''

PIPELINES = """
from kedro.pipeline import node, pipeline

from .nodes import compare, prepare, train_left, train_right


def register_pipelines():
    return {
        "__default__": pipeline(
            [
                node(prepare, "params:rows", "table", name="prepare"),
                node(train_left, ["table", "params:left"], "left", name="train_left"),
                node(train_right, ["table", "params:right"], "right", name="train_right"),
                node(compare, ["left", "right"], ["difference", "best"], name="compare"),
            ]
        )
    }
"""

CATALOG = {
    "difference": {"type": "kedro_mlflow.io.metrics.MlflowMetricDataset"},
    "best": {"type": "JsonDataset", "filepath": "data/best.json"},
}

PARAMS = {"rows": "10", "left": "0.5", "right": "0.25"}
METRICS = {
    "logged_by_prepare": 10.0,
    "logged_by_train_left": 0.5,
    "logged_by_train_right": 0.25,
    "logged_by_compare": 2.5,
    "difference": 2.5,
}


def tracked(path: Path, **options: Any) -> Project:
    """A project of four nodes, two of which can run side by side; each logs a metric in its body.

    Their parameters, and the metric dataset `difference`, are kedro-mlflow's to log. `data/flaky.txt` lets
    `prepare` fail once, `data/broken.txt` lets `compare` fail always.
    """
    project = make_project(
        path,
        **{
            "pipelines": PIPELINES,
            "files": {"nodes.py": NODES},
            "catalog": CATALOG,
            "parameters": {"rows": 10, "left": 0.5, "right": 0.25},
            **options,
        },
    )
    # the default, a folder `mlruns`, is refused by MLflow 3.17
    project.write_conf("base", "mlflow", {"server": {"mlflow_tracking_uri": "sqlite:///mlflow.db"}})
    return project


@dataclass(frozen=True)
class TrackedRun:
    """A run as MLflow has stored it."""

    name: str
    status: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]

    @property
    def ran_in(self) -> set[str]:
        """Process and thread of each of the two nodes that can run side by side."""
        return {value for key, value in self.tags.items() if key.startswith("ran.")}

    def check_complete(self) -> None:
        """Asserts that a run of all nodes, without a failure, is in here whole."""
        assert self.status == "FINISHED"
        assert self.name == "__default__", "kedro-mlflow calls a run after its pipeline"
        assert self.params == PARAMS
        assert self.metrics == METRICS


class Tracking:
    """What a project's MLflow store has got since it was last looked at."""

    def __init__(self, project: Project) -> None:
        self._database = project.path / "mlflow.db"
        self._seen: set[str] = set()

    def new_runs(self) -> list[TrackedRun]:
        """The runs since the last call, oldest first.

        Read from the store's own tables, since to import MLflow takes longer than all the rest of a test.
        """
        if not self._database.exists():
            return []
        with closing(sqlite3.connect(self._database)) as connection:
            rows = connection.execute("SELECT run_uuid, name, status FROM runs ORDER BY start_time")
            new = [row for row in rows.fetchall() if row[0] not in self._seen]
            self._seen.update(row[0] for row in new)
            return [
                TrackedRun(
                    name=name,
                    status=status,
                    params=_pairs(connection, "params", key),
                    metrics=_pairs(connection, "latest_metrics", key),
                    tags=_pairs(connection, "tags", key),
                )
                for key, name, status in new
            ]


def _pairs(connection: sqlite3.Connection, table: str, run: str) -> dict[str, Any]:
    return dict(connection.execute(f"SELECT key, value FROM {table} WHERE run_uuid = ?", (run,)).fetchall())
