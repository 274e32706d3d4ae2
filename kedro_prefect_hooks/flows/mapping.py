"""Which tasks are mapped, over what, and which of them run slice by slice one after the other.

Decided when the flow is built, from the settings and from what the catalog says of the datasets; how many
slices there are is known when the flow runs.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Collection, Mapping, NoReturn

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
        sliced: its node, and what is sliced.
        after: name of the mapped group that it follows slice by slice.
    """

    sliced: SlicedNode
    after: str | None

    def follows(self, dataset: str) -> bool:
        """Whether this input comes slice by slice, from the mapped group before."""
        return self.after is not None and dataset == self.sliced.dataset


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
    found: dict[str, MappedGroup] = {}
    makers = {name: group.name for group in groups for name in group.outputs}
    for group in groups:
        for node in group.nodes:
            settings = config.node_settings(node.name, node.tags, node.namespace)
            if settings.map is None:
                if settings.partitions_per_task is not None:
                    _refuse(config, node, "`partitions_per_task` needs `map`")
                if settings.continues:
                    _refuse(config, node, "`on_failed_partition` needs `map`")
                continue
            if len(group.nodes) > 1:
                names = format_names(each.name for each in group.nodes)
                _refuse(
                    config, node, f"a mapped node needs a task of its own, and `group_by` gives it: {names}"
                )
            per_task = settings.partitions_per_task
            possible = _possible(node, kinds, found, makers)
            dataset = _dataset(config, node, settings.map, possible)
            _check_node(config, node, kinds)
            before = found.get(makers.get(dataset, ""))
            if before is not None and per_task in (None, before.sliced.per_slice):
                continues = settings.continues or before.sliced.continues
                sliced = SlicedNode(node.name, dataset, before.sliced, before.sliced.per_slice, continues)
                found[group.name] = MappedGroup(sliced, makers[dataset])
                continue
            if before is not None and dataset in kinds.in_memory:
                _refuse(
                    config,
                    node,
                    f"'{dataset}' is in memory, so node '{node.name}' has the slices of "
                    f"'{before.sliced.node}', {before.sliced.per_slice} partitions per task: leave "
                    "`partitions_per_task` out",
                )
            sliced = SlicedNode(node.name, dataset, None, per_task or 1, settings.continues)
            found[group.name] = MappedGroup(sliced, None)
    return found


def _possible(
    node: Node, kinds: DatasetKinds, found: Mapping[str, MappedGroup], makers: Mapping[str, str]
) -> list[str]:
    """The inputs that a node can be mapped over."""
    return [
        name
        for name in dict.fromkeys(node.inputs)
        if name in kinds.partitioned or (name in kinds.in_memory and makers.get(name) in found)
    ]


def _dataset(config: FlowConfig, node: Node, wanted: str | bool, possible: list[str]) -> str:
    """The input that a node is mapped over."""
    what = "a partitioned dataset, or made in memory by a mapped node"
    if wanted is True:
        if len(possible) == 1:
            return possible[0]
        names = f"these inputs are: {format_names(possible)}" if possible else "none of its inputs is"
        _refuse(config, node, f"`map: true` needs exactly one input that is {what}; {names}")
    name = str(wanted)
    inputs = [name for name in node.inputs if not is_parameter(name)]
    if name not in inputs:
        _refuse(config, node, unknown_name("input", name, inputs, among=f"Inputs of node {node.name!r}"))
    if name not in possible:
        _refuse(config, node, f"cannot be mapped over '{name}', which is not {what}")
    return name


def _check_node(config: FlowConfig, node: Node, kinds: DatasetKinds) -> None:
    for output in node.outputs:
        if output not in kinds.partitioned and output not in kinds.in_memory:
            _refuse(
                config,
                node,
                f"a mapped node saves slice by slice, which its output '{output}' cannot: use a partitioned "
                "dataset, or leave it in memory",
            )
    if inspect.isgeneratorfunction(node.func):
        _refuse(config, node, "a generator function cannot be mapped")


def _refuse(config: FlowConfig, node: Node, why: str) -> NoReturn:
    raise InvalidConfigError([Problem(config.place("nodes", node.name), why)])
