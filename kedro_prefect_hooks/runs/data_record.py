"""What the nodes of a task have loaded and saved, and how long that took, by Kedro's dataset hooks.

Knows nothing of Prefect, nor of what is made of it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Collection, Iterator, NamedTuple

from kedro.framework.hooks import hook_impl


class Use(NamedTuple):
    """One dataset that was loaded or saved.

    Attributes:
        dataset: its name.
        saved: whether it was saved, else loaded.
        seconds: how long that took, all times together.
    """

    dataset: str
    saved: bool
    seconds: float


class DataRecord:
    """What was loaded and saved while it was kept."""

    def __init__(self, datasets: Collection[str]) -> None:
        self.datasets = frozenset(datasets)
        self._began: dict[tuple[str, bool, int], float] = {}
        self._seconds: dict[tuple[str, bool], float] = {}

    def uses(self) -> list[Use]:
        """In the order in which each was finished first."""
        return [Use(name, saved, seconds) for (name, saved), seconds in list(self._seconds.items())]

    def begin(self, name: str, saved: bool) -> None:
        self._began[name, saved, threading.get_ident()] = time.perf_counter()

    def end(self, name: str, saved: bool) -> None:
        began = self._began.pop((name, saved, threading.get_ident()), None)
        if began is not None:
            passed = time.perf_counter() - began
            self._seconds[name, saved] = self._seconds.get((name, saved), 0.0) + passed


class DataHooks:
    """Kedro hooks that write down what tasks load and save."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._kept: list[DataRecord] = []

    @contextlib.contextmanager
    def recording(self, datasets: Collection[str]) -> Iterator[DataRecord]:
        """Keep a record of what this thread loads and saves, and the threads of an asynchronous node.

        Args:
            datasets: those of the nodes.
        """
        record = DataRecord(datasets)
        before = getattr(self._own, "record", None)
        self._own.record = record
        self._kept.append(record)
        try:
            yield record
        finally:
            self._own.record = before
            self._kept.remove(record)

    def _record(self, name: str) -> DataRecord | None:
        own: DataRecord | None = getattr(self._own, "record", None)
        if own is not None:
            return own
        # A thread of Kedro's: an asynchronous node loads and saves there.
        return next((each for each in list(self._kept) if name in each.datasets), None)

    def _begin(self, name: str, saved: bool) -> None:
        record = self._record(name)
        if record is not None:
            record.begin(name, saved)

    def _end(self, name: str, saved: bool) -> None:
        record = self._record(name)
        if record is not None:
            record.end(name, saved)

    @hook_impl(trylast=True)
    def before_dataset_loaded(self, dataset_name: str) -> None:
        self._begin(dataset_name, saved=False)

    @hook_impl(tryfirst=True)
    def after_dataset_loaded(self, dataset_name: str) -> None:
        self._end(dataset_name, saved=False)

    @hook_impl(trylast=True)
    def before_dataset_saved(self, dataset_name: str) -> None:
        self._begin(dataset_name, saved=True)

    @hook_impl(tryfirst=True)
    def after_dataset_saved(self, dataset_name: str) -> None:
        self._end(dataset_name, saved=True)
