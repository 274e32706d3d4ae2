"""DaskExecutor has the results of a plain `kedro run` on every kind of cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.scenarios import scenarios
from tests.scenarios.project_factory import (
    Project,
    check_hook_order,
    collect_outputs,
    hook_calls,
    hook_counts,
    make_project,
)


def with_flow(project: Project, executor: dict[str, Any], **settings: Any) -> Project:
    """Declare one flow, named `flow`, that uses this executor."""
    project.write_conf("base", "prefect", {"flows": {"flow": {"executor": executor, **settings}}})
    return project


def executor_on(cluster: Any) -> dict[str, Any]:
    return {"type": "DaskExecutor", "address": cluster.address}


def test_the_traps_project_on_workers_with_only_installed_packages(
    tmp_path: Path, kedro: Callable[..., Any], cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    project = scenarios.traps(tmp_path / "traps")
    kedro(project, "run", ok=True)
    outputs, counts = collect_outputs(project), hook_counts(project)
    made = cluster(a=None, b=None)
    with_flow(project, executor_on(made))
    for _ in range(2):  # the workers of the second run have run the first
        project.clean()
        run_flow(project)
        assert collect_outputs(project) == outputs
        assert hook_counts(project) == counts
        check_hook_order(hook_calls(project))
    ran = {call["pid"] for call in hook_calls(project) if call["hook"] == "before_node_run"}
    assert ran <= set(made.pids()), "nodes run on the workers, and nowhere else"


def test_an_adaptive_cluster(tmp_path: Path, run_flow: Callable[..., Any]) -> None:
    project = with_flow(
        scenarios.fan(tmp_path / "fan", 6),
        {
            "type": "DaskExecutor",
            "cluster_kwargs": {"n_workers": 0, "threads_per_worker": 1, "dashboard_address": None},
            "adapt_kwargs": {"minimum": 0, "maximum": 2},
        },
    )
    run_flow(project)
    assert collect_outputs(project)["total.json"] == 12


def test_a_tag_restricts_a_node_to_workers_with_the_resource(
    tmp_path: Path, cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    made = cluster(plain=None, gpu="GPU=1")
    nodes = {f"step_{i}": {"tags": ["dask-resource:GPU=1"]} for i in range(4)}
    project = with_flow(scenarios.fan(tmp_path / "fan", 8), executor_on(made), nodes=nodes)
    run_flow(project)
    assert collect_outputs(project)["total.json"] == 16
    worker_names = made.pids()
    workers = {
        call["node"]: worker_names[call["pid"]]
        for call in hook_calls(project)
        if call["hook"] == "before_node_run"
    }
    assert {workers[name] for name in nodes} == {"gpu"}


def test_a_project_missing_on_the_workers_machine_is_reported(
    tmp_path: Path, cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    made = cluster()
    elsewhere = str(tmp_path / "not_here")
    made.start_worker("a", KEDRO_PREFECT_PROJECT=elsewhere)
    made.wait_for_workers()
    project = with_flow(scenarios.chain(tmp_path / "chain", 3), executor_on(made))
    result = run_flow(project, ok=False)
    assert result.returncode == 1
    assert f"The Kedro project is not on this machine: there is none at {elsewhere}" in result.stdout


PIPELINES = """
import time

import numpy as np
from distributed import get_worker
from kedro.pipeline import Pipeline, node


def make():
    return np.ones(100_000)


def step(values):
    return values + 1


def held():
    # how many values of this flow run's tasks are in the worker's memory
    states = [state for state in list(get_worker().data.values()) if hasattr(state, "result")]
    return sum(len(state.result.names()) for state in states if hasattr(state.result, "names"))


def last(values):
    end = time.monotonic() + 20
    while held() > 1 and time.monotonic() < end:
        time.sleep(0.1)
    return {"held": held(), "value": float(values[0])}


def register_pipelines():
    nodes = [node(make, None, "frame_0", name="node_0")]
    for i in range(1, 6):
        nodes.append(node(step, f"frame_{i - 1}", f"frame_{i}", name=f"node_{i}"))
    nodes.append(node(last, "frame_5", "end", name="last"))
    return {"__default__": Pipeline(nodes)}
"""


def test_workers_release_data_that_no_task_needs(
    tmp_path: Path, cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    end = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}
    project = make_project(tmp_path / "frames", pipelines=PIPELINES, catalog=end)
    # Each frame goes to the other worker, and the last node inspects the one that made every second frame.
    tags = {f"node_{i}": {"tags": [f"dask-resource:{'AB'[i % 2]}=1"]} for i in range(6)}
    nodes = {**tags, "last": {"tags": ["dask-resource:B=1"]}}
    with_flow(project, executor_on(cluster(a="A=1", b="B=1")), nodes=nodes)
    run_flow(project)
    assert collect_outputs(project)["end.json"] == {"held": 1, "value": 6.0}


def test_dask_knows_the_size_of_a_states_data() -> None:
    import numpy as np
    from dask.sizeof import sizeof
    from prefect.engine.state import Failed, Success

    from kedro_prefect_hooks.flows.dask_futures import register_state_sizeof, without_values
    from kedro_prefect_hooks.runs.outputs import KEPT, Outputs

    register_state_sizeof()
    full = Success(result=Outputs("node", {"frame": np.ones(1_000_000)}, {"frame": KEPT}))
    assert 8_000_000 < sizeof(full) < 8_010_000
    assert sizeof(without_values(full)) < 10_000
    assert full.result.names() == ["frame"], "the state itself keeps its data"
    failed = Failed("no", result=ValueError("no"))
    assert without_values(failed) is failed
    assert sizeof(failed) < 10_000
