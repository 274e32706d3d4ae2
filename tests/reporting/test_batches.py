"""States in batches, on a real API: few requests, the same history, all before the final state."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.api_proxy import proxy
from tests.reporting.conftest import history, states_of
from tests.scenarios import scenarios
from tests.scenarios.project_factory import Project, collect_outputs, make_project

Register = Callable[[Project], str]

EXECUTORS = {
    "local": {"type": "LocalExecutor"},
    "threads": {"type": "LocalDaskExecutor", "scheduler": "threads", "num_workers": 2},
    "processes": {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2},
    "dask": {
        "type": "DaskExecutor",
        "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None},
    },
}

STATES, LOOKUP = "set_task_run_states", "get_or_create_task_run_info"
ARTIFACT = "create_task_run_artifact"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_all_states_arrive_before_the_flow_runs_own_and_in_order(
    tmp_path: Path, home: Path, log: Path, registered: Register, executor: str
) -> None:
    flow = {"executor": EXECUTORS[executor]}
    project = scenarios.chain(tmp_path / "chain", 30, prefect={"flows": {"chain": flow}})
    url = registered(project)
    with proxy(url) as api:
        run_id = prefect_api.start_run(url, "chain")
        prefect_api.executed(api.url, run_id, home, log)
        sent = [(document, given) for document, given in api.requests if STATES in document]
        assert api.count(LOOKUP) == 0
        assert len(sent) <= 15, "two requests per batch and process"
        final = next(place for place, each in enumerate(api.requests) if _sets(each, "Success"))
        assert not any(STATES in document for document, _ in api.requests[final:])
        assert 1 <= api.count(ARTIFACT) <= 6, "two per process"
        assert not any(ARTIFACT in document for document, _ in api.requests[final:])
    _check_artifacts(url, run_id)
    run = history(url, run_id)
    assert run["state"] == "Success", log.read_text()
    assert set(map(tuple, states_of(run).values())) == {("Pending", "Running", "Success")}
    by_name = {task["task"]["slug"]: task for task in run["task_runs"]}
    for number in range(30):
        task = by_name[f"node_{number}"]
        assert run["start_time"] <= task["start_time"] <= task["end_time"] <= run["end_time"]
        if number:
            assert by_name[f"node_{number - 1}"]["end_time"] <= task["start_time"]
    assert collect_outputs(project)["end.json"] == 30


def _check_artifacts(url: str, run_id: str) -> None:
    """Each of the 30 nodes has said what it read and wrote."""
    query = """
        query($id: uuid!) {
            task_run_artifact(where: {task_run: {flow_run_id: {_eq: $id}}}) {
                kind data task_run { task { slug } }
            }
        }"""
    found = prefect_api.graphql(url, query, {"id": run_id})["task_run_artifact"]
    texts = {each["task_run"]["task"]["slug"]: each["data"]["markdown"] for each in found}
    assert len(found) == len(texts) == 30 and {each["kind"] for each in found} == {"markdown"}
    assert "| wrote | **end** |" in texts["node_29"] and "`data/end.json`" in texts["node_29"]
    assert texts["node_29"].count("| read |") == 1
    assert "| read |" not in texts["node_0"]


def _sets(request: Any, state: str) -> bool:
    document, given = request
    return "set_flow_run_states" in document and given["input"]["states"][0]["state"]["type"] == state


FAILING = """
from pathlib import Path

from kedro.pipeline import Pipeline, node
from prefect.engine.signals import SKIP

PROJECT = Path(__file__).resolve().parents[2]


def twice():
    marker = PROJECT / "data" / "tried"
    if not marker.exists():
        marker.touch()
        raise ValueError("the first try")
    return 1


def skipped(one):
    raise SKIP("nothing to do")


def fails(one):
    raise ValueError("always")


def after(two):
    return two


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(twice, None, "one", name="twice"),
                node(skipped, "one", "none", name="skipped"),
                node(fails, "one", "two", name="fails"),
                node(after, "two", "three", name="after"),
            ]
        )
    }
"""


def test_the_history_is_the_one_of_states_reported_each(
    tmp_path: Path, home: Path, log: Path, registered: Register
) -> None:
    retries = {"max_retries": 1, "retry_delay": 0.1}
    flows = {"batches": {"retries": retries}, "each": {"retries": retries, "report": "each"}}
    project = make_project(tmp_path / "failing", pipelines=FAILING, prefect={"flows": flows})
    url = registered(project)
    runs = {}
    for name in flows:
        project.clean()
        run_id = prefect_api.start_run(url, name)
        with proxy(url) as api:
            prefect_api.executed(api.url, run_id, home, log)
            runs[name] = history(url, run_id)
            assert (api.count(LOOKUP) > 0) == (name == "each")
    assert runs["batches"]["state"] == runs["each"]["state"] == "Failed", log.read_text()
    assert states_of(runs["batches"]) == states_of(runs["each"])
    assert states_of(runs["batches"])["twice"].count("Running") == 2
    messages = [
        {task["task"]["slug"]: [each["message"] for each in task["states"]] for task in run["task_runs"]}
        for run in runs.values()
    ]
    assert messages[0] == messages[1]


SLEEPING = """
import time

