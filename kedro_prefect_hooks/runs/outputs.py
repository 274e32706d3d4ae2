"""What travels between the tasks of a flow run: the values of in-memory datasets, and nothing else.

A task's Prefect result is an `Outputs`. Within one process it is passed by reference, so nothing is copied
and a value is released as soon as its last consumer has finished, although Prefect's task states live until
the end of the flow run. Between processes Prefect and Dask pickle it, values and all.

This module knows nothing of Prefect, of sessions or of the catalog.
"""

from __future__ import annotations

import io
import threading
from typing import Any, Iterable, Mapping

from kedro_prefect_hooks.compat.kedro_datasets import AbstractDataset
from kedro_prefect_hooks.errors import FlowRunError

KEPT = 1 << 30
"""A count of consumers that is never used up: the value is an output of the whole run."""

_ENCODINGS = ("utf-8", "utf-32-le", "utf-32-be")
"""Of strings in a pickle: numpy's arrays of strings have four bytes per character."""

_SHORTEST_SECRET = 4
"""Characters; a shorter value of a credential is found in any pickle by accident."""


class Outputs:
    """The in-memory datasets that one task leaves to the tasks after it.

    Args:
        producer: the task's last node, for error messages.
        values: dataset name → value.
        consumers: dataset name → how many tasks will load it; `KEPT` for an output of the whole run.
        partitions: partitioned dataset → what the run has listed of it, for the node that confirms it.

    Attributes:
        given: of nodes that ran on a slice: input → ids of its partitions.
        made: of such nodes: output → ids of the partitions that they returned. Empty if they had nothing to
            do; None for all other nodes.
        rest: of all slices of a task: what its nodes made of partitions that belong to no slice.
    """

    def __init__(
        self,
        producer: str,
        values: Mapping[str, Any],
        consumers: Mapping[str, int],
        partitions: Mapping[str, Any] | None = None,
    ) -> None:
        self.producer = producer
        self.partitions = dict(partitions or {})
        self.given: dict[str, list[Any]] = {}
        self.made: dict[str, list[Any]] | None = None
        self.rest: list[Outputs] = []
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

    def replace(self, name: str, value: Any) -> None:
        """Put an equal value in the place of one that a failed try may have changed."""
        with self._lock:
            if name in self._values:
                self._values[name] = value

    def done(self, name: str) -> None:
        """One consumer has finished with `name`; after the last one the value is released."""
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

    def check_can_be_kept(self, secrets: Iterable[str]) -> None:
        """Make sure that a Prefect result, kept in a storage, can be written and will contain no credential.

        A value may carry a whole dataset, credentials and all: partitions that are not loaded yet do.

        Args:
            secrets: the values of the project's credentials.

        Raises:
            FlowRunError: a value cannot be pickled, contains one of them, or a dataset with credentials of
                its own.
        """
        long_enough = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        needles = [secret.encode(encoding) for secret in long_enough for encoding in _ENCODINGS]
        for name, value in self._values.items():
            try:
                found = _credentials_in(value, needles)
            except Exception as error:
                raise FlowRunError(
                    f"Dataset '{name}', made in memory by node '{self.producer}', cannot be kept in the "
                    f"flow's result: {type(value).__module__}.{type(value).__qualname__} cannot be pickled "
                    f"({error}). Remedies: declare '{name}' in the catalog so that it is saved and loaded; "
                    "or switch results off for the flow (`result: null`)."
                ) from error
            if found is not None:
                raise FlowRunError(
                    f"Dataset '{name}', made in memory by node '{self.producer}', would be kept in the "
                    f"flow's result with credentials in it: {found}. Remedies: return loaded data instead of "
                    f"datasets or partitions that are not loaded yet; declare '{name}' in the catalog; or "
                    f"switch results off for the flow (`result: null`)."
                )

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = {name: value for name, value in vars(self).items() if name != "_lock"}
            return {**state, "_values": dict(self._values), "_waiting": dict(self._waiting)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A result that an older version has kept has none of these.
        self.partitions, self.given, self.made, self.rest = {}, {}, None, []
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Outputs of {self.producer}: {', '.join(self.names()) or 'nothing held'}>"


def _try_pickle(value: Any) -> None:
    import cloudpickle  # type: ignore[import-untyped]

    cloudpickle.dumps(value, protocol=5, buffer_callback=lambda _: None)


def _credentials_in(value: Any, needles: list[bytes]) -> str | None:
    """What of a value holds a credential, in words; None when nothing does.

    Raises:
        Exception: the value cannot be pickled.
    """
    import cloudpickle

    guarded: list[str] = []

    class Inspector(cloudpickle.Pickler):  # type: ignore[misc]
        def persistent_id(self, found: Any) -> None:
            if isinstance(found, AbstractDataset) and _has_credentials(vars(found)):
                guarded.append(type(found).__name__)

    written = io.BytesIO()
    Inspector(written, protocol=5).dump(value)
    if guarded:
        return f"it carries a {guarded[0]}"
    content = written.getvalue()
    return "it contains the value of a credential" if any(each in content for each in needles) else None


def _has_credentials(attributes: Mapping[str, Any], depth: int = 0) -> bool:
    for name, value in attributes.items():
        if "credential" in str(name).lower() and value:
            return True
        if isinstance(value, Mapping) and depth < 3 and _has_credentials(value, depth + 1):
            return True
    return False
