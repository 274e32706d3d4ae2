"""The running of nodes in one process of a flow run: its catalog, its hooks, its in-memory datasets.

Values come in with the `Outputs` of the tasks before and leave in the task's own. The catalog's memory
datasets hold them only while a node here needs them, so that nothing outlives its last consumer.

This module knows nothing of Prefect, nor of how the catalog was made.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from kedro_prefect_hooks.compat import kedro_catalog, kedro_runner
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.outputs import KEPT, Outputs

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node
    from pluggy import PluginManager

logger = logging.getLogger(__name__)


class NodeRunner:
    """The catalog and hooks of one flow run in this process, and the running of nodes with them.

    Args:
        session_id: Kedro session id, also the version that versioned datasets are saved as.
        catalog: the run's catalog in this process.
        hooks: the project's hooks.
        pipeline: all nodes of the flow, whichever process runs them.
        is_async: load and save with threads, `kedro run --async`.
        remote: results leave this process, so they must be picklable.
        pin: load the versions that this run saved. Not for a `kedro run`, which loads the newest.
    """

    def __init__(
        self,
        session_id: str,
        catalog: kedro_catalog.Catalog,
        hooks: PluginManager,
        pipeline: Pipeline,
        *,
        is_async: bool = False,
        remote: bool = False,
        pin: bool = True,
    ) -> None:
        self.session_id = session_id
        self.catalog = catalog
        self.hooks = hooks
        self.pipeline = pipeline
        self.is_async = is_async
        self.remote = remote
        self._made = pipeline.all_outputs()
        self._free = pipeline.outputs()
        self._pin = pin
        self._nodes = {node.name: node for node in pipeline.nodes}
        self._lock = threading.RLock()
        self._datasets: dict[str, Any] = {}
        self._users: Counter[str] = Counter()
        self._recomputed: dict[str, Any] = {}
        self.pid = os.getpid()

    def dataset(self, name: str) -> Any:
        """The dataset of that name in this process; made, and its version pinned, when first asked for."""
        with self._lock:
            if name not in self._datasets:
                found = kedro_catalog.dataset(self.catalog, name)
                if self._pin and name in self._made:
                    kedro_catalog.pin_version(found)
                self._datasets[name] = found
            return self._datasets[name]

    def run_nodes(
        self, names: Sequence[str], upstream: Iterable[Outputs], consumers: Mapping[str, int]
    ) -> Outputs:
        """Run the nodes of one task, in the order given.

        Args:
            names: the task's nodes, in an order that their edges allow.
            upstream: results of the tasks before it.
            consumers: output dataset → how many other tasks load it; `KEPT` for an output of the run.

        Returns:
            The values of the in-memory datasets that other tasks load.

        Raises:
            FlowRunError: an in-memory input is not there and cannot be made again.
            Exception: the node's own.
        """
        nodes = [self._node(name) for name in names]
        made = {name for node in nodes for name in node.outputs}
        handles = {name: handle for handle in upstream for name in handle.names()}
        inputs = {name for node in nodes for name in node.inputs} - made
        borrowed = [name for name in sorted(inputs) if self._borrow(name, handles)]
        try:
            self._run_in_order(nodes, consumers)
        finally:
            for name in borrowed:
                self._give_back(name)
        for name in borrowed:
            if name in handles:
                handles[name].done(name)
        outputs = Outputs(names[-1], self._collect(made, consumers), consumers)
        if self.remote:
            outputs.check_can_travel()
        return outputs

    def _node(self, name: str) -> Node:
        try:
            return self._nodes[name]
        except KeyError:
            raise FlowRunError(
                f"Node '{name}' is part of the registered flow but not of the project's code here. "
                "Register the flow again, or bring this machine's code up to date."
            ) from None

    def _run_in_order(self, nodes: Sequence[Node], consumers: Mapping[str, int]) -> None:
        """Run nodes one after the other; what only they use is let go after its last use."""
        loads = Counter(name for node in nodes for name in node.inputs)
        made = {name for node in nodes for name in node.outputs}
        for node in nodes:
            for name in (*node.inputs, *node.outputs):
                self.dataset(name)
            try:
                kedro_runner.run_node(node, self.catalog, self.hooks, self.is_async, self.session_id)
            except Exception as error:
                with contextlib.suppress(Exception):  # a class of the user's own may not take attributes
                    error._kedro_node = node.name  # type: ignore[attr-defined]
                raise
            for name in node.inputs:
                loads[name] -= 1
            if len(nodes) > 1:
                for name in (*node.inputs, *node.outputs):
                    inner = name in made and not consumers.get(name)
                    if inner and loads[name] < 1 and kedro_catalog.is_memory(self.dataset(name)):
                        kedro_catalog.empty(self.dataset(name))

    def _collect(self, made: Iterable[str], consumers: Mapping[str, int]) -> dict[str, Any]:
        """Take the in-memory outputs out of the catalog, which would keep them alive."""
        values = {}
        for name in sorted(made):
            dataset = self.dataset(name)
            if consumers.get(name) and kedro_catalog.is_memory(dataset):
                try:
                    values[name] = kedro_catalog.memory_value(dataset)
                except LookupError:
                    raise FlowRunError(
                        f"Dataset '{name}' is empty after the node that should make it: it was never saved "
                        "(a generator that yields nothing, or a hook that released it?)."
                    ) from None
                if not self._users[name]:
                    kedro_catalog.empty(dataset)
        return values

    def _borrow(self, name: str, handles: Mapping[str, Outputs]) -> bool:
        """Fill the catalog's memory dataset `name` for the time that tasks here need it."""
        dataset = self.dataset(name)
        if not kedro_catalog.is_memory(dataset) or name not in self._made:
            return False
        value = handles[name].value(name) if name in handles else self._recompute(name)
        with self._lock:
            self._users[name] += 1
            if self._users[name] == 1:
                kedro_catalog.fill(dataset, value)
        return True

    def _give_back(self, name: str) -> None:
        with self._lock:
            self._users[name] -= 1
            if not self._users[name]:
                kedro_catalog.empty(self.dataset(name))

    def _recompute(self, name: str) -> Any:
        """Make an in-memory dataset again whose task had finished before a restart, without a checkpoint.

        The nodes it comes from run again here, with their hooks, once a process.
        """
        with self._lock:
            if name in self._recomputed:
                return self._recomputed[name]
            node = next(node for node in self.pipeline.nodes if name in node.outputs)
            again = [out for out in node.outputs if kedro_catalog.is_versioned(self.dataset(out))]
            if again:
                raise FlowRunError(
                    f"This flow run cannot be restarted here: '{name}' was in memory and is gone, and node "
                    f"'{node.name}', which makes it, also saves the versioned dataset '{again[0]}', which "
                    "cannot be saved twice in one run. Start a new flow run; to make flow runs restartable, "
                    "give the flow a `result` (checkpoints) or declare "
                    f"'{name}' in the catalog."
                )
            logger.info("Running node %s again: '%s' was in memory before the restart", node.name, name)
            inputs = [dep for dep in dict.fromkeys(node.inputs) if self._borrow(dep, {})]
            try:
                self._run_in_order([node], {})
            finally:
                for dep in inputs:
                    self._give_back(dep)
            everything = dict.fromkeys(node.outputs, KEPT)
            self._recomputed.update(self._collect(node.outputs, everything))
            return self._recomputed[name]

    def restore(self, outputs: Iterable[Outputs]) -> None:
        """Put the run's own in-memory outputs back into the catalog, for the hooks that end the run."""
        for handle in outputs:
            for name in handle.names():
                if name in self._free:
                    kedro_catalog.fill(self.dataset(name), handle.value(name))


def failed_node(error: BaseException) -> str | None:
    """The node that raised this, in this process."""
    return getattr(error, "_kedro_node", None)
