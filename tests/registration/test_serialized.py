"""Our linear serialization gives the same result as Prefect's."""

from __future__ import annotations

import datetime
from typing import Any, Callable

import prefect
import pytest
from prefect import Flow, Parameter, task
from prefect.run_configs import LocalRun, UniversalRun
from prefect.schedules import CronSchedule
from prefect.storage import Local, Module
from prefect.triggers import all_finished, some_failed

from kedro_prefect_hooks.errors import ConfigError
from kedro_prefect_hooks.registration.serialized import serialized
from tests.calls import counted
from tests.registration.conftest import NODES, Site, node_chain

FLOW = str(prefect.core.flow.__file__)


@task(max_retries=2, retry_delay=datetime.timedelta(minutes=1), tags=["b", "a"])
def add(x: int, y: int = 1) -> int:
    return x + y


@task(trigger=some_failed(at_least=1, at_most=0.5), cache_for=datetime.timedelta(hours=1))
def clean_up() -> None:
    pass


class Custom(prefect.Task):
    def run(self, value: Any = 3, **named: Any) -> str:  # type: ignore[override]
        return str(value)


def functions() -> Flow:
    with Flow("functions", schedule=CronSchedule("0 6 * * *"), run_config=LocalRun(env={"A": "b"})) as flow:
        x = Parameter("x", default={"deep": [1, 2.5, None]})
        total = add(x, y=Parameter("y"))
        mapped = add.map([total, x])
        end = Custom(name="end", trigger=all_finished)(value=mapped)
        done = clean_up(upstream_tasks=[end])
        flow.set_reference_tasks([done, total])
    flow.storage = Module("some.module")
    return flow


def with_slugs() -> Flow:
    tasks = [Custom(name="same", slug=f"same {number}", timeout=number + 1) for number in range(3)]
    flow = Flow("slugs", tasks=tasks, run_config=UniversalRun(labels=["b", "a"]))
    flow.add_edge(tasks[0], tasks[2], key="value")
    flow.add_edge(tasks[1], tasks[2])
    flow.storage = Local(add_default_labels=False)
    return flow


@pytest.mark.parametrize("make", [functions, with_slugs, lambda: Flow("empty")])
def test_flows_are_serialized_as_by_prefect(make: Callable[[], Flow]) -> None:
    flow = make()
    assert serialized(flow) == flow.serialize(build=False)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"parameters": ["model.test_size", "model.depth"], "schedule": {"interval": "1h"}},
        {"group_by": "memory", "retries": {"max_retries": 3}},
        {"nodes": {"train_model": {"timeout": 60, "tags": ["gpu"]}}, "labels": ["a"]},
    ],
)
def test_project_flows_are_serialized_as_by_prefect(site: Site, settings: dict[str, Any]) -> None:
    site.nodes([*NODES, *node_chain(5)])
    site.flow(**settings)
    flow = site.flows().build("flights")
    assert serialized(flow) == flow.serialize(build=False)


def test_cost_is_proportional_to_the_number_of_tasks(site: Site) -> None:
    """Prefect's serialization takes a minute for a chain of 2,000 of its own tasks.

    The reason is that a flow compares itself with a copy of itself whenever it returns the edges of a task.
    That is set arithmetic, which calls no functions, so the number of calls to the flow must not grow at all.
    """
    calls: list[int] = []
    flow_calls: list[int] = []
    flow_calls_by_prefect: list[int] = []
    for length in (50, 100, 150):
        site.nodes(node_chain(length))
        flow = site.flows().build("flights")
        serialized(flow)  # warm up imports and caches
        calls.append(counted(lambda flow=flow: serialized(flow)))
        flow_calls.append(counted(lambda flow=flow: serialized(flow), of=FLOW))
        flow_calls_by_prefect.append(counted(lambda flow=flow: flow.serialize(build=False), of=FLOW))

    once, twice, thrice = calls
    assert thrice - twice == pytest.approx(twice - once, rel=0.05), (
        "each task costs as much as the one before"
    )
    assert flow_calls[0] == flow_calls[1] == flow_calls[2]
    assert flow_calls_by_prefect[0] < flow_calls_by_prefect[1] < flow_calls_by_prefect[2]


def test_a_class_that_the_api_does_not_support_is_rejected_by_name() -> None:
    class MyStorage(prefect.storage.Module):
        pass

    flow = prefect.Flow("mine", storage=MyStorage("somewhere"))
    with pytest.raises(ConfigError, match=r"flows\.mine\.storage\.type: .*MyStorage.*Module"):
        serialized(flow)
