"""The other inputs of a node that runs on slices: loaded once per process for all slices of a run.

Each slice gets a copy, as from a memory dataset. What cannot be copied is loaded by each slice.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Collection

from kedro_prefect_hooks.compat import kedro_datasets, kedro_partitions

if TYPE_CHECKING:
    from kedro_prefect_hooks.runs.node_runner import NodeRunner

_shared: dict[str, dict[str, Any]] = {}
_shared_lock = threading.RLock()


def _after_fork() -> None:
    global _shared_lock  # a thread of the parent may have held it
    _shared_lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def shared_inputs(runner: NodeRunner, node: Any, sliced: Collection[str]) -> dict[str, Any]:
    """A node's persisted inputs other than what is sliced, as datasets that give each slice a copy."""
    with _shared_lock:
        if runner.spec.key not in _shared:
            _shared.clear()  # of another run
        values = _shared.setdefault(runner.spec.key, {})
        for name in node.inputs:
            dataset = runner.dataset(name)
            if name in sliced or name in values or kedro_datasets.is_memory(dataset):
                continue
            if kedro_partitions.is_partitioned(dataset) or name in node.confirms:
                continue
            copies = kedro_datasets.MemoryDataset()
            try:
                kedro_datasets.fill(copies, dataset.load())
                copies.load()
            except Exception:  # it is not there, or cannot be copied: an open connection, a generator …
                values[name] = None
            else:
                values[name] = copies
        return {
            name: values[name] for name in node.inputs if values.get(name) is not None and name not in sliced
        }
