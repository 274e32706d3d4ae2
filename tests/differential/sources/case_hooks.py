"""Hooks of a generated project: they record each call, replace inputs and change the catalog.

One line of JSON per call, with a checksum of the data, in `hook_calls.jsonl` of the project.
"""

from __future__ import annotations

import json
import os
from typing import Any

from kedro.framework.hooks import hook_impl

from .case_nodes import CASE, PROJECT, Unpicklable, checksum, plain
from .datasets import JsonDataset


def record(hook: str, **fields: Any) -> None:
    descriptor = os.open(PROJECT / "hook_calls.jsonl", os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        os.write(descriptor, (json.dumps({"hook": hook, **fields}) + "\n").encode())
    finally:
        os.close(descriptor)


def summary(data: Any) -> int:
    # a partition is not loaded for a hook, as the node may never load it
    if isinstance(data, dict) and any(callable(value) for value in data.values()):
        return checksum(sorted(data))
    return checksum(data)


def values(run_result: Any) -> dict:
    """Data by name; Kedro 1 gives datasets."""
    found = {}
    for name, data in dict(run_result).items():
        in_memory = type(data).__name__.lower() == "memorydataset"
        if in_memory or not hasattr(data, "_describe"):
            found[name] = plain(data.load() if in_memory else data)
    return found


def memory_dataset(value: Any) -> Any:
    import kedro.io

    kind = getattr(kedro.io, "MemoryDataset", None) or kedro.io.MemoryDataSet
    return kind(value)


def change(catalog: Any, changes: list) -> None:
    for each in changes:
        name, how = each["dataset"], each["how"]
        if how == "value":
            dataset = memory_dataset({"by": "hook", "list": [1]})
        elif how == "unpicklable":
            dataset = memory_dataset(Unpicklable({"by": "hook"}))
        else:
            dataset = JsonDataset(str(PROJECT / "data" / f"other_{name}.json"))
        if hasattr(catalog, "add"):
            catalog.add(name, dataset, replace=True)
        else:
            catalog[name] = dataset


class CaseHooks:
    @hook_impl
    def after_catalog_created(self, catalog):
        change(catalog, CASE["hooks"].get("after_catalog_created", []))

    @hook_impl
    def before_pipeline_run(self, run_params, catalog):
        record("before_pipeline_run")
        change(catalog, CASE["hooks"].get("before_pipeline_run", []))

    @hook_impl
    def after_pipeline_run(self, run_result):
        record("after_pipeline_run", result=values(run_result))

    @hook_impl
    def on_pipeline_error(self, error):
        record("on_pipeline_error", type=type(error).__name__, text=str(error))

    @hook_impl
    def before_node_run(self, node, inputs, is_async):
        name = node.name.split(".")[-1]
        record("before_node_run", node=name, sum=summary(list(inputs)), is_async=bool(is_async))
        if CASE["hooks"].get("replaces") == name:
            dataset = next((each for each in node.inputs if not each.startswith("param")), None)
            if dataset is not None:
                return {dataset: {"by": "hook", "for": name}}
        return None

    @hook_impl
    def after_node_run(self, node, outputs):
        record("after_node_run", node=node.name.split(".")[-1], sum=checksum(sorted(outputs)))

    @hook_impl
    def on_node_error(self, error, node):
        record("on_node_error", node=node.name.split(".")[-1], type=type(error).__name__, text=str(error))

    @hook_impl
    def before_dataset_loaded(self, dataset_name):
        record("before_dataset_loaded", dataset=dataset_name)

    @hook_impl
    def after_dataset_loaded(self, dataset_name, data):
        record("after_dataset_loaded", dataset=dataset_name, sum=summary(data))

    @hook_impl
    def before_dataset_saved(self, dataset_name, data):
        record("before_dataset_saved", dataset=dataset_name, sum=summary(data))

    @hook_impl
    def after_dataset_saved(self, dataset_name, data):
        record("after_dataset_saved", dataset=dataset_name, sum=summary(data))
