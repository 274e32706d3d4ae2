"""Generated projects and commands end as with Kedro's own runner, on every executor, or are refused.

A fixed selection; `make fuzz` runs as many others as one likes.
"""

from __future__ import annotations

import copy
import os
from typing import Any, Dict, Iterator, List

import pytest

from tests.differential.cases import (
    AGENT,
    DASK,
    HAS_PARTITIONS,
    LOCAL,
    PROCESSES,
    THREADS,
    TIMEOUTS,
    Case,
    Choices,
    case_named,
    draw_case,
)
from tests.differential.compare import verdict
from tests.differential.driver_process import DriverProcess
from tests.scenarios.project_factory import KEDRO

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the driver's pipes are read with select()"),
    pytest.mark.skipif(KEDRO < (0, 18, 1), reason="sessions of Kedro 0.17 are one per process"),
]

BATCHES = [
    (LOCAL, 1, 40),
    (THREADS, 1, 20),
    (DASK, 1, 16),
    (PROCESSES, 1, 4),
    (TIMEOUTS, 1, 2),
    (AGENT, 1, 4),
]


@pytest.fixture
def driver() -> Iterator[DriverProcess]:
    process = DriverProcess()
    yield process
    process.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("executor", "seed", "count"), BATCHES, ids=str)
def test_what_is_left_is_what_kedro_leaves(
    driver: DriverProcess, executor: str, seed: int, count: int
) -> None:
    compared = 0
    for number in range(count):
        name = f"{executor}-{seed}-{number}"
        case = case_named(name)
        sides = driver.run(case)
        found = verdict(case, sides)
        assert not found.differences, f"make fuzz CASE={name}\n" + "\n".join(found.differences)
        compared += found.refused is None and bool(sides["ours"]["runs"][0]["files"])
    assert compared > count / 2, "most cases must get as far as a result"


FAILS_ONCE = {"node": "n1", "how": "ValueError", "times": 1}


def simplest(executor: str, nodes: List[Dict[str, Any]], kinds: Dict[str, str], **changed: Any) -> Case:
    """The simplest case with these nodes and datasets, of which those that no node makes have data."""
    case = draw_case(Choices(None), executor)
    made = {name for node in nodes for name in node.get("outputs", ())}
    plain = {**case["nodes"][0], "inputs": [], "outputs": []}
    datasets = {name: {"kind": kind, "raw": name not in made} for name, kind in kinds.items()}
    for dataset in datasets.values():
        dataset["seeded"] = dataset["raw"]
    return {**case, "nodes": [{**plain, **node} for node in nodes], "datasets": datasets, **changed}


@pytest.mark.skipif(not HAS_PARTITIONS, reason="needs kedro-datasets")
def test_what_another_node_has_confirmed_is_loaded_in_another_process(driver: DriverProcess) -> None:
    """Which of two processes runs a node is open, so there are several that load late."""
    first = {"name": "first", "inputs": ["d0"], "outputs": ["d9"], "confirms": ["d0"]}
    chain = [{"name": f"n{place}", "inputs": [f"d{place}"], "outputs": [f"d{place + 1}"]} for place in (1, 2)]
    late = [
        {"name": f"late{place}", "inputs": ["d0", "d3"], "outputs": [f"d{place}"]}
        for place in (4, 5, 6, 7, 8)
    ]
    kinds = {"d0": "incremental", **{f"d{place}": "json" for place in range(1, 10)}}
    case = simplest(PROCESSES, [first, *chain, *late], kinds, through="flow")
    assert not verdict(case, driver.run(case)).differences


@pytest.mark.skipif(not HAS_PARTITIONS, reason="needs kedro-datasets")
def test_a_group_that_is_tried_again_in_another_process_loads_what_it_has_confirmed(
    driver: DriverProcess,
) -> None:
    nodes = [
        {"name": "n0", "inputs": ["d0"], "outputs": ["d1"], "confirms": ["d0"]},
        {"name": "n1", "inputs": ["d1"], "outputs": ["d2"]},
    ]
    kinds = {"d0": "incremental", "d1": "memory", "d2": "json"}
    case = simplest(TIMEOUTS, nodes, kinds, through="flow", group_by="memory", failure=FAILS_ONCE, retries=1)
    assert not verdict(case, driver.run(case)).differences


@pytest.mark.parametrize("executor", [PROCESSES, DASK, TIMEOUTS])
@pytest.mark.parametrize("how", ["unreadable", "lock"])
def test_an_exception_that_stays_in_its_process(driver: DriverProcess, executor: str, how: str) -> None:
    failure = {"node": "n0", "how": how, "times": None}
    case = simplest(
        executor, [{"name": "n0", "outputs": ["d0"]}], {"d0": "json"}, failure=failure, through="flow"
    )
    assert not verdict(case, driver.run(case)).differences


