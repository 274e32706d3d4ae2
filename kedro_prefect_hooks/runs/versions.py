"""Saving a version again that an earlier try of the same run has saved.

Kedro makes a version once. A node that is retried, or run again by a restart, saves the same version again,
since the run's id is the version. What was saved before is moved aside just before the node saves, comes back
if saving fails, and is removed once the node has finished.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from kedro.framework.hooks import hook_impl

from kedro_prefect_hooks.compat.kedro_datasets import version_set_aside

if TYPE_CHECKING:
    from pluggy import PluginManager


class VersionHooks:
    """Kedro hooks that let the outputs of running nodes replace their own earlier version."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Any, contextlib.ExitStack]] = {}

    @classmethod
    def registered_with(cls, hooks: PluginManager) -> VersionHooks:
        """An instance that these hooks call; the one that is registered already, if there is one."""
        for plugin in getattr(hooks, "get_plugins", tuple)():
            if isinstance(plugin, cls):
                return plugin
        added = cls()
        if hasattr(hooks, "register"):  # not with the stand-in that Kedro's runners use without hooks
            hooks.register(added)
        return added

    @contextlib.contextmanager
    def replacing(self, datasets: Mapping[str, Any]) -> Iterator[None]:
        """While a node runs, let it save these versioned datasets although their version exists."""
        if not datasets:
            yield
            return
        with contextlib.ExitStack() as aside:
            with self._lock:
                self._waiting.update({name: (dataset, aside) for name, dataset in datasets.items()})
            try:
                yield
            finally:
                with self._lock:
                    for name in datasets:
                        self._waiting.pop(name, None)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str) -> None:
        """Move the earlier version of this dataset aside, once per run of its node."""
        with self._lock:
            waiting = self._waiting.pop(dataset_name, None)
        if waiting is not None:
            dataset, aside = waiting
            aside.enter_context(version_set_aside(dataset))