from kedro.pipeline import Pipeline, node


def start():
    return 0


def step(value):
    time.sleep(0.5)
    return value + 1


def register_pipelines():
    names = [f"value_{i}" for i in range(40)]
    nodes = [node(start, None, names[0], name="start")]
    nodes += [node(step, names[i - 1], names[i], name=f"step_{i}") for i in range(1, 40)]
    return {"__default__": Pipeline(nodes)}
"""


def test_times_are_those_of_the_nodes_not_of_the_requests(
    tmp_path: Path, home: Path, log: Path, registered: Register
) -> None:
    prefect = {"flows": {"sleeping": {"to_nodes": ["step_3"]}}}
    project = make_project(tmp_path / "sleeping", pipelines=SLEEPING, prefect=prefect)
    url = registered(project)
    run_id = prefect_api.start_run(url, "sleeping")
    with proxy(url) as api:
        api.delay = 0.2
        prefect_api.executed(api.url, run_id, home, log)
    tasks = {task["task"]["slug"]: task for task in history(url, run_id)["task_runs"]}
    for name in ("step_1", "step_2", "step_3"):
        start, end = (_seconds(tasks[name][key]) for key in ("start_time", "end_time"))
        assert end - start >= 0.49


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def test_a_cancelled_run_starts_no_more_nodes(
    tmp_path: Path, home: Path, log: Path, registered: Register
) -> None:
    project = make_project(tmp_path / "sleeping", pipelines=SLEEPING, prefect={"flows": {"sleeping": {}}})
    url = registered(project)
    run_id = prefect_api.start_run(url, "sleeping")
    # As Prefect's default, so that it is the API's answer to a state that ends the run, not the look at it.
    with prefect_api.executing(
        url, run_id, home, log, PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL="600"
    ) as process:
        _wait_for(lambda: sum(_succeeded(url, run_id)) >= 2)
        mutation = "mutation($id: UUID!) {cancel_flow_run(input: {flow_run_id: $id}) {state}}"
        prefect_api.graphql(url, mutation, {"id": run_id})
        process.wait(60)
    assert sum(_succeeded(url, run_id)) < 10, "the API refuses Running, and the tasks after that do not run"


def _succeeded(url: str, run_id: str) -> list[bool]:
    return [task["state"] == "Success" for task in history(url, run_id)["task_runs"]]


def _wait_for(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_state_that_the_api_refuses_is_no_success(
    tmp_path: Path, home: Path, log: Path, registered: Register
) -> None:
    project = scenarios.chain(tmp_path / "chain", 4, prefect={"flows": {"chain": {}}})
    url = registered(project)
    run_id = prefect_api.start_run(url, "chain")
    task_runs = prefect_api.graphql(
        url, "query($id: uuid!) {task_run(where: {flow_run_id: {_eq: $id}}) {id task {slug}}}", {"id": run_id}
    )["task_run"]
    refused = next(each["id"] for each in task_runs if each["task"]["slug"] == "node_2")

    def answers(document: str, given: Any) -> Any:
        if STATES not in document:
            return None
        sent = [each["task_run_id"] for each in given["input"]["states"]]
        return {"errors": [{"message": "State payload is too large."}]} if refused in sent else None

    with proxy(url) as api:
        api.answers = answers
        prefect_api.executed(api.url, run_id, home, log)
    run = history(url, run_id)
    assert run["state"] != "Success"
    assert "The API has refused the state of task 'node_2'" in log.read_text()
    others = {task["task"]["slug"]: task["state"] for task in run["task_runs"]}
    assert others == {"node_0": "Success", "node_1": "Success", "node_2": "Pending", "node_3": "Success"}


def test_a_file_has_one_line_for_each_log_line(
    tmp_path: Path, home: Path, log: Path, registered: Register
) -> None:
    project = scenarios.chain(tmp_path / "chain", 3, prefect={"flows": {"chain": {}}})
    url = registered(project)
    prefect_api.executed(url, prefect_api.start_run(url, "chain"), home, log)
    lines = [line for line in log.read_text().splitlines() if "Task 'node_1'" in line]
    assert len(lines) == 2, log.read_text()
    assert all(line.endswith("'Success'") or line.endswith("...") for line in lines)