def test_the_comparison_can_fail(driver: DriverProcess) -> None:
    case = draw_case(Choices(None), LOCAL)
    sides = driver.run(case)
    assert not verdict(case, sides).differences

    def differs(change: Any) -> bool:
        changed: Dict[str, Any] = copy.deepcopy(sides)
        change(changed["ours"]["runs"][0])
        return bool(verdict(case, changed).differences)

    assert differs(lambda run: run["files"].update(extra="1"))
    assert differs(lambda run: run["files"].pop(next(iter(run["files"]))))
    assert differs(lambda run: run["hooks"].pop())
    assert differs(lambda run: run["hooks"].append(run["hooks"][1]))
    assert differs(lambda run: run.update(exit=1))
    assert differs(
        lambda run: run.update(exit=1, hooks=[], output="Tasks in other processes cannot use the dataset")
    )


def test_the_comparison_of_a_restart_can_fail(driver: DriverProcess) -> None:
    nodes = [{"name": "n0", "outputs": ["d0"]}, {"name": "n1", "inputs": ["d0"], "outputs": ["d1"]}]
    kinds = {"d0": "memory", "d1": "versioned"}
    case = simplest(LOCAL, nodes, kinds, through=AGENT, failure=FAILS_ONCE, restart=True, result=True)
    sides = driver.run(case)
    found = verdict(case, sides)
    assert not found.differences and not found.refused
    assert len(sides["ours"]["runs"][0]["attempts"]) == 1

    def differs(change: Any) -> bool:
        changed: Dict[str, Any] = copy.deepcopy(sides)
        change(changed["ours"]["runs"][0])
        return bool(verdict(case, changed).differences)

    assert differs(lambda run: run["files"].update({"d1.json/version 2/d1.json": "1"}))
    assert differs(lambda run: run.update(exit=1))
    assert differs(lambda run: run["hooks"].pop())
    assert differs(lambda run: run["hooks"].insert(-1, {"hook": "after_node_run", "node": "n1", "sum": 0}))
    assert differs(lambda run: run["attempts"][0]["hooks"].pop())
    assert differs(lambda run: run["attempts"].insert(0, run["attempts"][0]))


@pytest.mark.skipif(not HAS_PARTITIONS, reason="needs kedro-datasets")
def test_a_restart_does_not_load_past_a_checkpoint(driver: DriverProcess) -> None:
    nodes = [
        {"name": "n0", "inputs": ["d0"], "outputs": ["d1"], "confirms": ["d0"]},
        {"name": "n1", "outputs": ["d2"]},
        {"name": "n2", "inputs": ["d0", "d2"], "outputs": ["d3"]},
    ]
    kinds = {"d0": "incremental", "d1": "json", "d2": "json", "d3": "json"}
    case = simplest(LOCAL, nodes, kinds, through=AGENT, failure=FAILS_ONCE, restart=True)
    found = verdict(case, driver.run(case))
    assert not found.differences
    assert found.refused == "a restart that would load past a checkpoint"


@pytest.mark.parametrize("way", ["runner", "flow"])
def test_a_run_after_a_failed_one(driver: DriverProcess, way: str) -> None:
    """The flow goes on with `n2` after the failure, so its second run finds a version more than Kedro's."""
    nodes = [
        {"name": "n0", "outputs": ["d0"]},
        {"name": "n1", "inputs": ["d0"], "outputs": ["d1"]},
        {"name": "n2", "inputs": ["d0"], "outputs": ["d2"]},
    ]
    kinds = {"d0": "versioned", "d1": "json", "d2": "versioned"}
    case = simplest(LOCAL, nodes, kinds, through=way, failure=FAILS_ONCE, again=True)
    sides = driver.run(case)
    assert not verdict(case, sides).differences
    assert [run["exit"] for run in sides["ours"]["runs"]] == [1, 0]
    versions = {name.split("/")[0] for name in sides["ours"]["runs"][1]["files"] if "version 2" in name}
    assert versions == ({"d0.json", "d2.json"} if way == "flow" else {"d0.json"})
    sides["ours"]["runs"][1]["files"].pop("d1.json")
    assert verdict(case, sides).differences


def test_a_process_that_ends_is_a_difference(driver: DriverProcess) -> None:
    case = draw_case(Choices(None), LOCAL)
    driver.run(case)
    assert driver._process is not None
    driver._process.kill()
    assert verdict(case, driver.run(case)).differences
    assert not verdict(case, driver.run(case)).differences, "the next case has a new process"
