"""A graph as Mermaid text, which GitHub and GitLab draw in a README."""

from __future__ import annotations

from typing import Iterator

from kedro_prefect_hooks.drawing.graph import Graph, Vertex

_SHAPES = {"task": ("[", "]"), "dataset": ("[(", ")]"), "memory": ("([", "])"), "parameter": ("{{", "}}")}


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart, without the code fence around it."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield "flowchart TD"
    for vertex in graph.vertices:
        before, after = ("[[", "]]") if vertex.mapped_over else _SHAPES[vertex.kind]
        yield f'    {vertex.id}{before}"{_label(vertex)}"{after}'
    for edge in graph.edges:
        arrow = "-.->" if edge.kind == "parameter" else "-->"
        carried = f'|"{_quoted(", ".join(edge.datasets))}"|' if edge.datasets else ""
        yield f"    {edge.source} {arrow}{carried} {edge.target}"


def _label(vertex: Vertex) -> str:
    lines = [*vertex.inside, *([f"mapped over {vertex.mapped_over}"] if vertex.mapped_over else [])]
    return "<br/>".join([_quoted(vertex.name), *(f"<i>{_quoted(line)}</i>" for line in lines)])


def _quoted(text: str) -> str:
    """Mermaid ends a quoted string at the next quote, and reads `#` and `<` as an entity or a tag."""
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(character, entity)
    return text
