"""Running nodes on a slice of the partitions of one of their inputs.

A mapped task runs its nodes once per slice, with a catalog in which the mapped input has the slice alone, and
in which the outputs add to what other slices save. What is passed between processes are ids of partitions; the
partitions are loaded where the node runs. This module knows nothing of Prefect.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from kedro_prefect_hooks.compat import kedro_datasets, kedro_partitions
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.node_runner import FIRST_TRY, Try
from kedro_prefect_hooks.runs.outputs import KEPT, Outputs

if TYPE_CHECKING:
    from kedro_prefect_hooks.runs.node_runner import NodeRunner

logger = logging.getLogger(__name__)

_SHOWN = 5
"""Ids in a message."""


@dataclass(frozen=True)
class SlicedNode:
    """A node that runs slice by slice.

    Attributes:
        node: its name.
        dataset: the input that is sliced.
        after: the mapped node that makes this input, if this one runs slice by slice after it.
    """

    node: str
    dataset: str
    after: SlicedNode | None = None


def listed_slices(runner: NodeRunner, dataset: str, per_slice: int) -> list[list[str]]:
    """The partitions of a dataset, as slices of ids. Without partitions, one empty slice.

    A node that is given nothing does what it does under `kedro run`: it runs, or its input cannot be loaded.
    """
    ids = kedro_partitions.list_ids(runner.dataset(dataset))
    return [ids[start : start + per_slice] for start in range(0, len(ids), per_slice)] or [[]]


def prepare_outputs(runner: NodeRunner, sliced: SlicedNode) -> None:
    """Empty the outputs that overwrite, before the first slice is saved."""
    for name in runner.node(sliced.node).outputs:
        dataset = runner.dataset(name)
        if kedro_partitions.is_partitioned(dataset) and kedro_partitions.overwrites(dataset):
            kedro_partitions.empty(dataset)


def run_slice(
    runner: NodeRunner,
    sliced: SlicedNode,
    source: Sequence[str],
    upstream: Sequence[Outputs],
    consumers: Mapping[str, int],
    attempt: Try = FIRST_TRY,
    *,
    even_if_empty: bool = False,
) -> Outputs:
    """Run a node on one slice.

    Args:
        runner: the flow run in this process.
        sliced: the node.
        source: ids of the partitions that the first node of the chain was given for this slice.
        upstream: results of the tasks before; for a node after another mapped node, also of the same slice.
        consumers: in-memory output → how many tasks load this slice of it.
        attempt: which try this is.
        even_if_empty: run the node, although the node before has made nothing for this slice.

    Returns:
        The slices of the in-memory outputs, and the ids of all slices.

    Raises:
        FlowRunError: the node has not returned what a mapped node must return.
        Exception: the node's own.
    """
    node = runner.node(sliced.node)
    given, ids = _input(runner, sliced, source, upstream)
    made = {
        name: _Slice(sliced, name, ids) for name in node.outputs
    }
    if not ids and sliced.after is not None and not even_if_empty:
        values = {
            name: {} for name in node.outputs if kedro_datasets.is_memory(runner.dataset(name))
        }
        outputs = Outputs(node.name, values, consumers)
        outputs.slice = {}
        return outputs
    own = {sliced.dataset: given}
    for name, each in made.items():
        dataset = runner.dataset(name)
        if kedro_datasets.is_memory(dataset):
            dataset = kedro_datasets.MemoryDataset(copy_mode=kedro_datasets.copy_mode(dataset))
        own[name] = kedro_partitions.saving_slices(dataset, each.checked)
    view = runner.with_datasets(own, _without_confirms(node))
    outputs = view.run_nodes([node.name], upstream, consumers, attempt)
    outputs.slice = {name: each.saved for name, each in made.items()}
    return outputs


def gathered(
    runner: NodeRunner,
    sliced: SlicedNode,
    slices: Sequence[Outputs | None],
    source: Sequence[Sequence[str]],
    consumers: Mapping[str, int],
) -> Outputs:
    """What all slices of a node have made, put together, once they are done.

    Args:
        runner: the flow run in this process.
        sliced: the node.
        slices: what its slices have left in memory; None where that is not known any more, after a restart.
        source: ids of the partitions that the first node of the chain was given, by slice.
        consumers: in-memory output → how many tasks load it.

    Raises:
        FlowRunError: two slices have returned the same partition.
    """
    node = runner.node(sliced.node)
    wanted = [name for name in node.outputs if consumers.get(name)]
    wanted = [name for name in wanted if kedro_datasets.is_memory(runner.dataset(name))]
    everything = dict.fromkeys(node.outputs, KEPT)
    found: list[Outputs] = []
    for each, ids in zip(slices, source):
        if wanted and (each is None or any(name not in each for name in wanted)):
            logger.info("Running node %s again for %s, which was in memory", node.name, in_words(ids))
            found.append(run_slice(runner, sliced, ids, [], everything))
        elif each is not None:
            found.append(each)
    if sliced.after is not None and len(found) == len(slices) and all(each.slice == {} for each in found):
        # The node before has made nothing at all: as under `kedro run`, this one is given nothing.
        found.append(run_slice(runner, sliced, [], [_nothing(sliced)], everything, even_if_empty=True))
    _refuse_duplicates(sliced, found)
    values = {}
    for name in wanted:
        values[name] = {key: value for each in found for key, value in each.value(name).items()}
    partitions: dict[str, Any] = {}
    for each in found:
        partitions.update(each.partitions)
    for name in node.confirms:
        dataset = runner.dataset(name)
        if name == sliced.dataset and kedro_partitions.is_partitioned(dataset):
            kedro_partitions.confirm(dataset, [each for ids in source for each in ids])
        else:
            runner.adopt_partitions(found)
            dataset.confirm()
    outputs = Outputs(node.name, values, consumers, partitions)
    if runner.remote:
        outputs.check_can_travel()
    return outputs


def in_words(ids: Sequence[str]) -> str:
    """Partitions in a message, or in a task run's name."""
    if not ids:
        return "no partitions"
    return ids[0] if len(ids) == 1 else f"{ids[0]} … {ids[-1]}"


