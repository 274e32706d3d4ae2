"""What travels between the tasks of a flow run: the values of in-memory datasets, and nothing else.

A task's Prefect result is an `Outputs`. Within one process it is passed by reference, so nothing is copied
and a value goes as soon as its last consumer is done, although Prefect's task states live until the end
of the flow run. Between processes Prefect and Dask pickle it, values and all.

This module knows nothing of Prefect, of sessions or of the catalog.
"""

from __future__ import annotations

import threading
from typing import Any, Mapping

from kedro_prefect_hooks.errors import FlowRunError

KEPT = 1 << 30
"""A count of consumers that is never used up: the value is an output of the whole run."""


class Outputs:
    """The in-memory datasets that one task leaves to the tasks after it.

    Args:
        producer: the task's name, for error messages.
        values: dataset name → value.
        consumers: dataset name → how many tasks will load it; `KEPT` for an output of the whole run.
    """

    def __init__(self, producer: str, values: Mapping[str, Any], consumers: Mapping[str, int]) -> None:
        self.producer = producer
        self._values = dict(values)
        self._waiting = {name: consumers.get(name, 0) for name in self._values}
        self._lock = threading.Lock()
        for name in [name for name, count in self._waiting.items() if count < 1]:
            del self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> list[str]:
        """The datasets that are still held."""
        return sorted(self._values)

    def value(self, name: str) -> Any:
        """The value itself, not a copy.

        Raises:
            KeyError: it is not (or no longer) held.
        """
        return self._values[name]

    def done(self, name: str) -> None:
        """One consumer has finished with `name`; after the last one the value is let go."""
        with self._lock:
            if name in self._values:
                self._waiting[name] -= 1
                if self._waiting[name] < 1:
                    del self._values[name]

    def check_can_travel(self) -> None:
        """Make sure that every value can leave this process.

        Without this, Dask would fail much later, with an error that names neither dataset nor node.
        Buffers (of arrays and frames) are looked at, not copied.

        Raises:
            FlowRunError: a value cannot be pickled.
        """
        for name, value in self._values.items():
            try:
                _try_pickle(value)
            except Exception as error:
                raise FlowRunError(
                    f"Dataset '{name}', made in memory by node '{self.producer}', cannot be passed to "
                    f"another process: {type(value).__module__}.{type(value).__qualname__} cannot be pickled "
                    f"({error}). Remedies: declare '{name}' in the catalog so that it is saved and loaded; "
                    "put the nodes that share it into one task (`group_by: memory`); or run this flow in "
                    "one process (`executor: {type: LocalDaskExecutor, scheduler: threads}`)."
                ) from error

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {"producer": self.producer, "_values": dict(self._values), "_waiting": dict(self._waiting)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Outputs of {self.producer}: {', '.join(self.names()) or 'nothing held'}>"


def _try_pickle(value: Any) -> None:
    import cloudpickle  # type: ignore[import-untyped]

    cloudpickle.dumps(value, protocol=5, buffer_callback=lambda _: None)
