"""Running nodes on a slice of the partitions of one of their inputs.

A mapped task runs its node once per slice, with a catalog in which the mapped input has the slice alone,
and in which the outputs add to what other slices save. Nodes that share a mapped task run one after the
other on each slice. What is passed between processes are ids of partitions; the partitions are loaded where
the node runs. This module knows nothing of Prefect.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from kedro_prefect_hooks.compat import kedro_datasets, kedro_partitions
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.node_runner import FIRST_TRY, Try
from kedro_prefect_hooks.runs.outputs import KEPT, Outputs
from kedro_prefect_hooks.runs.shared_inputs import shared_inputs

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
        per_slice: how many partitions a slice has.
        continues: what comes after runs with what succeeded, if some slices fail.
    """

    node: str
    dataset: str
    after: SlicedNode | None = None
    per_slice: int = 1
    continues: bool = False

    def slices(self, ids: Sequence[str]) -> list[list[str]]:
        """Partitions, divided into slices."""
        starts = range(0, len(ids), self.per_slice)
        return [list(ids[start : start + self.per_slice]) for start in starts]


def listed_slices(runner: NodeRunner, sliced: SlicedNode) -> list[list[str]]:
    """The partitions of a node's input, as slices of ids. Without partitions, one empty slice.

    A node that is given nothing does what it does under `kedro run`: it runs, or its input cannot be loaded.
    """
    return sliced.slices(kedro_partitions.list_ids(runner.dataset(sliced.dataset))) or [[]]


def prepare_outputs(runner: NodeRunner, nodes: Sequence[SlicedNode]) -> None:
    """Empty the outputs that overwrite, before the first slice is saved."""
    for sliced in nodes:
        for name in runner.node(sliced.node).outputs:
            dataset = runner.dataset(name)
            if kedro_partitions.is_partitioned(dataset) and kedro_partitions.overwrites(dataset):
                kedro_partitions.empty(dataset)


def run_slice(
    runner: NodeRunner,
    nodes: Sequence[SlicedNode],
    source: Sequence[str],
    upstream: Sequence[Outputs],
    consumers: Mapping[str, int],
    *,
    attempt: Try = FIRST_TRY,
    even_if_empty: bool = False,
) -> Outputs:
    """Run nodes on one slice.

    Args:
        runner: the flow run in this process.
        nodes: the nodes of the task; each is mapped over what the first one is mapped over, or over what one
            before it makes.
        source: ids of the partitions that the first node of the chain was given for this slice.
        upstream: results of the tasks before; for a node after another mapped task, also of the same slice.
        consumers: in-memory output → how many tasks load this slice of it.
        attempt: which try this is.
        even_if_empty: run the first node, although the node before has made nothing for this slice.

    Returns:
        The slices of the in-memory outputs, and the ids of all slices.

    Raises:
        FlowRunError: a node has not returned what a mapped node must return.
        Exception: a node's own.
    """
    first = nodes[0]
    given, ids = _input(runner, first, source, upstream)
    ids_of: dict[str, list[str]] = {first.dataset: ids}
    own: dict[str, Any] = {}
    for sliced in nodes:
        node = runner.node(sliced.node)
        own.update(shared_inputs(runner, node, ids_of))
        for name in node.outputs:
            made = _Slice(sliced, name, ids_of[sliced.dataset])
            own[name] = _dataset_of_slice(runner.dataset(name), made)
            ids_of[name] = made.saved
    own[first.dataset] = given
    ran: list[SlicedNode] = []
    of_node = {sliced.node: sliced for sliced in nodes}

    def is_idle(node: Any) -> bool:
        """Whether there is nothing in this slice for a node. It counts as having made nothing."""
        sliced = of_node[node.name]
        if ids_of[sliced.dataset] or (sliced is first and (even_if_empty or sliced.after is None)):
            ran.append(sliced)
            return False
        for name in node.outputs:
            if kedro_datasets.is_memory(own[name]):
                kedro_datasets.fill(own[name], {})
        return True

    view = runner.with_datasets(own, [_without_confirms(runner.node(name)) for name in of_node], is_idle)
    outputs = view.run_nodes(list(of_node), upstream, consumers, attempt)
    outputs.given = {sliced.dataset: ids_of[sliced.dataset] for sliced in ran}
    outputs.made = {name: ids_of[name] for sliced in ran for name in runner.node(sliced.node).outputs}
    return outputs


