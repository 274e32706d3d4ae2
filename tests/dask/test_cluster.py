"""DaskExecutor on clusters of every kind gives what a plain `kedro run` gives."""

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
    """The project with one flow, called `flow`, on this executor."""
    project.write_conf("base", "prefect", {"flows": {"flow": {"executor": executor, **settings}}})
    return project


def on(cluster: Any) -> dict[str, Any]:
    return {"type": "DaskExecutor", "address": cluster.address}


def test_the_traps_on_workers_that_know_the_installed_packages_only(
    tmp_path: Path, kedro: Callable[..., Any], cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    project = scenarios.traps(tmp_path / "traps")
    kedro(project, "run", ok=True)
    outputs, counts = collect_outputs(project), hook_counts(project)
    found = cluster(a=None, b=None)
    with_flow(project, on(found))
    for _ in range(2):  # the second run finds workers that have run another
        project.clean()
        run_flow(project)
        assert collect_outputs(project) == outputs
        assert hook_counts(project) == counts
        check_hook_order(hook_calls(project))
    ran = {call["pid"] for call in hook_calls(project) if call["hook"] == "before_node_run"}
    assert ran <= set(found.pids()), "nodes run on the workers, and nowhere else"


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


def test_a_tag_keeps_a_node_to_the_workers_that_have_the_resource(
    tmp_path: Path, cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    found = cluster(plain=None, gpu="GPU=1")
    nodes = {f"step_{i}": {"tags": ["dask-resource:GPU=1"]} for i in range(4)}
    project = with_flow(scenarios.fan(tmp_path / "fan", 8), on(found), nodes=nodes)
    run_flow(project)
    assert collect_outputs(project)["total.json"] == 16
    name_of = found.pids()
    where = {
        call["node"]: name_of[call["pid"]]
        for call in hook_calls(project)
        if call["hook"] == "before_node_run"
    }
    assert {where[name] for name in nodes} == {"gpu"}


def test_a_project_that_is_not_on_the_worker_s_machine_is_said_to_be_missing(
    tmp_path: Path, cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    found = cluster()
    elsewhere = str(tmp_path / "not_here")
    found.start_worker("a", KEDRO_PREFECT_PROJECT=elsewhere)
    found.wait_for_workers()
    project = with_flow(scenarios.chain(tmp_path / "chain", 3), on(found))
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
    # what the worker's memory holds of this flow run's tasks, and how many values are in it
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


def test_workers_let_go_of_what_no_task_waits_for(
    tmp_path: Path, cluster: Callable[..., Any], run_flow: Callable[..., Any]
) -> None:
    end = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}
    project = make_project(tmp_path / "frames", pipelines=PIPELINES, catalog=end)
    # Each frame goes to the other worker, and the last node looks at the one that made every second frame.
    tags = {f"node_{i}": {"tags": [f"dask-resource:{'AB'[i % 2]}=1"]} for i in range(6)}
    nodes = {**tags, "last": {"tags": ["dask-resource:B=1"]}}
    with_flow(project, on(cluster(a="A=1", b="B=1")), nodes=nodes)
    run_flow(project)
    assert collect_outputs(project)["end.json"] == {"held": 1, "value": 6.0}


def test_dask_is_told_how_much_a_state_holds() -> None:
    import numpy as np
    from dask.sizeof import sizeof
    from prefect.engine.state import Failed, Success

    from kedro_prefect_hooks.flows.dask_futures import register_state_sizeof, without_values
    from kedro_prefect_hooks.runs.outputs import KEPT, Outputs

    register_state_sizeof()
    full = Success(result=Outputs("node", {"frame": np.ones(1_000_000)}, {"frame": KEPT}))
    assert 8_000_000 < sizeof(full) < 8_010_000
    assert sizeof(without_values(full)) < 10_000
    assert full.result.names() == ["frame"], "the state itself keeps what it has"
    failed = Failed("no", result=ValueError("no"))
    assert without_values(failed) is failed
    assert sizeof(failed) < 10_000
