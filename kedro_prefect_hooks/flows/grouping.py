"""Which nodes share one task: pure functions from a pipeline to groups of its nodes.

More nodes a task means less overhead and less that travels; fewer means finer retries and restarts.
This module knows nothing of Prefect.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Collection, Hashable, Iterable, Mapping

from kedro_prefect_hooks.errors import ConfigError

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node


@dataclass(frozen=True)
class Group:
    """The nodes of one task, in an order that their edges allow, and the task's name."""

    name: str
    nodes: tuple[Node, ...]

    @cached_property
    def outputs(self) -> frozenset[str]:
        """Datasets that the group makes."""
        return frozenset(name for node in self.nodes for name in node.outputs)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """Datasets that the group loads and does not make itself."""
        return frozenset(name for node in self.nodes for name in node.inputs) - self.outputs


def group_nodes(pipeline: Pipeline, group_by: str, in_memory: Collection[str]) -> list[Group]:
    """The pipeline's nodes as groups, each a task, in an order that their edges allow.

    Args:
        pipeline: the nodes.
        group_by: `none`: one task per node. `namespace`: nodes of one top-level namespace. `memory`: nodes
            linked by in-memory datasets, so that all that passes between tasks is persisted. Anything else: a
            tag prefix; nodes with the same tag of that prefix.
        in_memory: names of the datasets that are not persisted.

    Raises:
        ConfigError: the groups depend on each other in a cycle, or a node has two tags of the prefix.
    """
    nodes = _in_order(pipeline)
    position = {node: index for index, node in enumerate(nodes)}
    dependencies = pipeline.node_dependencies
    if group_by == "none":
        return [Group(node.name, (node,)) for node in nodes]
    if group_by == "memory":
        keys = _by_memory(nodes, set(in_memory), dependencies)
    elif group_by == "namespace":
        keys = {node: (node.namespace or "").split(".")[0] or node for node in nodes}
    else:
        keys = {node: _tag(node, group_by) or node for node in nodes}
    members: dict[Hashable, list[Node]] = defaultdict(list)
    for node in nodes:
        members[keys[node]].append(node)
    names = _names(members, {node.name for node in nodes})
    ordered = _ordered(members, names, keys, dependencies, group_by)
    return [Group(names[key], tuple(sorted(members[key], key=position.__getitem__))) for key in ordered]


def _in_order(pipeline: Pipeline) -> list[Node]:
    """The nodes, each after those that it depends on, otherwise ordered by name.

    Kedro 0.18.1's own order is that of hashes: another one in each process. Groups are named after their
    first and last nodes, and must be called the same where they are registered and where they run.
    """
    dependencies = pipeline.node_dependencies
    depth: dict[Node, int] = {}
    for node in pipeline.nodes:
        depth[node] = 1 + max((depth[before] for before in dependencies[node]), default=0)
    return sorted(depth, key=lambda node: (depth[node], node.name))


def _tag(node: Node, prefix: str) -> str | None:
    tags = sorted(tag for tag in node.tags if tag.startswith(prefix))
    if len(tags) > 1:
        raise ConfigError(
            f"group_by: {prefix!r} cannot place node '{node.name}': it has the tags {', '.join(tags)}, "
            "and can be in one group only."
        )
    return tags[0] if tags else None


def _names(members: Mapping[Hashable, list[Node]], node_names: Collection[str]) -> dict[Hashable, str]:
    """A group's name: that of its only node, of its namespace or tag, or of its first and last node."""
    names = {}
    for key, group in members.items():
        if len(group) == 1:
            names[key] = group[0].name
        elif isinstance(key, str):
            names[key] = key if key not in node_names else f"{key} (group)"
        else:
            names[key] = f"{group[0].name} … {group[-1].name} ({len(group)} nodes)"
    return names


def _by_memory(
    nodes: Iterable[Node], in_memory: set[str], dependencies: Mapping[Node, set[Node]]
) -> dict[Node, Hashable]:
    """Join producers and consumers of in-memory datasets, and nodes that would form a cycle with them."""
    makers = {name: node for node in nodes for name in node.outputs if name in in_memory}
    parent: dict[Node, Node] = {node: node for node in nodes}

    def find(node: Node) -> Node:
        while parent[node] is not node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for node in nodes:
        for name in node.inputs:
            if name in makers:
                parent[find(node)] = find(makers[name])
    while True:
        keys: dict[Node, Hashable] = {node: find(node) for node in nodes}
        cycle = _cycle(keys, dependencies)
        if not cycle:
            return {node: id(key) for node, key in keys.items()}
        joined = set(cycle)
        first, *others = [node for node in nodes if keys[node] in joined]
        for node in others:
            parent[find(node)] = find(first)


def _cycle(keys: Mapping[Node, Hashable], dependencies: Mapping[Node, set[Node]]) -> list[Hashable]:
    """One set of groups that depend on each other, or an empty list."""
    waits: dict[Hashable, set[Hashable]] = {key: set() for key in keys.values()}
    for node, parents in dependencies.items():
        waits[keys[node]].update(keys[before] for before in parents if keys[before] != keys[node])
    left = {key: len(others) for key, others in waits.items()}
    after: dict[Hashable, list[Hashable]] = defaultdict(list)
    for key, others in waits.items():
        for other in others:
            after[other].append(key)
    ready = [key for key, count in left.items() if not count]
    while ready:
        key = ready.pop()
        del left[key]
        for later in after[key]:
            left[later] -= 1
            if not left[later]:
                ready.append(later)
    if not left:
        return []
    walk: list[Hashable] = [next(iter(left))]
    while True:
        earlier = next(key for key in waits[walk[-1]] if key in left)
        if earlier in walk:
            return walk[walk.index(earlier) :]
        walk.append(earlier)


def _ordered(
    members: Mapping[Hashable, list[Node]],
    names: Mapping[Hashable, str],
    keys: Mapping[Node, Hashable],
    dependencies: Mapping[Node, set[Node]],
    group_by: str,
) -> list[Hashable]:
    """Groups in topological order."""
    cycle = _cycle(keys, dependencies)
    if cycle:
        inside = set(cycle)
        named = "; ".join(
            f"{names[key]}: {', '.join(node.name for node in members[key])}"
            if len(members[key]) > 1
            else names[key]
            for key in cycle
        )
        edges = [
            f"'{node.name}' needs '{before.name}'"
            for node in dependencies
            for before in dependencies[node]
            if keys[node] != keys[before] and {keys[node], keys[before]} <= inside
        ]
        raise ConfigError(
            f"group_by: {group_by!r} makes tasks that wait for each other ({named}): "
            f"{', '.join(sorted(edges))}. Put these nodes into one group, or group by something else."
        )
    left = dict.fromkeys(members, 0)
    after: dict[Hashable, dict[Hashable, None]] = defaultdict(dict)  # in the order of the nodes
    for node, parents in dependencies.items():
        for before in parents:
            if keys[before] != keys[node]:
                after[keys[before]][keys[node]] = None
    for laters in after.values():
        for later in laters:
            left[later] += 1
    ready = [key for key, count in left.items() if not count]
    for key in ready:  # grows while it is walked
        for later in after[key]:
            left[later] -= 1
            if not left[later]:
                ready.append(later)
    return ready