def _dataset_of_slice(dataset: Any, made: _Slice) -> Any:
    """A dataset for one slice of an output: it adds what is saved, and loads just that."""
    if kedro_datasets.is_memory(dataset):
        dataset = kedro_datasets.MemoryDataset(copy_mode=kedro_datasets.copy_mode(dataset))
        return kedro_partitions.saving_slices(dataset, made.checked)
    return kedro_partitions.slice_of(kedro_partitions.saving_slices(dataset, made.checked), made.saved)


def gathered(
    runner: NodeRunner,
    nodes: Sequence[SlicedNode],
    slices: Sequence[Outputs | None],
    source: Sequence[Sequence[str]],
    consumers: Mapping[str, int],
    *,
    before: Outputs | None = None,
    others: Sequence[Outputs] = (),
    confirms: bool = True,
) -> Outputs:
    """What all slices of a mapped task have made, put together, once they are done.

    What the nodes' input has besides, from earlier runs, is processed first: `kedro run` does that too.

    Args:
        runner: the flow run in this process.
        nodes: the nodes of the task.
        slices: what its slices have left in memory; None where that is not known any more, after a restart.
        source: ids of the partitions that the first node of the chain was given, by slice.
        consumers: in-memory output → how many tasks load it.
        before: what this function has returned for the mapped task before.
        others: results of other tasks before, with what is needed as a whole.
        confirms: whether all slices have succeeded, so that what the nodes confirm is confirmed.

    Raises:
        FlowRunError: two slices have returned the same partition.
        Exception: a node's own.
    """
    made = [name for sliced in nodes for name in runner.node(sliced.node).outputs]
    wanted = [name for name in made if consumers.get(name)]
    wanted = [name for name in wanted if kedro_datasets.is_memory(runner.dataset(name))]
    found: list[Outputs] = []
    for each, ids in zip(slices, source):
        if wanted and (each is None or any(name not in each for name in wanted)):
            names = ", ".join(sliced.node for sliced in nodes)
            logger.info("Running node %s again for %s, which was in memory", names, in_words(ids))
            found.append(run_slice(runner, nodes, ids, others, dict.fromkeys(made, KEPT)))
        elif each is not None:
            found.append(each)
    values: dict[str, Any] = {}
    all_rest: list[Outputs] = []
    for sliced in nodes:
        known = [*(before.rest if before is not None else ()), *all_rest]
        left = _left(runner, sliced, found, known, complete=len(found) == len(slices))
        everything = dict.fromkeys(runner.node(sliced.node).outputs, KEPT)
        rest = [
            run_slice(runner, [sliced], [], [handle, *others], everything, even_if_empty=True)
            for handle in left
        ]
        all_rest += rest
        names_of_node = runner.node(sliced.node).outputs
        _refuse_duplicates(sliced, names_of_node, [*found, *rest])
        for name in names_of_node:
            if name in wanted:
                values[name] = _together(runner, sliced, name, found, rest)
        if confirms:
            _confirm(runner, sliced, [*found, *rest], [each for ids in source for each in ids])
    partitions = {name: listed for each in found for name, listed in each.partitions.items()}
    outputs = Outputs(nodes[-1].node, values, consumers, partitions)
    outputs.rest = all_rest
    if runner.remote:
        outputs.check_can_travel()
    return outputs


def _left(
    runner: NodeRunner, sliced: SlicedNode, found: Sequence[Outputs], known: Sequence[Outputs], complete: bool
) -> list[Outputs]:
    """What a node's input has besides what the slices of the node before have made, as slices."""
    if sliced.after is None:
        return []
    left = _unprocessed(runner, sliced, found, known)
    if not left and complete and not any(each.given.get(sliced.dataset) for each in found):
        # The node before has made nothing at all: as under `kedro run`, this one is given nothing.
        return [_made(sliced, [])]
    return left


def _unprocessed(
    runner: NodeRunner, sliced: SlicedNode, found: Sequence[Outputs], known: Sequence[Outputs]
) -> list[Outputs]:
    dataset = runner.dataset(sliced.dataset)
    if kedro_datasets.is_memory(dataset):
        return [each for each in known if (each.made or {}).get(sliced.dataset)]
    done = {each for outputs in found for each in outputs.given.get(sliced.dataset, ())}
    left = [each for each in kedro_partitions.list_ids(dataset) if each not in done]
    return [_made(sliced, ids) for ids in sliced.slices(left)]


