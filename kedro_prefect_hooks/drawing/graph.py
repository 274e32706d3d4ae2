"""What a picture of a flow shows, whatever it is drawn with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vertex:
    """A task, a dataset or a flow parameter.

    Args:
        id: unique in the graph, and a plain identifier.
        kind: `task`, `dataset` (persisted), `memory` (an in-memory one that no task of the flow makes, or
            that the flow leaves as its result) or `parameter`.
        name: to be shown.
        inside: of a task with several nodes, their names.
        notes: what else there is to say.
    """

    id: str
    kind: str
    name: str
    inside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edge:
    """A way of data.

    Args:
        source, target: ids of vertices.
        kind: `memory` between tasks, `dataset` to or from a dataset, `parameter`.
        datasets: what travels in memory.
    """

    source: str
    target: str
    kind: str
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A flow to be drawn: vertices in topological order, edges, and facts about the whole."""

    name: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    facts: tuple[tuple[str, str], ...] = ()
