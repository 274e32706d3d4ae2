"""`kedro run --runner kedro_prefect_hooks.PrefectRunner` does what Kedro's own runners do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.scenarios import scenarios
from tests.scenarios.project_factory import (
    Project,
    check_hook_order,
    collect_outputs,
    hook_calls,
    hook_counts,
    run_code,
)

RUNNER = ("--runner", "kedro_prefect_hooks.PrefectRunner")
EXECUTORS: list[dict[str, Any]] = [
    {"type": "LocalExecutor"},
    {"type": "LocalDaskExecutor", "scheduler": "threads"},
    {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2},
    {"type": "DaskExecutor", "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1}},
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Any]:
    """Outputs and hook calls of the traps project with SequentialRunner."""
    from tests.scenarios.project_factory import run_kedro

    project = scenarios.traps(tmp_path_factory.mktemp("plain") / "traps", package="the_traps")
    assert run_kedro(project, "run", home=tmp_path_factory.mktemp("home")).returncode == 0
    return collect_outputs(project), hook_counts(project)


@pytest.mark.parametrize("group_by", ["none", "memory"])
@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda e: e.get("scheduler", e["type"]))
def test_the_traps_project_on_every_executor(
    tmp_path: Path, kedro: Callable[..., Any], plain: Any, executor: dict[str, Any], group_by: str
) -> None:
    settings = {"defaults": {"executor": executor, "group_by": group_by}, "flows": {"all": {}}}
    project = scenarios.traps(tmp_path / "traps", prefect=settings, package="the_traps")
    kedro(project, "run", *RUNNER, ok=True)
    assert collect_outputs(project) == plain[0]
    assert hook_counts(project) == plain[1]
    check_hook_order(hook_calls(project))


def test_without_a_prefect_yml_and_with_filters(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = scenarios.failing(tmp_path / "failing")
    result = kedro(project, "run", *RUNNER, "--to-nodes", "second", ok=True)
    assert (project.data / "attempts.txt").read_text().split() == ["first", "second"]
    assert result.stdout.count("Task 'second': Finished") == 1, "each line is printed once"


@pytest.mark.parametrize("executor", EXECUTORS[:3], ids=lambda e: e.get("scheduler", e["type"]))
def test_a_failing_node_raises_its_own_exception(
    tmp_path: Path, kedro: Callable[..., Any], executor: dict[str, Any]
) -> None:
    settings = {"defaults": {"executor": executor}, "flows": {"all": {}}}
    project = scenarios.failing(tmp_path / "failing", prefect=settings)
    project.break_node("second")
    result = kedro(project, "run", *RUNNER)
    assert result.returncode == 1
    assert "ValueError: second is broken" in result.stdout
    assert [call["hook"] for call in hook_calls(project)].count("on_pipeline_error") == 1
    assert "third" not in (project.data / "attempts.txt").read_text()


def test_failed_tasks_wait_for_their_retries(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    registry = """
from pathlib import Path

from kedro.pipeline import Pipeline, node

TRIES = Path(__file__).resolve().parents[2] / "data" / "tries.txt"


def shaky():
    TRIES.parent.mkdir(exist_ok=True)
    with TRIES.open("a") as file:
        file.write("x")
    if len(TRIES.read_text()) < 3:
        raise ValueError("not yet")
    return {"after": len(TRIES.read_text())}


def register_pipelines():
    return {"__default__": Pipeline([node(shaky, None, "end", name="shaky")])}
"""
    from tests.scenarios.project_factory import make_project

    project = make_project(
        tmp_path / "shaky",
        pipelines=registry,
        catalog={"end": {"type": "JsonDataset", "filepath": "data/end.json"}},
        prefect={"defaults": {"retries": {"max_retries": 3, "retry_delay": 1}}, "flows": {"all": {}}},
    )
    kedro(project, "run", *RUNNER, ok=True)
    assert collect_outputs(project)["end.json"] == {"after": 3}


def test_an_unpicklable_value_between_processes_is_explained(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    settings: dict[str, Any] = {"defaults": {"executor": EXECUTORS[2]}, "flows": {"all": {}}}
    project: Project = scenarios.unpicklable(tmp_path / "unpicklable", prefect=settings)
    result = kedro(project, "run", *RUNNER)
    text = " ".join(result.stdout.split())
    assert result.returncode == 1
    assert "cannot be passed to another process" in text
    assert "group_by: memory" in text
    settings["defaults"]["group_by"] = "memory"
    project.write_conf("base", "prefect", settings)
    kedro(project, "run", *RUNNER, ok=True)
    settings["defaults"] = {"executor": EXECUTORS[1]}
    project.write_conf("base", "prefect", settings)
    kedro(project, "run", *RUNNER, ok=True)


def test_it_returns_what_sequential_runner_returns(tmp_path: Path, home: Path) -> None:
    project = scenarios.traps(tmp_path / "traps")
    code = """
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.runner import SequentialRunner
from kedro_prefect_hooks import PrefectRunner
from prefect.executors import LocalDaskExecutor

bootstrap_project(Path.cwd())


def loaded(result):
    return {name: value.load() if hasattr(value, "load") else value for name, value in result.items()}


results = []
for runner in (SequentialRunner(), PrefectRunner(), PrefectRunner(executor=LocalDaskExecutor())):
    with KedroSession.create(project_path=Path.cwd()) as session:
        results.append(loaded(session.run(pipeline_name="shapes", runner=runner)))
assert results[0].keys() == results[1].keys() == results[2].keys(), results
assert results[0] and repr(results[0]) == repr(results[1]) == repr(results[2]), results
"""
    run_code(project, home, code)
