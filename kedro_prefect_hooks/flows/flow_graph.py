"""The graph of a flow, ready to be drawn: its tasks, the nodes in them, and the datasets between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Collection, Iterable

from kedro_prefect_hooks.compat.kedro_pipeline import base_name
from kedro_prefect_hooks.drawing.graph import Edge, Graph, Vertex
from kedro_prefect_hooks.flows.tasks import NodeTask

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node

    from kedro_prefect_hooks.flows.flow import KedroFlow


def graph_of(
    flow: KedroFlow,
    pipeline: Pipeline,
    in_memory: Collection[str],
    facts: Iterable[tuple[str, str]] = (),
) -> Graph:
    """The graph of a flow.

    Args:
        flow: the flow.
        pipeline: exactly its nodes.
        in_memory: which of the pipeline's datasets are not persisted.
        facts: about the whole, to be shown beside it.
    """
    builder = _Builder(flow, pipeline, set(in_memory))
    return Graph(flow.name, tuple(builder.vertices.values()), tuple(builder.edges()), tuple(facts))


class _Builder:
    def __init__(self, flow: KedroFlow, pipeline: Pipeline, in_memory: set[str]) -> None:
        self.nodes: dict[str, Node] = {node.name: node for node in pipeline.nodes}
        self.in_memory = {base_name(name) for name in in_memory}
        self.made = {base_name(name) for name in pipeline.all_outputs()}
        self.results = {base_name(name) for name in pipeline.outputs()}
        self.vertices: dict[str, Vertex] = {}
        self.task_ids: dict[str, str] = {}
        self._edges: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        ordered = flow.sorted_tasks()
        self.tasks = [task for task in ordered if isinstance(task, NodeTask)]
        makers = self._makers()
        for parameter in sorted(flow.parameters(), key=lambda each: each.name):
            self._add(
                f"p{len(self.vertices)}", "parameter", parameter.name, (f"default {parameter.default!r}",)
            )
        names = {vertex.name: vertex.id for vertex in self.vertices.values()}
        for number, task in enumerate(self.tasks):
            self._task(f"t{number}", task, makers)
        for edge in flow.edges:
            if edge.upstream_task.name in names:
                source, target = names[edge.upstream_task.name], self.task_ids[edge.downstream_task.name]
                self._edges[source, target, "parameter"] = []

    def _makers(self) -> dict[str, str]:
        """Dataset → the task that makes it."""
        return {
            base_name(output): task.name
            for task in self.tasks
            for node in task.nodes
            for output in self.nodes[node].outputs
        }

    def _add(self, id: str, kind: str, name: str, notes: tuple[str, ...] = ()) -> str:
        self.vertices[id] = Vertex(id, kind, name, notes=notes)
        return id

    def _task(self, id: str, task: NodeTask, makers: dict[str, str]) -> None:
        self.task_ids[task.name] = id
        nodes = [self.nodes[name] for name in task.nodes]
        reads = sorted({base_name(name) for node in nodes for name in node.inputs})
        for dataset in reads:
            maker = makers.get(dataset)
            if maker == task.name or dataset == "parameters" or dataset.startswith("params:"):
                continue
            if dataset in self.in_memory and maker is not None:
                self._edges[self.task_ids[maker], id, "memory"].append(dataset)
            else:
                self._edges[self._dataset(dataset), id, "dataset"] = []
        inside = tuple(task.nodes) if len(task.nodes) > 1 else ()
        over = base_name(task.sliced[0].dataset) if task.sliced else None
        self.vertices[id] = Vertex(id, "task", task.name, inside, tuple(_notes(task, nodes)), over)
        for dataset in sorted({base_name(name) for node in nodes for name in node.outputs}):
            if dataset not in self.in_memory or dataset in self.results:
                self._edges[id, self._dataset(dataset), "dataset"] = []

    def _dataset(self, name: str) -> str:
        for vertex in self.vertices.values():
            if vertex.kind in ("dataset", "memory") and vertex.name == name:
                return vertex.id
        is_memory = name in self.in_memory
        kind = "memory" if is_memory else "dataset"
        note = "persisted"
        if is_memory:
            note = "in memory, the flow's result" if name in self.made else "in memory, from the catalog"
        return self._add(f"d{sum(each.id[0] == 'd' for each in self.vertices.values())}", kind, name, (note,))

    def edges(self) -> Iterable[Edge]:
        for (source, target, kind), datasets in self._edges.items():
            yield Edge(source, target, kind, tuple(datasets))


def _notes(task: NodeTask, nodes: Iterable[Node]) -> Iterable[str]:
    if task.sliced and task.sliced[0].per_slice > 1:
        yield f"partitions per task: {task.sliced[0].per_slice}"
    tags = sorted(task.tags)
    if tags:
        yield f"tags: {', '.join(tags)}"
    if task.max_retries:
        yield f"retries: {task.max_retries}, after {task.retry_delay}"
    if task.timeout:
        yield f"timeout: {task.timeout} s"
    parameters = sorted(
        {
            "all parameters" if name == "parameters" else name[len("params:") :]
            for node in nodes
            for name in node.inputs
            if name == "parameters" or name.startswith("params:")
        }
    )
    if parameters:
        yield f"Kedro parameters: {', '.join(parameters)}"
