"""Running one node by Kedro's own code, and what Kedro asks of a runner class."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Mapping

from kedro_prefect_hooks.compat import kedro_017
from kedro_prefect_hooks.compat.kedro_version import version

if TYPE_CHECKING:
    from kedro.pipeline.node import Node
    from pluggy import PluginManager

    from kedro_prefect_hooks.compat.kedro_catalog import Catalog


def run_node(node: Node, catalog: Catalog, hooks: PluginManager, is_async: bool, run_id: str | None) -> None:
    """Run one node with its hooks, loads, saves and confirmations, by Kedro's own code."""
    task = _task_class()
    if task is None:
        runner: Any = importlib.import_module("kedro.runner")
        if kedro_017.is_installed():
            runner.run_node(node, catalog, is_async, run_id)  # whose hooks are the process's
        else:
            runner.run_node(node, catalog, hooks, is_async, run_id)
        return
    id_name = "run_id" if version() >= (1, 0) else "session_id"
    task(node=node, catalog=catalog, is_async=is_async, hook_manager=hooks, **{id_name: run_id}).execute()


@lru_cache(maxsize=None)
def _task_class() -> Any:
    """Kedro's `Task`, which took the place of `run_node` in 0.19.10; None before."""
    if importlib.util.find_spec("kedro.runner.task") is None:
        return None
    return importlib.import_module("kedro.runner.task").Task


def hooks_and_id(*given: Any) -> tuple[PluginManager, str | None]:
    """What Kedro gives a runner's `_run` after pipeline and catalog: the hooks and the run's id.

    Always by position: the id's name has changed twice. Kedro 0.17 gives the id alone.
    """
    hooks, run_id = (kedro_017.hook_manager(), *given) if kedro_017.is_installed() else given
    return hooks, run_id


def runner_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `AbstractRunner` is built with: in 0.19 also the pattern for datasets not in the catalog."""
    from kedro.runner import AbstractRunner

    accepted = inspect.signature(AbstractRunner.__init__).parameters
    arguments = dict(given)
    if "extra_dataset_patterns" in accepted:
        arguments.setdefault("extra_dataset_patterns", {"{default}": {"type": "MemoryDataset"}})
    return arguments
