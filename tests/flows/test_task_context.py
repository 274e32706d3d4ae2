"""Prefect's configuration reaches tasks in other processes, although their context does not carry it."""

from __future__ import annotations

import multiprocessing
from typing import Any

import prefect

from kedro_prefect_hooks.flows.task_context import WithConfig, pickled, without_config


def mark() -> Any:
    return prefect.context.config.get("mark")


def marked(value: Any) -> bytes:
    with prefect.context(config={"mark": value}):
        return pickled(prefect.context.config)


def test_another_process_has_the_configuration_that_was_sent() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(WithConfig(mark, marked(1))) == 1
        assert pool.apply(mark) is None, "only while the function runs"
        assert pool.apply(WithConfig(mark, marked(2))) == 2, "that of the next flow run"


def test_it_is_there_within_the_context_of_a_task() -> None:
    def task() -> Any:
        with prefect.context(without_config({**prefect.context.to_dict(), "task_name": "n"})):
            return mark(), prefect.context.task_name, prefect.context.checkpointing

    assert WithConfig(task, marked(3))() == (3, "n", prefect.config.flows.checkpointing)
    assert mark() is None
