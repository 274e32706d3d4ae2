"""What is in memory is released with its last consumer, also where one of several inputs cannot be had."""

from __future__ import annotations

from typing import Any

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from prefect.engine.state import Retrying, Success

from kedro_prefect_hooks.compat import kedro_catalog, kedro_datasets
from kedro_prefect_hooks.flows.tasks import NodeTask
from kedro_prefect_hooks.runs.node_runner import NodeRunner
from kedro_prefect_hooks.runs.outputs import Outputs
from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec

try:
    from kedro.io import CachedDataset
except ImportError:  # Kedro before 0.18.12
    from kedro.io import CachedDataSet as CachedDataset


class Upstream:
    """An edge from a task, as far as a task's end looks at it."""


def fails() -> None:
    raise ValueError("cannot be computed again")


def hooks() -> Any:
    from kedro.framework.hooks.manager import _NullPluginManager

    return _NullPluginManager()


def test_nothing_stays_in_the_catalog_when_an_input_cannot_be_had() -> None:
    pipeline = Pipeline(
        [
            node(lambda: 1, None, "a_first", name="first"),
            node(fails, None, "b_second", name="second"),
            node(lambda a, b: None, ["a_first", "b_second"], "end", name="both"),
        ]
    )
    spec = RunSpec(ProjectRef(path=""), "run", "session")
    runner = NodeRunner(spec, DataCatalog(), hooks(), pipeline)
    handle = Outputs("first", {"a_first": [1]}, {"a_first": 1})
    with pytest.raises(ValueError, match="computed again"):
        runner.run_nodes(["both"], [handle], {})
    for name in ("a_first", "b_second"):
        assert not kedro_datasets.has_value(kedro_catalog.dataset(runner.catalog, name)), name
    assert handle.names() == ["a_first"], "a retry may still have it"


def test_a_cache_that_was_lost_in_a_restart_is_made_again() -> None:
    made: list[str] = []
    cached = CachedDataset(dataset=kedro_datasets.MemoryDataset())
    pipeline = Pipeline(
        [
            node(lambda: made.append("first") or 1, None, "cached", name="first"),
            node(lambda value: [value], "cached", "end", name="second"),
            node(lambda value: [value], "cached", "other", name="third"),
        ]
    )
    spec = RunSpec(ProjectRef(path=""), "run", "session")
    runner = NodeRunner(spec, DataCatalog({"cached": cached}), hooks(), pipeline)
    for name, output in (("second", "end"), ("third", "other")):
        assert runner.run_nodes([name], [], {output: 1}).value(output) == [1]
    assert made == ["first"], "once, and not while the cache has it"


def test_a_task_that_has_ended_releases_its_inputs() -> None:
    task = NodeTask(["both"], {}, inputs_of_nodes=["a"], name="both")
    handle = Outputs("first", {"a": [1], "other": 2}, {"a": 1, "other": 1})
    task.ended(Success(), {Upstream(): Success(result=handle)}, None)  # type: ignore[dict-item]
    assert handle.names() == ["other"]


def test_a_long_wait_for_a_retry_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.engine.task_runner import TaskRunner

    from kedro_prefect_hooks.flows.task_runners import NodeTaskRunner

    # a delay of more than ten minutes: against an API the task run ends as Retrying, to be started again
    monkeypatch.setattr(TaskRunner, "run", lambda self, **_: Retrying())
    handle = Outputs("first", {"a": [1]}, {"a": 1})
    runner = NodeTaskRunner(task=NodeTask(["both"], {}, inputs_of_nodes=["a"], name="both"))
    upstream: Any = {Upstream(): Success(result=handle)}
    runner.run(upstream_states=upstream)
    assert handle.names() == ["a"]
    monkeypatch.setattr(TaskRunner, "run", lambda self, **_: Success())
    runner.run(upstream_states=upstream)
    assert handle.names() == []


def test_a_runner_needs_no_hooks() -> None:
    from kedro_prefect_hooks import PrefectRunner

    seen: list[int] = []
    pipeline = Pipeline(
        [node(lambda: 1, None, "one", name="first"), node(seen.append, "one", None, name="second")]
    )
    PrefectRunner().run(pipeline, DataCatalog())
    assert seen == [1]
