"""A graph as SVG: one self-contained file, light or dark according to the reader's settings."""

from __future__ import annotations

import unicodedata
from html import escape
from typing import Iterator, Sequence

from kedro_prefect_hooks.drawing.graph import Edge, Graph, Vertex
from kedro_prefect_hooks.drawing.layout import Layout, Point, Size, lay_out

FONT = 13
MARGIN = 24.0
MAX_NAME_LENGTH = 44
"""Longer names are shortened in their box; the tooltip has the full name."""

SHOWN_NODES = 12
"""How many of a task's nodes its box lists."""

STYLE = """
.kp { --ink: #1c2430; --dim: #5a6675; --paper: #ffffff; --task: #e8f0fe; --task-line: #3b6fd4;
  --data: #e9f6ec; --data-line: #2f8a4c; --memory: #f3f1f7; --memory-line: #8a7ab0;
  --param: #fff4dd; --param-line: #b57d12; --edge: #8793a3;
  font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .kp { --ink: #e7ebf1; --dim: #9aa6b6; --paper: #14181f; --task: #1d2b47;
  --task-line: #7fa6f2; --data: #17301f; --data-line: #63bd80; --memory: #262235; --memory-line: #a597cc;
  --param: #35290f; --param-line: #dba94a; --edge: #6b7787; } }
.kp text { fill: var(--ink); }
.kp .dim { fill: var(--dim); font-size: 11px; }
.kp .name { font-weight: 600; }
.kp .box { stroke-width: 1.4; }
.kp .task .box { fill: var(--task); stroke: var(--task-line); }
.kp .dataset .box { fill: var(--data); stroke: var(--data-line); }
.kp .memory .box { fill: var(--memory); stroke: var(--memory-line); stroke-dasharray: 4 3; }
.kp .parameter .box { fill: var(--param); stroke: var(--param-line); stroke-dasharray: 2 3; }
.kp .edge { fill: none; stroke: var(--edge); stroke-width: 1.4; }
.kp .edge.dataset { stroke: var(--data-line); }
.kp .edge.parameter { stroke: var(--param-line); stroke-dasharray: 2 3; }
.kp marker path { fill: var(--edge); }
"""


def svg(graph: Graph, *, standalone: bool = True) -> str:
    """The drawing as SVG markup.

    Args:
        graph: what to draw.
        standalone: for a file of its own, with style and background; False for use within a page.
    """
    sizes = {vertex.id: _size(vertex) for vertex in graph.vertices}
    layout = lay_out(sizes, [(edge.source, edge.target) for edge in graph.edges])
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    parts = [
        f'<svg class="kp" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(f"Flow {graph.name}")}">'
    ]
    if standalone:
        parts.append(f"<style>{STYLE}</style>")
        parts.append('<rect width="100%" height="100%" style="fill: var(--paper)"/>')
    parts.append(
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    )
    parts.append(f'<g transform="translate({MARGIN:.0f} {MARGIN:.0f})">')
    parts += [_edge(edge, layout) for edge in graph.edges]
    parts += [_vertex(vertex, layout) for vertex in graph.vertices]
    parts.append("</g></svg>")
    return "\n".join(parts)


def _edge(edge: Edge, layout: Layout) -> str:
    carried = f"in memory: {', '.join(edge.datasets)}" if edge.datasets else edge.kind
    return (
        f'<path class="edge {edge.kind}" data-source="{edge.source}" data-target="{edge.target}" '
        f'marker-end="url(#arrow)" d="{_curve(layout.lines[edge.source, edge.target])}">'
        f"<title>{escape(carried)}</title></path>"
    )


def _curve(points: Sequence[Point]) -> str:
    """A smooth line: each piece starts and ends vertically."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        bend = (to_y - y) / 2
        path.append(f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(path)


def _vertex(vertex: Vertex, layout: Layout) -> str:
    x, y, width, height = layout.boxes[vertex.id]
    radius = height / 2 if vertex.kind in ("dataset", "memory") else 7
    mapped = [f"mapped over {vertex.mapped_over}"] if vertex.mapped_over else []
    tooltip = "\n".join([vertex.name, *vertex.inside, *mapped, *vertex.notes])
    label = f"{vertex.kind} {tooltip}".replace("\n", ", ")
    texts = "".join(
        f'<text class="{kind}" x="{width / 2:.1f}" y="{line:.1f}" text-anchor="middle">{escape(text)}</text>'
        for text, kind, line in _texts(vertex)
    )
    behind = "".join(
        f'<rect class="box" x="{by}" y="{by}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}"/>'
        for by in ((6, 3) if vertex.mapped_over else ())
    )
    return (
        f'<g class="{vertex.kind}" id="{vertex.id}" tabindex="0" transform="translate({x:.1f} {y:.1f})" '
        f'aria-label="{escape(label)}"><title>{escape(tooltip)}</title>{behind}'
        f'<rect class="box" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}"/>{texts}</g>'
    )


def _texts(vertex: Vertex) -> Iterator[tuple[str, str, float]]:
    """The lines of text in a box: text, class, and distance of the baseline from the top."""
    yield shorten(vertex.name), "name" if vertex.kind == "task" else "", 20.0
    line = 20.0
    for name in vertex.inside[:SHOWN_NODES]:
        line += 16
        yield shorten(name), "dim", line
    if len(vertex.inside) > SHOWN_NODES:
        line += 16
        yield f"… and {len(vertex.inside) - SHOWN_NODES} more", "dim", line
    if vertex.mapped_over:
        yield shorten(f"mapped over {vertex.mapped_over}"), "dim", line + 16


def _size(vertex: Vertex) -> Size:
    texts = list(_texts(vertex))
    scale = {"name": 0.64, "": 0.57, "dim": 0.5}
    widest = max(text_width(text) * FONT * scale[kind] for text, kind, _ in texts)
    return max(widest + 28, 60.0), texts[-1][2] + 11


def text_width(text: str) -> float:
    """The approximate width of a text in letters; a wide character, such as a Chinese one, counts as two."""
    return sum(1.8 if unicodedata.east_asian_width(letter) in "WF" else 1.0 for letter in text)


def shorten(name: str) -> str:
    """A long name shortened in the middle, because names often differ at their ends."""
    if len(name) <= MAX_NAME_LENGTH:
        return name
    return f"{name[: MAX_NAME_LENGTH // 2]}…{name[-(MAX_NAME_LENGTH // 2 - 1) :]}"
