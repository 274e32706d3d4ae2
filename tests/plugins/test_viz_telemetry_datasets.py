"""kedro-viz, kedro-telemetry, kedro-datasets and kedro-mlflow's commands beside our hook: no one disturbs."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

import pandas as pd
import pytest
import requests

from tests.scenarios.project_factory import Project, clean_environment, make_project, run_kedro

for package in ("kedro_datasets", "kedro_mlflow", "kedro_telemetry", "kedro_viz"):
    pytest.importorskip(package, reason=f"{package} is not installed: install the extra [plugins]")

PIPELINES = """
from kedro.pipeline import node, pipeline


def double(table):
    return table * 2


def add_up(table):
    return table.sum().to_frame("total")


def register_pipelines():
    return {
        "__default__": pipeline(
            [
                node(double, "numbers", "doubled", name="double"),
                node(add_up, "doubled", "totals", name="add_up"),
            ]
        )
    }
"""

THREADS = {"type": "LocalDaskExecutor", "scheduler": "threads"}


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(
        tmp_path / "project",
        pipelines=PIPELINES,
        catalog={
            "numbers": {"type": "kedro_datasets.pandas.CSVDataset", "filepath": "data/input.csv"},
            "totals": {"type": "kedro_datasets.pandas.CSVDataset", "filepath": "data/totals.csv"},
        },
        prefect={"flows": {"totals": {"executor": THREADS}}},
    )
    made.write_conf("deploy", "parameters", {})
    made.write("data/input.csv", "a,b\n1,2\n3,4\n")
    # One store for all of this file's tests: MLflow takes seconds to make one.
    database = tmp_path_factory.getbasetemp() / "mlflow.db"
    made.write_conf("base", "mlflow", {"server": {"mlflow_tracking_uri": f"sqlite:///{database}"}})
    return made


@pytest.fixture
def kedro(project: Project) -> Callable[..., str]:
    """`kedro("run", "--env", "deploy")`: what the command has printed; its exit code is 0."""

    def run(*arguments: str, **env: str) -> str:
        result = run_kedro(project, *arguments, env=env)
        assert result.returncode == 0, result.stdout
        return result.stdout

    return run


def flow_versions(project: Project) -> list[Any]:
    """Name and version of all flows that were ever registered, read from the API's file."""
    database = project.path / ".kedro_prefect" / "api.sqlite"
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT name, version FROM flow").fetchall()


def totals(project: Project) -> list[int]:
    return [int(total) for total in pd.read_csv(project.data / "totals.csv")["total"]]


def test_registered_once_planned_and_run(project: Project, kedro: Callable[..., str]) -> None:
    printed = kedro("run", "--env", "deploy")
    assert printed.count("Prefect project '") == 1
    assert flow_versions(project) == [("totals", 1)]
    assert totals(project) == [8, 12]
    assert re.search(r"totals +unchanged", kedro("prefect", "plan"))
    (project.data / "totals.csv").unlink()
    kedro("prefect", "run", "totals", "--local")
    assert totals(project) == [8, 12]
    assert flow_versions(project) == [("totals", 1)]


def test_viz_build_registers_nothing(project: Project, kedro: Callable[..., str]) -> None:
    kedro("viz", "build", "--include-hooks", KEDRO_ENV="deploy")
    assert "totals" in (project.path / "build" / "api" / "main").read_text(encoding="utf-8")
    assert flow_versions(project) == []


def test_viz_run_registers_nothing(project: Project) -> None:
    """It loads the project in a process of its own, which knows no command."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    options = f"--include-hooks --env deploy --no-browser --host 127.0.0.1 --port {port}".split()
    home = project.path / "home"
    home.mkdir()
    log = project.path / "viz.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "kedro", "viz", "run", *options],
            cwd=project.path,
            env=clean_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        drawn = answer(f"http://127.0.0.1:{port}/api/main", log)
        assert "add_up" in {node["name"] for node in drawn["nodes"]}
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    assert flow_versions(project) == []


def answer(url: str, log: Path) -> Any:
    """What a server answers that is still starting."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            return requests.get(url, timeout=5).json()
        except requests.ConnectionError:
            time.sleep(0.3)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))


def test_mlflow_init_registers_nothing(project: Project, kedro: Callable[..., str]) -> None:
    kedro("mlflow", "init", "--env", "deploy")
    assert (project.path / "conf" / "deploy" / "mlflow.yml").is_file()
    assert flow_versions(project) == []
