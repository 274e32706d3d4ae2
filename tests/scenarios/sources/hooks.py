"""Records every Kedro hook call of a run, one line of JSON per call.

Each line is one `os.write` to a file opened with O_APPEND, so that many processes can share the file. The
environment variable HOOK_LOG names it; processes that do not inherit the variable (a Dask worker, an agent's
child) use `hook_calls.jsonl` in the project.
"""

from __future__ import annotations

import inspect
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl, specs
from kedro.framework.hooks.specs import DatasetSpecs, NodeSpecs

PROJECT = Path(__file__).resolve().parents[2]


def record(hook: str, **fields: Any) -> None:
    line = {
        "hook": hook,
        **{key: value for key, value in fields.items() if value is not None},
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        "time": time.time(),
    }
    path = os.environ.get("HOOK_LOG") or str(PROJECT / "hook_calls.jsonl")
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        os.write(descriptor, (json.dumps(line, default=str) + "\n").encode())
    finally:
        os.close(descriptor)


def injected(node: Any) -> dict | None:
    """What `before_node_run` returns to replace a node's input, which Kedro allows."""
    return {"hook_target": "from the hook"} if "injected" in node.tags else None


def run_id(run_params: dict) -> str | None:
    return run_params.get("run_id") or run_params.get("session_id")


if "run_id" in inspect.signature(NodeSpecs.before_node_run).parameters:

    class NodeRecorder:
        """Node hooks of Kedro 1.0 and later, and of 0.17, where the run's id is named `run_id`."""

        @hook_impl
        def before_node_run(self, node, is_async, run_id):
            record("before_node_run", node=node.name, is_async=is_async, id=run_id)
            return injected(node)

        @hook_impl
        def after_node_run(self, node, outputs, is_async, run_id):
            record("after_node_run", node=node.name, outputs=sorted(outputs), is_async=is_async, id=run_id)

        @hook_impl
        def on_node_error(self, error, node, is_async, run_id):
            record("on_node_error", node=node.name, error=repr(error), is_async=is_async, id=run_id)

else:

    class NodeRecorder:  # type: ignore[no-redef]
        """Node hooks of Kedro 0.18 and 0.19, where the run's id is named `session_id`."""

        @hook_impl
        def before_node_run(self, node, is_async, session_id):
            record("before_node_run", node=node.name, is_async=is_async, id=session_id)
            return injected(node)

        @hook_impl
        def after_node_run(self, node, outputs, is_async, session_id):
            record(
                "after_node_run", node=node.name, outputs=sorted(outputs), is_async=is_async, id=session_id
            )

        @hook_impl
        def on_node_error(self, error, node, is_async, session_id):
            record("on_node_error", node=node.name, error=repr(error), is_async=is_async, id=session_id)


if "node" in inspect.signature(DatasetSpecs.before_dataset_loaded).parameters:

    class DatasetRecorder:
        """Dataset hooks that receive the node."""

        @hook_impl
        def before_dataset_loaded(self, dataset_name, node):
            record("before_dataset_loaded", dataset=dataset_name, node=node.name)

        @hook_impl
        def after_dataset_loaded(self, dataset_name, data, node):
            record("after_dataset_loaded", dataset=dataset_name, node=node.name, type=type(data).__name__)

        @hook_impl
        def before_dataset_saved(self, dataset_name, data, node):
            record("before_dataset_saved", dataset=dataset_name, node=node.name, type=type(data).__name__)

        @hook_impl
        def after_dataset_saved(self, dataset_name, data, node):
            record("after_dataset_saved", dataset=dataset_name, node=node.name, type=type(data).__name__)

else:

    class DatasetRecorder:  # type: ignore[no-redef]
        """Dataset hooks before Kedro 0.18.5, which do not receive the node."""

        @hook_impl
        def before_dataset_loaded(self, dataset_name):
            record("before_dataset_loaded", dataset=dataset_name)

        @hook_impl
        def after_dataset_loaded(self, dataset_name, data):
            record("after_dataset_loaded", dataset=dataset_name, type=type(data).__name__)

        @hook_impl
        def before_dataset_saved(self, dataset_name, data):
            record("before_dataset_saved", dataset=dataset_name, type=type(data).__name__)

        @hook_impl
        def after_dataset_saved(self, dataset_name, data):
            record("after_dataset_saved", dataset=dataset_name, type=type(data).__name__)


class Registration:
    """Kedro 0.18 and later have this in `settings.py`."""


if hasattr(specs, "RegistrationSpecs"):
    from kedro.config import ConfigLoader
    from kedro.io import DataCatalog

    class Registration:  # type: ignore[no-redef]
        """Every project of Kedro 0.17 has this in its hooks."""

        @hook_impl
        def register_config_loader(self, conf_paths):
            return ConfigLoader(conf_paths)

        @hook_impl
        def register_catalog(self, catalog, credentials, load_versions, save_version, journal):
            return DataCatalog.from_config(catalog, credentials, load_versions, save_version, journal)


class ProjectHooks(NodeRecorder, DatasetRecorder, Registration):
    """Records every hook; also adds a dataset to the catalog, as projects do in `after_catalog_created`."""

    @hook_impl
    def after_context_created(self, context):
        record("after_context_created", env=context.env)

    @hook_impl
    def after_catalog_created(self, catalog, save_version):
        record("after_catalog_created", save_version=save_version)
        add_to_catalog(catalog, "from_hook", 7)

    @hook_impl
    def before_pipeline_run(self, run_params, pipeline):
        env = run_params["env"]
        record("before_pipeline_run", id=run_id(run_params), nodes=len(pipeline.nodes), env=env)

    @hook_impl
    def after_pipeline_run(self, run_params, run_result, pipeline):
        record(
            "after_pipeline_run", id=run_id(run_params), nodes=len(pipeline.nodes), result=sorted(run_result)
        )

    @hook_impl
    def on_pipeline_error(self, error, run_params, pipeline):
        record("on_pipeline_error", id=run_id(run_params), error=repr(error), nodes=len(pipeline.nodes))


def add_to_catalog(catalog: Any, name: str, value: object) -> None:
    try:
        from kedro.io import MemoryDataset
    except ImportError:  # Kedro before 0.18.12
        from kedro.io import MemoryDataSet as MemoryDataset
    if hasattr(catalog, "add"):
        # Kedro 0.17 registers a project's hooks twice after `%reload_kedro`
        catalog.add(name, MemoryDataset(value), replace=True)
    else:
        catalog[name] = MemoryDataset(value)
