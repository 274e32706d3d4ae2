"""What a picture of a flow shows, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vertex:
    """A task, a dataset or a flow parameter.

    Args:
        id: unique in the graph, and a plain identifier.
        kind: `task`, `dataset` (persisted), `memory` (an in-memory dataset that no task of the flow makes, or
            that the flow returns) or `parameter`.
        name: the text in the box.
        inside: the names of a task's nodes, if it has several.
        notes: further lines for the tooltip.
        mapped_over: of a mapped task: the input of which it runs once per partition, or per several.
    """

    id: str
    kind: str
    name: str
    inside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mapped_over: str | None = None


@dataclass(frozen=True)
class Edge:
    """Data that travels from one vertex to another.

    Args:
        source, target: ids of vertices.
        kind: `memory` between tasks, `dataset` to or from a dataset, `parameter` from a parameter.
        datasets: the in-memory datasets that it carries.
    """

    source: str
    target: str
    kind: str
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A flow to draw: vertices in topological order, edges, and facts about the flow."""

    name: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    facts: tuple[tuple[str, str], ...] = ()
