"""Saving a version again that an earlier try of the same run has saved.

Kedro makes a version once. A node that is retried, or run again by a restart, saves the same version again,
since the run's id is the version. What was saved before is moved aside just before the node saves, comes back
if saving fails, and is removed once it has been saved again.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Iterator, Mapping

from kedro.framework.hooks import hook_impl

from kedro_prefect_hooks.compat import kedro_datasets, kedro_partitions


class VersionHooks:
    """Kedro hooks that let the outputs of running nodes replace their own earlier version."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Any] = {}
        self._aside: dict[str, contextlib.ExitStack] = {}

    @contextlib.contextmanager
    def replacing(self, datasets: Mapping[str, Any]) -> Iterator[None]:
        """While a node runs, let it save these versioned datasets although their version exists."""
        if not datasets:
            yield
            return
        with self._lock:
            self._waiting.update(datasets)
        with contextlib.ExitStack() as left:
            try:
                yield
            finally:
                with self._lock:
                    for name in datasets:
                        self._waiting.pop(name, None)
                        if name in self._aside:  # moved aside, and not saved since
                            left.push(self._aside.pop(name).__exit__)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str) -> None:
        """Move the earlier version of this dataset aside, once per run of its node."""
        with self._lock:
            dataset = self._waiting.pop(dataset_name, None)
        if dataset is not None:
            stack = contextlib.ExitStack()
            stack.enter_context(kedro_datasets.version_set_aside(dataset))
            with self._lock:
                self._aside[dataset_name] = stack

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """The dataset is saved: its earlier version is obsolete."""
        with self._lock:
            stack = self._aside.pop(dataset_name, None)
        if stack is not None:
            stack.close()


def versions_to_replace(outputs: Mapping[str, Any], tries: int, owns_version: bool) -> dict[str, Any]:
    """The versioned outputs that an earlier try or attempt of this run may have saved.

    Partitions that have versions are not replaced: another try saves another version of them.

    Args:
        outputs: a node's, by name.
        tries: which try this is, from 1.
        owns_version: whether no other run saves this run's version.
    """
    if not (owns_version or tries > 1):
        return {}
    for dataset in outputs.values() if tries > 1 else ():
        kedro_partitions.renew_version(dataset)
    return {name: found for name, found in outputs.items() if kedro_datasets.is_versioned(found)}
