"""kedro-mlflow beside our hook: one MLflow run for one flow run, with what its nodes have logged."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests import prefect_api
from tests.plugins.tracked import PARAMS, Tracking, tracked
from tests.scenarios.project_factory import Project, run_kedro

pytest.importorskip("kedro_mlflow", reason="kedro-mlflow is not installed: install the extra [plugins]")

THREADS = {"type": "LocalDaskExecutor", "scheduler": "threads", "num_workers": 4}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = tracked(
        tmp_path_factory.mktemp("mlflow") / "project",
        prefect={
            "defaults": {"executor": THREADS, "retries": {"max_retries": 1, "retry_delay": 1}},
            "flows": {
                "threads": {},
                "in-order": {"executor": {"type": "LocalExecutor"}},
            },
        },
    )
    made.write_conf("deploy", "parameters", {})
    return made


@pytest.fixture(scope="module")
def tracking(project: Project) -> Tracking:
    return Tracking(project)


@pytest.fixture(scope="module")
def registered(project: Project, tracking: Tracking) -> Iterator[tuple[str, str]]:
    """The API's address, and what `kedro run --env deploy` has printed."""
    with prefect_api.api(project) as url:
        result = run_kedro(project, "run", "--env", "deploy")
        assert result.returncode == 0, result.stdout
        yield url, result.stdout


def test_registering_tracks_nothing_but_kedros_own_run(
    registered: tuple[str, str], tracking: Tracking
) -> None:
    assert "new         threads" in registered[1], registered[1]
    runs = tracking.new_runs()
    assert [run.tags["runner"].split(".")[-1].split(" ")[0] for run in runs] == ["SequentialRunner"]
    runs[0].check_complete()


def test_flow_runs_of_an_agent(
    project: Project, registered: tuple[str, str], tracking: Tracking, tmp_path: Path
) -> None:
    """Side by side in one store: in order and in threads."""
    url, log = registered[0], tmp_path / "agent.log"
    tracking.new_runs()
    with prefect_api.agent(url, tmp_path, log):
        started = [prefect_api.start_run(url, name) for name in ("in-order", "threads")]
        ended = [prefect_api.finished_run(url, run, log, timeout=240) for run in started]
    assert [run["state"] for run in ended] == ["Success", "Success"], ended
    runs = {run.tags["runner"]: run for run in tracking.new_runs()}
    assert sorted(runs) == ["LocalDaskExecutor", "LocalExecutor"]
    for run in runs.values():
        run.check_complete()
        assert run.tags["env"] == "deploy"
    assert len(runs["LocalExecutor"].ran_in) == 1
    assert len(runs["LocalDaskExecutor"].ran_in) == 2, "in two threads"


def test_a_retried_node_opens_no_other_run(project: Project, tracking: Tracking) -> None:
    tracking.new_runs()
    project.write("data/flaky.txt", "")
    result = run_kedro(project, "prefect", "run", "threads", "--local")
    assert result.returncode == 0, result.stdout
    assert "Retrying" in result.stdout
    (run,) = tracking.new_runs()
    run.check_complete()
    assert len(run.ran_in) == 2, "in two threads"


def test_a_failed_flow_run_is_a_failed_run(project: Project, tracking: Tracking) -> None:
    tracking.new_runs()
    project.write("data/broken.txt", "")
    try:
        result = run_kedro(project, "prefect", "run", "threads", "--local")
    finally:
        (project.data / "broken.txt").unlink()
    assert result.returncode == 1, result.stdout
    assert "compare: ValueError('compare is broken')" in result.stdout
    (run,) = tracking.new_runs()
    assert run.status == "FAILED"
    assert run.params == PARAMS
    assert "difference" not in run.metrics and "logged_by_train_left" in run.metrics


def test_prefect_runner(project: Project, tracking: Tracking) -> None:
    tracking.new_runs()
    result = run_kedro(project, "run", "--runner", "kedro_prefect_hooks.PrefectRunner")
    assert result.returncode == 0, result.stdout
    (run,) = tracking.new_runs()
    run.check_complete()
    assert "PrefectRunner" in run.tags["runner"]
    assert len(run.ran_in) == 2, "in two threads"
