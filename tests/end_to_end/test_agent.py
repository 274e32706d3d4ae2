"""The main job: `kedro run` registers, an agent runs, with the outputs and hook calls of a plain run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.scenarios import scenarios
from tests.scenarios.project_factory import (
    KEDRO,
    check_hook_order,
    collect_outputs,
    hook_calls,
    hook_counts,
    versions,
)

THREADS = {"type": "LocalDaskExecutor", "scheduler": "threads"}
PROCESSES = {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2}
DASK = {"type": "DaskExecutor", "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1}}


def test_flow_runs_equal_a_plain_run(tmp_path: Path, home: Path, kedro: Callable[..., Any]) -> None:
    project = scenarios.traps(
        tmp_path / "traps",
        prefect={
            "flows": {
                "in-order": {},
                "threads": {"executor": THREADS},
                "processes": {"executor": PROCESSES},
                "dask": {"executor": DASK},
                "grouped": {"group_by": "memory", "executor": THREADS},
            }
        },
    )
    project.write_conf("deploy", "parameters", {})
    kedro(project, "run", ok=True)
    outputs, hooks = collect_outputs(project), hook_counts(project)
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", ok=True)
        with prefect_api.agent(url, home, log):
            for flow in ("in-order", "threads", "processes", "dask", "grouped"):
                project.clean()
                run = prefect_api.finished_run(url, prefect_api.start_run(url, flow), log)
                assert run["state"] == "Success", (flow, run["state_message"], log.read_text()[-4000:])
                assert collect_outputs(project) == outputs, flow
                assert hook_counts(project) == hooks, flow
                check_hook_order(hook_calls(project))
                assert len(versions(project, "first.json")) == 1
                assert versions(project, "first.json") == versions(project, "second.json")
                assert {task["state"] for task in run["task_runs"]} == {"Success"}
                loads = [line for line in run["logs"] if line["name"].startswith("kedro.io")]
                assert any("Loading data from" in line["message"] for line in loads), flow
                assert {line["task_run_id"] for line in loads} - {None}, flow
                assert not any("[dark_orange]" in line["message"] for line in loads), flow


def test_parameters_of_a_flow_run_reach_the_nodes(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = scenarios.traps(
        tmp_path / "traps",
        prefect={"flows": {"some": {"pipeline": "parameters", "parameters": ["weight", "options.depth"]}}},
    )
    project.write_conf("deploy", "parameters", {})
    params = "weight=9,options.depth=8"
    if KEDRO < (0, 19):  # early versions do not accept "=", later ones accept both
        params = params.replace("=", ":")
    kedro(project, "run", "--pipeline", "parameters", "--params", params, ok=True)
    changed = collect_outputs(project)
    kedro(project, "run", "--pipeline", "parameters", ok=True)
    assert collect_outputs(project) != changed
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", "--pipeline", "parameters", ok=True)
        with prefect_api.agent(url, home, log):
            run_id = prefect_api.start_run(url, "some", parameters={"weight": 9, "options.depth": 8})
            run = prefect_api.finished_run(url, run_id, log)
    assert run["state"] == "Success", log.read_text()[-4000:]
    assert collect_outputs(project) == changed


def test_a_changed_pipeline_does_not_run_until_it_is_registered_again(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = scenarios.chain(tmp_path / "chain", 3, prefect={"flows": {"chain": {}}})
    project.write_conf("deploy", "parameters", {})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", ok=True)
        registry = project.source / "pipeline_registry.py"
        registry.write_text(
            registry.read_text() + "\n_before = register_pipelines\n\n\ndef register_pipelines():\n"
            "    from kedro.pipeline import node\n\n"
            "    pipelines = _before()\n"
            "    extra = node(lambda: 1, None, 'extra', name='added_later')\n"
            "    return {name: pipeline + type(pipeline)([extra]) for name, pipeline in pipelines.items()}\n"
        )
        with prefect_api.agent(url, home, log):
            run = prefect_api.finished_run(url, prefect_api.start_run(url, "chain"), log)
            assert run["state"] == "Failed"
            assert "added_later" in run["state_message"], run["state_message"]
            assert "egister it again" in run["state_message"]
            result = kedro(project, "run", "--env", "deploy", ok=True)
            assert "changed" in result.stdout
            run = prefect_api.finished_run(url, prefect_api.start_run(url, "chain"), log)
            assert run["state"] == "Success", run["state_message"]


@pytest.mark.parametrize("executor", [{"type": "LocalExecutor"}, THREADS, PROCESSES], ids=str)
def test_a_failing_node_is_named_and_the_error_hooks_are_called(
    tmp_path: Path, home: Path, kedro: Callable[..., Any], executor: dict[str, Any]
) -> None:
    project = scenarios.failing(tmp_path / "failing", prefect={"flows": {"fails": {"executor": executor}}})
    project.write_conf("deploy", "parameters", {})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", ok=True)
        project.clean()
        project.break_node("second")
        with prefect_api.agent(url, home, log):
            run = prefect_api.finished_run(url, prefect_api.start_run(url, "fails"), log)
    assert run["state"] == "Failed"
    failed = {task["task"]["name"]: task for task in run["task_runs"] if task["state"] == "Failed"}
    assert failed, run["task_runs"]
    skipped = [task for task in run["task_runs"] if task["state"] == "TriggerFailed"]
    assert skipped
    assert all(any(name in task["state_message"] for name in failed) for task in skipped)
    calls = hook_calls(project)
    assert [call["hook"] for call in calls].count("on_pipeline_error") == 1
    assert [call["hook"] for call in calls].count("after_pipeline_run") == 0


def test_what_was_changed_but_not_registered_is_used_by_the_next_run(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = scenarios.chain(tmp_path / "chain", 4, prefect={"flows": {"chain": {}}})
    project.write_conf("deploy", "parameters", {})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", ok=True)
        before = collect_outputs(project)
        registry = project.source / "pipeline_registry.py"
        text = registry.read_text()
        registry.write_text(text.replace("return value + 1", "return value + 10"))
        assert registry.read_text() != text
        prefect_yml = project.path / "conf" / "base" / "prefect.yml"
        registered = prefect_yml.read_text()
        project.write_conf("base", "prefect", {"flows": {"chain": {"retries": {"max_retries": 2}}}})
        assert prefect_yml.read_text() != registered
        project.clean()
        with prefect_api.agent(url, home, log):
            run = prefect_api.finished_run(url, prefect_api.start_run(url, "chain"), log)
        assert run["state"] == "Success", run["state_message"]
        (warning,) = [line for line in run["logs"] if line["level"] == "WARNING"]
        assert "Flow 'chain' is not what was registered: retries of " in warning["message"]
        assert "0 registered, 2 here" in warning["message"]
        prefect_yml.write_text(registered)
        after = collect_outputs(project)
        assert after != before
        result = kedro(project, "run", "--env", "deploy", ok=True)
        assert "unchanged" in result.stdout
        assert collect_outputs(project) == after


def test_flow_runs_use_another_configuration_source_too(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    pytest.importorskip("kedro", minversion="0.18.3")
    project = scenarios.traps(tmp_path / "traps", prefect={"flows": {"some": {"pipeline": "parameters"}}})
    project.write_conf("deploy", "parameters", {})
    elsewhere = tmp_path / "elsewhere"
    (project.path / "conf").rename(elsewhere)
    (project.path / "conf" / "base").mkdir(parents=True)
    (project.path / "conf" / "local").mkdir()
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        arguments = ("--env", "deploy", "--pipeline", "parameters", "--conf-source", str(elsewhere))
        kedro(project, "run", *arguments, ok=True)
        before = collect_outputs(project)
        project.clean()
        with prefect_api.agent(url, home, log):
            run = prefect_api.finished_run(url, prefect_api.start_run(url, "some"), log)
    assert run["state"] == "Success", run["state_message"]
    assert collect_outputs(project) == before
