"""Restart from failed, as in Prefect's UI: with results, without results, and where it is impossible."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from kedro_prefect_hooks.api import run_restart
from kedro_prefect_hooks.api.client import Api
from kedro_prefect_hooks.api.flow_runs import FlowRuns
from kedro_prefect_hooks.api.http_transport import HttpTransport
from kedro_prefect_hooks.api.run_search import find_run
from tests import prefect_api
from tests.scenarios.project_factory import Project, collect_outputs, hook_calls, make_project

PIPELINES = """
from pathlib import Path

from kedro.pipeline import Pipeline, node

PROJECT = Path(__file__).resolve().parents[2]


def attempt(name):
    with (PROJECT / "data" / "attempts.txt").open("a") as file:
        file.write(name + "\\n")
    if (PROJECT / "broken" / name).exists():
        raise ValueError(f"{name} is broken")


def first():
    attempt("first")
    return 1


def second(one):
    attempt("second")
    return one + 1, one + 100


def third(two):
    attempt("third")
    return two + 1


def last(three, kept):
    attempt("last")
    return [three, kept]


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(first, None, "one", name="first"),
                node(second, "one", ["two", "kept"], name="second"),
                node(third, "two", "three", name="third"),
                node(last, ["three", "kept"], "end", name="last"),
            ]
        )
    }
"""
END = {"type": "JsonDataset", "filepath": "data/end.json"}
KEPT = {"type": "JsonDataset", "filepath": "data/kept.json"}
VERSIONED = {"type": "VersionedDataset", "filepath": "data/kept.json", "versioned": True}

PROJECT = "query($id: uuid!) {flow_run_by_pk(id: $id) {flow {project {name}}}}"
SET_TASKS = (
    "mutation($input: set_task_run_states_input!) {set_task_run_states(input: $input) {states {status}}}"
)
SET_FLOW = (
    "mutation($input: set_flow_run_states_input!) {set_flow_run_states(input: $input) {states {status}}}"
)


def restart(url: str, run_id: str) -> None:
    """Restart a flow run as `kedro prefect restart` does."""
    project = prefect_api.graphql(url, PROJECT, {"id": run_id})["flow_run_by_pk"]["flow"]["project"]["name"]
    transport = HttpTransport(url, 30, api_key=None, tenant_id=None, hint="")
    runs = FlowRuns(Api(transport, url, lambda *_: None), project)
    assert run_restart.restart(runs, find_run(runs, run_id)) > 0


def failed_then_restarted(
    project: Project, node: str, home: Path, log: Path, kedro: Callable[..., Any]
) -> Any:
    """Run the flow `flow` with a broken node, mend the node, restart the flow run; that one, finished."""
    project.break_node(node)
    with prefect_api.api(project) as url:
        kedro(project, "prefect", "register", ok=True)
        with prefect_api.agent(url, home, log):
            run_id = prefect_api.start_run(url, "flow")
            assert prefect_api.finished_run(url, run_id, log)["state"] == "Failed", log.read_text()
            project.fix_node(node)
            restart(url, run_id)
            return prefect_api.finished_run(url, run_id, log)


def attempts(project: Project) -> list[str]:
    return (project.data / "attempts.txt").read_text().split()


@pytest.fixture
def failed_and_restarted(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> Callable[..., tuple[Project, Any]]:
    """Register the flow, let `third` fail, fix it and restart; return the project and the finished run."""

    def run(catalog: dict[str, Any], **settings: Any) -> tuple[Project, Any]:
        prefect = {"flows": {"flow": settings}}
        project = make_project(
            tmp_path / "project", pipelines=PIPELINES, catalog={"end": END, **catalog}, prefect=prefect
        )
        project.write_conf("deploy", "parameters", {})
        log = tmp_path / "agent.log"
        with prefect_api.api(project) as url:
            kedro(project, "run", "--env", "deploy", ok=True)
            project.clean()
            project.write("broken/third", "")
            with prefect_api.agent(url, home, log):
                run_id = prefect_api.start_run(url, "flow")
                before = prefect_api.finished_run(url, run_id, log)
                assert before["state"] == "Failed", log.read_text()
                assert attempts(project) == ["first", "second", "third"]
                (project.path / "broken" / "third").unlink()
                restart(url, run_id)
                return project, prefect_api.finished_run(url, run_id, log)

    return run


@pytest.mark.parametrize(
    "executor",
    [{"type": "LocalExecutor"}, {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2}],
    ids=lambda executor: executor["type"],
)
def test_with_a_result_succeeded_tasks_are_loaded(
    tmp_path: Path, failed_and_restarted: Callable[..., Any], executor: dict[str, Any]
) -> None:
    result = {"type": "LocalResult", "dir": str(tmp_path / "checkpoints")}
    project, run = failed_and_restarted({"kept": VERSIONED}, result=result, executor=executor)
    assert run["state"] == "Success", run["state_message"]
    assert attempts(project) == ["first", "second", "third", "third", "last"]
    assert collect_outputs(project)["end.json"] == [3, 101]
    ids = {call["id"] for call in hook_calls(project) if call["hook"] == "before_node_run"}
    assert len(ids) == 1, "a restart keeps the session id of the run, and so its versions"
    ends = [call["hook"] for call in hook_calls(project) if call["hook"].endswith(("_pipeline_run", "error"))]
    assert ends.count("on_pipeline_error") == 1
    assert ends[-1] == "after_pipeline_run"


def test_without_a_result_the_needed_ancestors_run_again(failed_and_restarted: Callable[..., Any]) -> None:
    project, run = failed_and_restarted({"kept": KEPT})
    assert run["state"] == "Success", run["state_message"]
    assert attempts(project) == ["first", "second", "third", "first", "second", "third", "last"]
    assert collect_outputs(project)["end.json"] == [3, 101]
    lines = [line["message"] for line in run["logs"]]
    assert any("Running node second again: 'two' was in memory before the restart" in line for line in lines)


def test_persisted_datasets_need_no_ancestors(failed_and_restarted: Callable[..., Any]) -> None:
    two = {"type": "JsonDataset", "filepath": "data/two.json"}
    project, run = failed_and_restarted({"kept": KEPT, "two": two}, group_by="memory")
    assert run["state"] == "Success", run["state_message"]
    assert attempts(project) == ["first", "second", "third", "third", "last"]
    assert collect_outputs(project)["end.json"] == [3, 101]


def test_a_restart_saves_its_own_version_again(failed_and_restarted: Callable[..., Any]) -> None:
    project, run = failed_and_restarted({"kept": VERSIONED})
    assert run["state"] == "Success", run["state_message"]
    assert attempts(project) == ["first", "second", "third", "first", "second", "third", "last"]
    assert collect_outputs(project)["end.json"] == [3, 101]
    assert len(list((project.data / "kept.json").iterdir())) == 1, "one version"
    assert [file.name for file in (project.data / "kept.json").rglob("*") if file.is_file()] == ["kept.json"]
