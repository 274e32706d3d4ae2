"""Generated projects and commands end as with Kedro's own runner, on every executor, or are refused.

A fixed selection; `make fuzz` runs as many others as one likes.
"""

from __future__ import annotations

import copy
import os
from typing import Any, Dict, Iterator, List

import pytest

from tests.differential.cases import (
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
    (LOCAL, 2, 40),
    (THREADS, 1, 30),
    (DASK, 1, 16),
    (PROCESSES, 1, 4),
    (TIMEOUTS, 1, 2),
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


def test_a_process_that_ends_is_a_difference(driver: DriverProcess) -> None:
    case = draw_case(Choices(None), LOCAL)
    driver.run(case)
    assert driver._process is not None
    driver._process.kill()
    assert verdict(case, driver.run(case)).differences
    assert not verdict(case, driver.run(case)).differences, "the next case has a new process"
