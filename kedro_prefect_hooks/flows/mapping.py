"""Which tasks are mapped, over what, and which of them run slice by slice one after the other.

Decided when the flow is built, from the settings and from what the catalog says of the datasets; how many
slices there are is known when the flow runs.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Collection, Mapping, NoReturn, Sequence

from kedro_prefect_hooks.compat.kedro_pipeline import is_parameter
from kedro_prefect_hooks.config.messages import InvalidConfigError, Problem, format_names, unknown_name
from kedro_prefect_hooks.runs.slices import SlicedNode

if TYPE_CHECKING:
    from kedro.pipeline.node import Node

    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.flows.grouping import Group


@dataclass(frozen=True)
class MappedGroup:
    """A group whose task is mapped.

    Attributes:
        sliced: its nodes, in order, and what is sliced of each.
        after: name of the mapped group that it follows slice by slice.
    """

    sliced: tuple[SlicedNode, ...]
    after: str | None

    def follows(self, dataset: str) -> bool:
        """Whether this input comes slice by slice, from the mapped group before."""
        return self.after is not None and dataset == self.sliced[0].dataset


@dataclass(frozen=True)
class DatasetKinds:
    """What the catalog says of a pipeline's datasets.

    Attributes:
        in_memory: those that are not persisted.
        partitioned: those that have partitions.
    """

    in_memory: Collection[str] = ()
    partitioned: Collection[str] = ()


def mapped_groups(
    groups: Collection[Group], config: FlowConfig, kinds: DatasetKinds
) -> dict[str, MappedGroup]:
    """The groups whose tasks are mapped, by name.

    Args:
        groups: the flow's, in topological order.
        config: the flow's settings.
        kinds: of the datasets.

    Raises:
        InvalidConfigError: a node cannot be mapped as the settings say.
    """
    builder = _Builder(config, kinds, {name: group.name for group in groups for name in group.outputs})
    for group in groups:
        mapped = [node for node in group.nodes if builder.is_mapped(node)]
        if mapped:
            builder.add(group, mapped)
    return builder.found


class _Builder:
    """Finds the mapped groups, one after the other, in topological order."""

    def __init__(self, config: FlowConfig, kinds: DatasetKinds, makers: Mapping[str, str]) -> None:
        self.config = config
        self.kinds = kinds
        self.makers = makers
        self.found: dict[str, MappedGroup] = {}
        self._sliced: dict[str, SlicedNode] = {}
        """Dataset → the mapped node that makes it."""

    def is_mapped(self, node: Node) -> bool:
        """Whether the settings map this node."""
        settings = self.config.node_settings(node.name, node.tags, node.namespace)
        if settings.map is None and settings.partitions_per_task is not None:
            self._refuse(node, "`partitions_per_task` needs `map`")
        if settings.map is None and settings.continues:
            self._refuse(node, "`on_failed_partition` needs `map`")
        return settings.map is not None

    def add(self, group: Group, mapped: Sequence[Node]) -> None:
        """A group of which some nodes are mapped: that must be all, over the same partitions."""
        others = [node.name for node in group.nodes if node not in mapped]
        if others:
            self._refuse(
                mapped[0],
                f"`group_by` puts it into one task with {format_names(others)}, which {_is_not(others)} "
                f"mapped. {_TOGETHER}",
            )
        first = self._first(group)
        nodes = [first, *(self._later(group, node, first) for node in group.nodes[1:])]
        self.found[group.name] = MappedGroup(
            tuple(nodes), self.makers[first.dataset] if first.after else None
        )

    def _first(self, group: Group) -> SlicedNode:
        """The first node of a mapped group, whose slices are those of the group."""
        node = group.nodes[0]
        dataset = self._dataset(node)
        before = self._sliced.get(dataset)
        per_task, continues = self._settings(group)
        if before is None or per_task in (None, before.per_slice):
            per_slice = before.per_slice if before else per_task or 1
            continues = continues or bool(before and before.continues)
            return self._add(SlicedNode(node.name, dataset, before, per_slice, continues), node)
        if dataset in self.kinds.in_memory:
            self._refuse(
                node,
                f"'{dataset}' is in memory, so node '{node.name}' has the slices of '{before.node}', "
                f"{before.per_slice} partitions per task: leave `partitions_per_task` out",
            )
        return self._add(SlicedNode(node.name, dataset, None, per_task or 1, continues), node)

    def _later(self, group: Group, node: Node, first: SlicedNode) -> SlicedNode:
        """Another node of a mapped group: it has the slices of the first, or what was made of them."""
        dataset = self._dataset(node)
        if dataset not in (first.dataset, *group.outputs):
            self._refuse(
                node,
                f"it is mapped over '{dataset}', and `group_by` puts it into one task with '{first.node}', "
                f"which is mapped over '{first.dataset}'. {_TOGETHER}",
            )
        sliced = (first.dataset, *group.outputs)
        whole = [name for name in node.inputs if name in sliced and name != dataset]
        if whole:
            self._refuse(
                node,
                f"it needs all partitions of {format_names(whole)}, of which the task that `group_by` puts "
                f"it in has one slice at a time. {_TOGETHER}",
            )
        after = first.after if dataset == first.dataset else self._sliced[dataset]
        return self._add(SlicedNode(node.name, dataset, after, first.per_slice, first.continues), node)

    def _add(self, sliced: SlicedNode, node: Node) -> SlicedNode:
        self._check(node)
        self._sliced.update(dict.fromkeys(node.outputs, sliced))
        return sliced

    def _settings(self, group: Group) -> tuple[int | None, bool]:
        """How many partitions the group's task has, and whether what comes after goes on."""
        settings = [self.config.node_settings(node.name, node.tags, node.namespace) for node in group.nodes]
        sizes = sorted({each.partitions_per_task for each in settings if each.partitions_per_task})
        if len(sizes) > 1:
            names = format_names(node.name for node in group.nodes[1:])
            self._refuse(
                group.nodes[0],
                f"`group_by` puts it into one task with {names}, and `partitions_per_task` is "
                f"{' and '.join(map(str, sizes))}: give one number for the task",
            )
        return sizes[0] if sizes else None, any(each.continues for each in settings)

    def _dataset(self, node: Node) -> str:
        """The input that a node is mapped over."""
        wanted = self.config.node_settings(node.name, node.tags, node.namespace).map
        possible = [
            name
            for name in dict.fromkeys(node.inputs)
            if name in self.kinds.partitioned or (name in self.kinds.in_memory and name in self._sliced)
        ]
        what = "a partitioned dataset, or made in memory by a mapped node"
        if wanted is True:
            if len(possible) == 1:
                return possible[0]
            names = f"these inputs are: {format_names(possible)}" if possible else "none of its inputs is"
            self._refuse(node, f"`map: true` needs exactly one input that is {what}; {names}")
        name = str(wanted)
        inputs = [name for name in node.inputs if not is_parameter(name)]
        if name not in inputs:
            self._refuse(node, unknown_name("input", name, inputs, among=f"Inputs of node {node.name!r}"))
        if name not in possible:
            unmade = name in self.kinds.in_memory and name not in self.makers
            why = ": it is in memory, and no node that this flow runs makes it" if unmade else ""
            self._refuse(node, f"cannot be mapped over '{name}', which is not {what}{why}")
        return name

    def _check(self, node: Node) -> None:
        for output in node.outputs:
            if output not in self.kinds.partitioned and output not in self.kinds.in_memory:
                self._refuse(
                    node,
                    f"a mapped node saves slice by slice, which its output '{output}' cannot: use a "
                    "partitioned dataset, or leave it in memory",
                )
        if inspect.isgeneratorfunction(node.func):
            self._refuse(node, "a generator function cannot be mapped")

    def _refuse(self, node: Node, why: str) -> NoReturn:
        raise InvalidConfigError([Problem(self.config.place("nodes", node.name), why)])


_TOGETHER = "The nodes of a mapped task must all be mapped over the same partitions"
"""Where `group_by` puts nodes together that cannot be."""


def _is_not(names: Sequence[str]) -> str:
    return "is not" if len(names) == 1 else "are not"