def _input(
    runner: NodeRunner, sliced: SlicedNode, source: Sequence[str], upstream: Sequence[Outputs]
) -> tuple[Any, list[str]]:
    """The dataset that the node loads its slice from, and the slice's ids."""
    dataset = runner.dataset(sliced.dataset)
    if sliced.after is None:
        return kedro_partitions.slice_of(dataset, source), list(source)
    in_memory = kedro_datasets.is_memory(dataset)
    name = sliced.dataset
    handle = next((each for each in upstream if name in (each if in_memory else each.slice or {})), None)
    if handle is None:
        known = next((each for each in upstream if each.producer == sliced.after.node), None)
        if known is None or known.slice is None or (known.slice and name in known.slice and in_memory):
            logger.info("Running node %s again for %s", sliced.after.node, in_words(source))
            everything = dict.fromkeys(runner.node(sliced.after.node).outputs, KEPT)
            known = run_slice(runner, sliced.after, source, [], everything)
        handle = known
    if not in_memory:
        ids = list((handle.slice or {}).get(name, ()))
        return kedro_partitions.slice_of(dataset, ids), ids
    value = handle.value(name) if name in handle else {}
    given = kedro_datasets.MemoryDataset(copy_mode=kedro_datasets.copy_mode(dataset))
    kedro_datasets.fill(given, value)
    return given, list(value)


def _nothing(sliced: SlicedNode) -> Outputs:
    assert sliced.after is not None
    outputs = Outputs(sliced.after.node, {sliced.dataset: {}}, {sliced.dataset: KEPT})
    outputs.slice = {sliced.dataset: []}
    return outputs


def _without_confirms(node: Any) -> Any:
    """The node as it runs on a slice: what it confirms is confirmed when all slices are done."""
    return node._copy(confirms=None) if node.confirms else node


def _refuse_duplicates(sliced: SlicedNode, slices: Iterable[Outputs]) -> None:
    seen: dict[str, set[str]] = {}
    for each in slices:
        for name, ids in (each.slice or {}).items():
            twice = seen.setdefault(name, set()).intersection(ids)
            if twice:
                raise FlowRunError(
                    f"Node '{sliced.node}', mapped over '{sliced.dataset}', has returned the same partitions "
                    f"of '{name}' for several slices: {_shown(twice)}. {_MUST}"
                )
            seen[name].update(ids)


_MUST = (
    "A mapped node must return, for each output, a dict by partition id, with what it makes of the partitions "
    "that it was given and of no others. A node that looks across partitions cannot be mapped."
)


class _Slice:
    """What a node returns for one slice of one output."""

    def __init__(self, sliced: SlicedNode, output: str, given: Sequence[str]) -> None:
        self.sliced = sliced
        self.output = output
        self.given = set(given)
        self.saved: list[str] = []

    def checked(self, data: Any) -> Mapping[str, Any]:
        """The slice as it was returned.

        Raises:
            FlowRunError: it is no dict, or has partitions that the node was not given.
        """
        start = f"Node '{self.sliced.node}', mapped over '{self.sliced.dataset}', has returned"
        if not isinstance(data, Mapping):
            raise FlowRunError(f"{start} a {type(data).__name__} as '{self.output}'. {_MUST}")
        others = [key for key in data if key not in self.given]
        if others and len(others) < len(data):
            raise FlowRunError(
                f"{start} partitions of '{self.output}' that it was not given: {_shown(others)}. {_MUST}"
            )
        self.saved += list(data)
        return data


def _shown(ids: Iterable[Any]) -> str:
    names = sorted(map(str, ids))
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f", … ({more} more)" if more > 0 else "")
