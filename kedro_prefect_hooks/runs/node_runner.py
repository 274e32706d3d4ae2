"""Running nodes in one process of a flow run: its catalog, its hooks, its in-memory datasets.

Values come in with the `Outputs` of the tasks before and leave in the task's own. The catalog's memory
datasets hold them only while a node here needs them, so that nothing outlives its last consumer.

This module knows nothing of Prefect, nor of how the catalog was made.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Sequence

from kedro_prefect_hooks.compat import kedro_catalog, kedro_datasets, kedro_runner
from kedro_prefect_hooks.compat.kedro_pipeline import base_name
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.failures import NodeNotStarted, failure_of, picklable
from kedro_prefect_hooks.runs.outputs import KEPT, Outputs
from kedro_prefect_hooks.runs.partitions import (
    before,
    confirmed_before,
    confirmed_datasets,
    refuse_unseen,
    smallest_listing,
)
from kedro_prefect_hooks.runs.run_hooks import registered_with
from kedro_prefect_hooks.runs.snapshots import snapshot
from kedro_prefect_hooks.runs.versions import VersionHooks, versions_to_replace

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node
    from pluggy import PluginManager

    from kedro_prefect_hooks.runs.spec import RunSpec

logger = logging.getLogger(__name__)


class Try(NamedTuple):
    """Which try of a task this is.

    Attributes:
        number: from 1.
        may_be_retried: whether a failure of this try leads to another one in this process.
        keeps_result: whether the task's outputs are kept in a storage (a Prefect result).
    """

    number: int = 1
    may_be_retried: bool = False
    keeps_result: bool = False


FIRST_TRY = Try()


class NodeRunner:
    """The catalog and hooks of one flow run in this process, and the running of nodes with them.

    Args:
        spec: the run.
        catalog: the run's catalog in this process.
        hooks: the project's hooks.
        pipeline: all nodes of the flow run, whichever process runs them.
        remote: results leave this process, so they and exceptions must be picklable.
        secrets: returns the values of the project's credentials.
    """

    def __init__(
        self,
        spec: RunSpec,
        catalog: kedro_catalog.Catalog,
        hooks: PluginManager,
        pipeline: Pipeline,
        *,
        remote: bool = False,
        secrets: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.spec = spec
        self.catalog = catalog
        self.hooks = hooks
        self.pipeline = pipeline
        self.remote = remote
        self.pid = os.getpid()
        self.cancelled = False
        self.secrets = secrets
        self._pins = spec.pin_versions or remote
        self._made = pipeline.all_outputs()
        self._made_bases = {base_name(name) for name in self._made}
        self._free = pipeline.outputs()
        self._nodes = {node.name: node for node in pipeline.nodes}
        self._confirmed = confirmed_datasets(pipeline)
        self._lock = threading.RLock()
        self._datasets: dict[str, Any] = {}
        self._users: Counter[str] = Counter()
        self._recomputed: dict[str, Any] = {}
        self._versions = registered_with(hooks, VersionHooks)
        self._own: frozenset[str] = frozenset()
        self._is_idle: Callable[[Node], bool] = lambda node: False

    def with_datasets(
        self, own: Mapping[str, Any], nodes: Sequence[Node], is_idle: Callable[[Node], bool]
    ) -> NodeRunner:
        """The same run for some nodes, with datasets of their own; `is_idle` says which are left out."""
        shared = {name: self.dataset(name) for node in nodes for name in (*node.inputs, *node.outputs)}
        view = copy.copy(self)
        view.catalog = kedro_catalog.with_datasets(self.catalog, own)
        view._own = frozenset(own)
        view._datasets = {**self._datasets, **shared, **own}
        view._nodes = {**self._nodes, **{node.name: node for node in nodes}}
        view._is_idle = is_idle
        view._confirmed = {name: loaded for name, loaded in self._confirmed.items() if name not in own}
        view._recompute = self._recompute  # type: ignore[method-assign] # other nodes see the whole
        return view

    def dataset(self, name: str) -> Any:
        """The dataset of that name in this process; its version is pinned when it is first asked for."""
        with self._lock:
            if name not in self._datasets:
                found = kedro_catalog.dataset(self.catalog, name)
                if self._pins and base_name(name) in self._made_bases:
                    kedro_datasets.pin_version(found)
                elif name in self.spec.input_versions:
                    kedro_datasets.set_load_version(found, self.spec.input_versions[name])
                if name in self.spec.partitions and kedro_datasets.listed_partitions(found) is None:
                    kedro_datasets.set_listed_partitions(found, self.spec.partitions[name])
                self._datasets[name] = found
            return self._datasets[name]

    def run_nodes(
        self,
        names: Sequence[str],
        upstream: Sequence[Outputs],
        consumers: Mapping[str, int],
        attempt: Try = FIRST_TRY,
    ) -> Outputs:
        """Run the nodes of one task, in the order given.

        Args:
            names: the task's nodes, in an order that their edges allow.
            upstream: results of the tasks before it.
            consumers: output dataset → how many other tasks load it; `KEPT` for an output of the run.
            attempt: which try this is.

        Returns:
            The values of the in-memory datasets that other tasks load.

        Raises:
            FlowRunError: an in-memory input is missing and cannot be computed again, or an output may not
                leave this process.
            Exception: the node's own.
        """
        nodes = [self.node(name) for name in names]
        made = {name for node in nodes for name in node.outputs}
        # Of a task that made slices, only what is sliced here too: all else is needed as a whole.
        handles = {
            name: handle
            for handle in upstream
            for name in handle.names()
            if (handle.made is not None) == (name in self._own)
        }
        inputs = sorted({name for node in nodes for name in node.inputs} - made)
        partitions = self.adopt_partitions(upstream)
        self._check_confirmations(nodes, partitions)
        restores: dict[str, Callable[[], Any]] = {}
        failure: Exception | None = None
        with contextlib.ExitStack() as borrowed:
            for name in inputs:
                self._lend(name, handles, nodes, borrowed)
            try:
                if attempt.may_be_retried:
                    restores = self._snapshots(inputs)
                self._run_in_order(nodes, consumers, tries=attempt.number)
            except BaseException as error:
                self._restore_inputs(restores, handles)
                if not (self.remote and isinstance(error, Exception)):
                    raise
                failure = picklable(error)
            if failure is not None:
                # Raised here, it has no context: tblib, which Dask uses, would pickle the original along.
                raise failure
        partitions.update(self._partitions_of(nodes))
        outputs = Outputs(names[-1], self._collect(made, consumers), consumers, partitions)
        if self.remote:
            outputs.check_can_travel()
        if attempt.keeps_result:
            outputs.check_can_be_kept(self.secrets())
        return outputs

    def node(self, name: str) -> Node:
        """The run's node of that name.

        Raises:
            FlowRunError: it is missing from the code.
        """
        try:
            return self._nodes[name]
        except KeyError:
            raise FlowRunError(
                f"Node '{name}' is part of the registered flow but missing from the project's code on this "
                "machine. Register the flow again, or update the code here."
            ) from None

    def _run_in_order(self, nodes: Sequence[Node], consumers: Mapping[str, int], tries: int = 1) -> None:
        """Run nodes one after the other; what only they use is released after its last use."""
        loads = Counter(name for node in nodes for name in node.inputs)
        made = {name for node in nodes for name in node.outputs}
        for node in nodes:
            self._check_not_stopped(node)
            for name in (*node.inputs, *node.outputs):
                self.dataset(name)
            if not self._is_idle(node):
                self._run_node(node, tries)
            for name in node.inputs:
                loads[name] -= 1
            if len(nodes) > 1:
                for name in (*node.inputs, *node.outputs):
                    inner = name in made and not consumers.get(name)
                    if inner and loads[name] < 1 and kedro_datasets.is_memory(self.dataset(name)):
                        kedro_datasets.empty(self.dataset(name))

    def _run_node(self, node: Node, tries: int) -> None:
        outputs = {name: self.dataset(name) for name in node.outputs}
        again = versions_to_replace(outputs, tries, self.spec.owns_version)
        try:
            with self._versions.replacing(again):
                kedro_runner.run_node(
                    node, self.catalog, self.hooks, self.spec.is_async, self.spec.session_id
                )
        except BaseException as error:
            in_main_thread = not self.remote and threading.current_thread() is threading.main_thread()
            if isinstance(error, KeyboardInterrupt) and (self.cancelled or in_main_thread):
                raise  # Ctrl+C, or a cancellation, which interrupts the threads of the flow run
            failure = failure_of(error, node.name)
            if failure is error:
                raise
            raise failure from error

    def _check_not_stopped(self, node: Node) -> None:
        if self.spec.stop_file is not None and Path(self.spec.stop_file).exists():
            raise NodeNotStarted(f"Node '{node.name}' was not started, because another node has failed.")

    # --- in-memory inputs and outputs --------------------------------------------------------------

    def _collect(self, made: Iterable[str], consumers: Mapping[str, int]) -> dict[str, Any]:
        """Take the in-memory outputs out of the catalog, which would keep them alive."""
        values = {}
        for name in sorted(made):
            dataset = self.dataset(name)
            if consumers.get(name) and kedro_datasets.is_memory(dataset):
                try:
                    values[name] = kedro_datasets.memory_value(dataset)
                except LookupError:
                    raise FlowRunError(
                        f"Dataset '{name}' is empty after the node that should make it: it was never saved "
                        "(a generator that yields nothing, or a hook that released it?)."
                    ) from None
                if not self._users[name]:
                    kedro_datasets.empty(dataset)
        return values

    def _lend(
        self,
        name: str,
        handles: Mapping[str, Outputs],
        nodes: Sequence[Node],
        borrowed: contextlib.ExitStack,
    ) -> None:
        """Fill the catalog's memory dataset `name` until `borrowed` is closed."""
        dataset = self.dataset(name)
        if name not in self._made or name in self._own:
            return
        if not kedro_datasets.is_memory(dataset):
            if kedro_datasets.is_lost_cache(dataset):
                self._recompute(name, nodes)
            return
        value = handles[name].value(name) if name in handles else self._recompute(name, nodes)
        with self._lock:
            self._users[name] += 1
            if self._users[name] == 1:
                kedro_datasets.fill(dataset, value)
        borrowed.callback(self._give_back, name)

    def _give_back(self, name: str) -> None:
        with self._lock:
            self._users[name] -= 1
            if not self._users[name]:
                kedro_datasets.empty(self.dataset(name))

    def _snapshots(self, inputs: Iterable[str]) -> dict[str, Callable[[], Any]]:
        restores = {}
        for name in inputs:
            dataset = self.dataset(name)
            if kedro_datasets.is_memory(dataset) and kedro_datasets.has_value(dataset):
                restore = snapshot(name, dataset, kedro_datasets.memory_value(dataset))
                if restore is not None:
                    restores[name] = restore
        return restores

    def _restore_inputs(
        self, restores: Mapping[str, Callable[[], Any]], handles: Mapping[str, Outputs]
    ) -> None:
        for name, restore in restores.items():
            value = restore()
            kedro_datasets.fill(self.dataset(name), value)
            if name in handles:
                handles[name].replace(name, value)

    def _recompute(self, name: str, needed_by: Sequence[Node]) -> Any:
        """Compute an in-memory dataset again whose task had finished before a restart, without a result.

        The nodes it comes from run again here, with their hooks, once per process.
        """
        with self._lock:
            if name in self._recomputed:
                return self._recomputed[name]
            node = next(node for node in self.pipeline.nodes if name in node.outputs)
            self._refuse_to_recompute(name, node, needed_by)
            logger.info("Running node %s again: '%s' was in memory before the restart", node.name, name)
            with contextlib.ExitStack() as borrowed:
                for dependency in dict.fromkeys(node.inputs):
                    self._lend(dependency, {}, needed_by, borrowed)
                self._run_in_order([node], {})
            self._recomputed[name] = None  # stays so if the dataset itself holds the value: a cache
            self._recomputed.update(self._collect(node.outputs, dict.fromkeys(node.outputs, KEPT)))
            return self._recomputed[name]

    def _refuse_to_recompute(self, name: str, node: Node, needed_by: Sequence[Node]) -> None:
        refuse = refuse_unseen(self.pipeline, self._confirmed, node, needed_by)
        reasons = [] if refuse is None else [refuse]
        if not self.spec.owns_version:
            versioned = [out for out in node.outputs if kedro_datasets.is_versioned(self.dataset(out))]
            reasons += [f"it saves the versioned dataset '{out}'" for out in versioned]
        if reasons:
            raise FlowRunError(
                f"This flow run cannot be restarted here: '{name}' was in memory and is gone, and node "
                f"'{node.name}', which makes it, cannot run again: {'; '.join(reasons)}. Start a new flow "
                "run. To make flow runs restartable, give the flow a `result`, or declare "
                f"'{name}' in the catalog."
            )

    def restore(self, outputs: Iterable[Outputs]) -> None:
        """Put the run's own in-memory outputs back into the catalog, for the hooks that end the run."""
        for handle in outputs:
            for name in self._free.intersection(handle.names()):
                kedro_datasets.fill(self.dataset(name), handle.value(name))

    # --- partitions that a node confirms -----------------------------------------------------------

    def adopt_partitions(self, upstream: Iterable[Outputs]) -> dict[str, Any]:
        """What tasks before this one have listed, given to this process's datasets."""
        partitions: dict[str, Any] = {}
        for handle in upstream:
            for name, listed in handle.partitions.items():
                partitions[name] = smallest_listing(partitions.get(name), listed)
        with self._lock:
            for name, listed in partitions.items():
                dataset = self.dataset(name)
                if kedro_datasets.listed_partitions(dataset) is None:
                    kedro_datasets.set_listed_partitions(dataset, listed)
        return partitions

    def _partitions_of(self, nodes: Iterable[Node]) -> Iterator[tuple[str, Any]]:
        for name in {name for node in nodes for name in node.inputs if name in self._confirmed}:
            listed = kedro_datasets.listed_partitions(self.dataset(name))
            if listed is not None:
                yield name, listed

    def _check_confirmations(self, nodes: Sequence[Node], partitions: Mapping[str, Any]) -> None:
        """Refuse to load past a checkpoint, or to confirm what is no longer known, after a restart."""
        for node in nodes:
            for name in node.inputs:
                if name not in self._confirmed or name in partitions:
                    continue
                earlier = confirmed_before(self.pipeline, name, self.spec.done_before)
                if earlier is not None and kedro_datasets.lists_partitions(self.dataset(name)):
                    raise FlowRunError(
                        f"Node '{node.name}' cannot load '{name}': before this flow run was restarted, node "
                        f"'{earlier}' may have confirmed it, and what comes before the checkpoint would be "
                        "missing. Set the checkpoint back, and start a new flow run."
                    )
        own = {name for node in nodes for name in node.inputs}
        for node in nodes:
            for name in node.confirms:
                dataset = self.dataset(name)
                if not kedro_datasets.lists_partitions(dataset) or name in own or name in partitions:
                    continue
                unseen = kedro_datasets.listed_partitions(dataset) is None
                if unseen and self._confirmed[name] & before(self.pipeline, node):
                    raise FlowRunError(
                        f"Node '{node.name}' cannot confirm '{name}': it was loaded before this flow run "
                        "was restarted, and what was loaded then is no longer known. Start a new flow run. "
                        "To make flow runs restartable, give the flow a `result`."
                    )
