"""kedro-mlflow where nodes run in other processes than the flow run: what docs/how-to says of it."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from tests.docs.pages import blocks
from tests.plugins.tracked import Tracking, tracked
from tests.scenarios.project_factory import Project, run_kedro

pytest.importorskip("kedro_mlflow", reason="kedro-mlflow is not installed: install the extra [plugins]")

PROCESSES = {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2}
THREADS = {"type": "LocalDaskExecutor", "scheduler": "threads", "num_workers": 2}
DASK = {"type": "DaskExecutor", "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1}}
FLOWS = {
    "processes": {"executor": PROCESSES},
    "dask": {"executor": DASK},
    "timeouts": {"executor": THREADS, "nodes": {"train_left": {"timeout": 200}}},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return tracked(tmp_path_factory.mktemp("plain") / "project", prefect={"flows": FLOWS})


@pytest.fixture(scope="module")
def with_hook(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has the hook of the documentation's page."""
    (hook,) = (block.text for block in blocks("python") if "class MlflowInWorkers" in block.text)
    made = tracked(
        tmp_path_factory.mktemp("hook") / "project",
        prefect={"flows": FLOWS},
        settings="\nfrom .tracking import MlflowInWorkers\n\nHOOKS = (*HOOKS, MlflowInWorkers())\n",
    )
    made.write(f"src/{made.package}/tracking.py", hook)
    return made


def run_flow(project: Project, name: str) -> list[Any]:
    tracking = Tracking(project)
    tracking.new_runs()
    result = run_kedro(project, "prefect", "run", name, "--local")
    assert result.returncode == 0, result.stdout
    return tracking.new_runs()


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="needs processes that are forked")
def test_forked_processes_need_nothing_more(plain: Project) -> None:
    (run,) = run_flow(plain, "processes")
    run.check_complete()
    assert len({place.split("-")[0] for place in run.ran_in}) == 2, "in two processes"


@pytest.mark.parametrize("name", ["dask", "timeouts"])
def test_the_documented_hook_finds_the_run(with_hook: Project, name: str) -> None:
    (run,) = run_flow(with_hook, name)
    run.check_complete()