def _made(sliced: SlicedNode, ids: list[str]) -> Outputs:
    """As if the node before had returned these partitions for one slice."""
    assert sliced.after is not None
    name = sliced.dataset
    outputs = Outputs(sliced.after.node, {} if ids else {name: {}}, {name: KEPT})
    outputs.made = {name: ids}
    return outputs


def _together(
    runner: NodeRunner, sliced: SlicedNode, name: str, found: Sequence[Outputs], rest: Sequence[Outputs]
) -> dict[Any, Any]:
    """An in-memory output of all slices, in the order in which one call for all would have made it."""
    whole = {key: value for each in (*found, *rest) for key, value in each.value(name).items()}
    if not rest:
        return whole
    first: SlicedNode | None = sliced
    while first is not None and kedro_datasets.is_memory(runner.dataset(first.dataset)):
        first = first.after
    assert first is not None  # what is not in a slice comes from a persisted dataset
    place = {
        each: number for number, each in enumerate(kedro_partitions.list_ids(runner.dataset(first.dataset)))
    }
    if not all(key in place for key in whole):
        return whole
    return {key: whole[key] for key in sorted(whole, key=place.__getitem__)}


def _confirm(runner: NodeRunner, sliced: SlicedNode, done: Sequence[Outputs], source: Sequence[str]) -> None:
    """Confirm what the node confirms: of the dataset that was sliced, what was loaded."""
    for name in runner.node(sliced.node).confirms:
        dataset = runner.dataset(name)
        if name != sliced.dataset or not hasattr(dataset, "confirm"):
            runner.adopt_partitions(done)
            runner.catalog.confirm(name)  # which is an error of Kedro's own for what cannot be confirmed
        elif sliced.after is None:
            kedro_partitions.confirm(dataset, source)
        else:
            given = {each for outputs in done for each in outputs.given.get(name, ())}
            kedro_partitions.confirm(dataset, sorted(given))


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
    of_slices = [each for each in upstream if each.made is not None]
    handle = next((each for each in of_slices if name in (each if in_memory else each.made or {})), None)
    if handle is None:
        known = next(iter(of_slices), None)
        if known is None or (known.made and in_memory):
            logger.info("Running node %s again for %s", sliced.after.node, in_words(source))
            everything = dict.fromkeys(runner.node(sliced.after.node).outputs, KEPT)
            known = run_slice(runner, [sliced.after], source, [], everything)
        handle = known
    if not in_memory:
        ids = list((handle.made or {}).get(name, ()))
        return kedro_partitions.slice_of(dataset, ids), ids
    value = handle.value(name) if name in handle else {}
    given = kedro_datasets.MemoryDataset(copy_mode=kedro_datasets.copy_mode(dataset))
    kedro_datasets.fill(given, value)
    return given, list(value)


def _without_confirms(node: Any) -> Any:
    """The node as it runs on a slice: what it confirms is confirmed when all slices are done."""
    return node._copy(confirms=None) if node.confirms else node


def _refuse_duplicates(sliced: SlicedNode, names: Sequence[str], slices: Iterable[Outputs]) -> None:
    seen: dict[str, set[str]] = {}
    for each in slices:
        for name in names:
            ids = (each.made or {}).get(name, ())
            twice = seen.setdefault(name, set()).intersection(ids)
            if twice:
                raise FlowRunError(
                    f"Node '{sliced.node}', mapped over '{sliced.dataset}', has returned the same partitions "
                    f"of '{name}' for several slices: {_shown(twice)}. {_MUST}"
                )
            seen[name].update(ids)


_MUST = (
    "A mapped node must return, for each output, a dict by partition id, with what it makes of the "
    "partitions that it was given and of no others. A node that looks across partitions cannot be mapped."
)


class _Slice:
    """What a node returns for one slice of one output."""

    def __init__(self, sliced: SlicedNode, output: str, given: Sequence[str]) -> None:
        self.sliced = sliced
        self.output = output
        self.given = given
        self.saved: list[str] = []

    def checked(self, data: Any) -> Mapping[str, Any]:
        """The slice as it was returned.

        Raises:
            FlowRunError: it is no dict, or has partitions that the node was not given.
        """
        start = f"Node '{self.sliced.node}', mapped over '{self.sliced.dataset}', has returned"
        if not isinstance(data, Mapping):
            raise FlowRunError(f"{start} a {type(data).__name__} as '{self.output}'. {_MUST}")
        given = set(self.given)
        others = [key for key in data if key not in given]
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
