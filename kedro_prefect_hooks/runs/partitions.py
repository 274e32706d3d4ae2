"""Partitioned datasets that a node confirms: what was loaded is what is confirmed, and nothing twice.

Confirming moves a checkpoint. It must move to what this run has loaded, in any process, and not past
what has arrived since; and once it has moved, what was loaded cannot be loaded again. Pure functions on a
pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Collection, Mapping, Sequence

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node


def confirmed_datasets(pipeline: Pipeline) -> dict[str, set[str]]:
    """Each dataset that a node confirms, with the names of the nodes that load it."""
    confirmed = {name for node in pipeline.nodes for name in node.confirms}
    return {name: {node.name for node in pipeline.nodes if name in node.inputs} for name in confirmed}


def confirmed_before(pipeline: Pipeline, name: str, done_before: Collection[str]) -> str | None:
    """A node that may have confirmed this dataset in an earlier attempt; None if there is none."""
    found = (node.name for node in pipeline.nodes if name in node.confirms and node.name in done_before)
    return next(found, None)


def before(pipeline: Pipeline, node: Node) -> set[str]:
    """Names of the nodes that this one depends on, directly or not."""
    found: set[Node] = set()
    todo = [node]
    while todo:
        for dependency in pipeline.node_dependencies[todo.pop()]:
            if dependency not in found:
                found.add(dependency)
                todo.append(dependency)
    return {each.name for each in found}


def smallest_listing(one: Any, other: Any) -> Any:
    """Of two listings of a dataset the one that ends first: what only one node saw stays unconfirmed."""
    if one is None or not isinstance(one, list) or not isinstance(other, list):
        return other if one is None else one
    return min(one, other, key=lambda listing: listing[-1] if listing else "")


def refuse_unseen(
    pipeline: Pipeline, confirmed: Mapping[str, set[str]], node: Node, needed_by: Sequence[Node]
) -> str | None:
    """Why a node may not run again after a restart; None when it may.

    What it loaded may have been confirmed since, so that it would load something else: that is so unless each
    node that confirms comes after the node that is about to run.

    Args:
        pipeline: the run's.
        confirmed: from `confirmed_datasets`.
        node: the node to run again.
        needed_by: the nodes about to run, which have therefore not finished.
    """
    loaded = [name for name in node.inputs if name in confirmed]
    loaded += [name for name in node.confirms if name not in loaded]
    if not loaded:
        return None
    unfinished = {each.name for each in needed_by} | _after(pipeline, needed_by)
    for name in loaded:
        for each in pipeline.nodes:
            if name in each.confirms and each.name not in unfinished:
                return (
                    f"it would load '{name}' past the checkpoint that node '{each.name}' may have confirmed"
                )
    return None


def _after(pipeline: Pipeline, nodes: Sequence[Node]) -> set[str]:
    """Names of the nodes that depend on one of these, directly or not."""
    found = {node.name for node in nodes}
    for node in pipeline.nodes:  # in topological order
        if any(before.name in found for before in pipeline.node_dependencies[node]):
            found.add(node.name)
    return found
