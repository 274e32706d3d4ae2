"""Options of single nodes and of flow runs, on an API: prints, loggers, checkpoints, clean-up, names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.reporting.test_batches import EXECUTORS
from tests.restart.test_restart import restart
from tests.same_run.conftest import nodes_project, saved_all
from tests.scenarios.project_factory import Project, collect_outputs

SOURCE = """
import logging


def attempt(name):
    with (PROJECT / "attempts.txt").open("a") as file:
        file.write(f"{name} ")


def first():
    attempt("first")
    print("printed [by first]", "in two parts", end="")
    print("\\nand without an end", end="")
    logging.getLogger("other.library").info("said by a library")
    return 1


def second(a):
    print("not for the log")
    if (PROJECT / "broken").exists():
        raise ValueError("broken")
    return a + 1


def clean_up(a, b):
    attempt("clean_up")
    return [a, b]


NODES = [
    node(first, None, "a", name="first"),
    node(second, "a", "b", name="second"),
    node(clean_up, ["a", "b"], "cleaned", name="clean_up"),
]
"""

FLOW = {
    "log_stdout": True,
    "extra_loggers": "other.library",
    "run_name": "{flow_name} of {parameters[day]} at {scheduled_start_time:%Y}",
    "parameters": ["day"],
    "nodes": {
        "first": {"checkpoint": False},
        "second": {"log_stdout": False},
        "clean_up": {"trigger": "all_finished"},
    },
}
NAMES = "query {flow_run(order_by: {created: asc}) {name}}"
TASKS = "query($id: uuid!) {task_run(where: {id: {_eq: $id}}) {task {name}}}"


@pytest.mark.parametrize(("executor", "storage"), [("local", "Local"), ("processes", "Module")])
def test_prints_checkpoints_names_and_clean_up(
    tmp_path: Path, log: Path, registered: Callable[[Project], str], executor: str, storage: str
) -> None:
    results = tmp_path / "results"
    place = {"type": "Local", "directory": str(tmp_path / "flows")} if storage == "Local" else {}
    flow = {
        "executor": EXECUTORS[executor],
        "storage": place or {"type": "Module"},
        "result": {"type": "LocalResult", "dir": str(results)},
        **FLOW,
    }
    project = nodes_project(
        tmp_path / "project",
        SOURCE,
        catalog=saved_all("b cleaned"),
        parameters={"day": "Monday"},
        prefect={"flows": {"flow": flow}},
    )
    url = registered(project)
    project.write("data/b.json", "9")
    project.write("broken", "")
    run_id = prefect_api.start_run(url, "flow", scheduled_start_time="2024-01-01T00:00:00Z")
    run = prefect_api.executed(url, run_id, tmp_path, log)
    assert run["state"] == "Failed", log.read_text()
    assert collect_outputs(project)["cleaned.json"] == [1, None]

    lines = {each["message"]: each for each in run["logs"]}
    printed = lines["printed [by first] in two parts"]
    assert printed["name"] == "prefect.first"
    task = prefect_api.graphql(url, TASKS, {"id": printed["task_run_id"]})["task_run"]
    assert [each["task"]["name"] for each in task] == ["first"]
    assert {"and without an end", "said by a library"} <= set(lines)
    assert "not for the log" not in lines
    assert "not for the log" in log.read_text()
    assert prefect_api.graphql(url, NAMES)["flow_run"] == [{"name": "flow of Monday at 2024"}]
    assert not [file for file in results.rglob("*") if file.is_file()], "nothing was to be stored"

    (project.path / "broken").unlink()
    restart(url, run_id)
    run = prefect_api.executed(url, run_id, tmp_path, log)
    assert run["state"] == "Success", log.read_text()
    assert collect_outputs(project)["cleaned.json"] == [1, 2], "the node that cleans up ran again"
    assert (project.path / "attempts.txt").read_text().split().count("clean_up") == 2
    assert not any("not for the log" in each["message"] for each in run["logs"])


def test_a_name_that_somebody_gave_is_kept(
    tmp_path: Path, home: Path, log: Path, registered: Callable[[Project], str], kedro: Callable[..., Any]
) -> None:
    project = nodes_project(
        tmp_path / "project",
        "NODES = [node(lambda: 1, None, 'a', name='first')]",
        prefect={"flows": {"flow": {"run_name": "{flow_name}"}}},
    )
    url = registered(project)
    kedro(project, "prefect", "run", "flow", "--name", "mine", ok=True)
    runs = prefect_api.graphql(url, "query {flow_run {id}}")["flow_run"]
    assert prefect_api.executed(url, runs[0]["id"], home, log)["state"] == "Success"
    assert prefect_api.graphql(url, NAMES)["flow_run"] == [{"name": "mine"}]
