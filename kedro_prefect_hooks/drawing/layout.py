"""Where the boxes of an acyclic graph go, and the lines between them.

Sugiyama's method in its plainest form: layers by the longest path, an order within each layer by the average
position of the neighbours, then positions that least squares brings close to them. Knows nothing of flows.

Everything below is written for layers from top to bottom; a graph that runs to the right is the same one with
its axes swapped.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple

LAYER_GAP = 56.0
"""Between one layer and the next."""

GAP_DOWN, GAP_RIGHT = 28.0, 14.0
"""Between two boxes of a layer: less in a column than in a row, because boxes of text are wide and low."""

SWEEPS = 12
ASPECT = 1.8
"""Width to height that is aimed at where unconnected parts leave a choice: about that of a screen."""

MAX_WAYPOINTS = 50_000
"""In all. The longest edges of a graph that needs more get none, which bounds time and memory."""

Size = Tuple[float, float]
Point = Tuple[float, float]
Box = Tuple[float, float, float, float]
Edge = Tuple[str, str]


@dataclass
class Layout:
    """Positions in pixels.

    Args:
        width, height: of the whole drawing.
        boxes: id → left, top, width, height.
        lines: (source, target) → the points on its line, from the source's edge to the target's.
    """

    width: float
    height: float
    boxes: Dict[str, Box] = field(default_factory=dict)
    lines: Dict[Edge, List[Point]] = field(default_factory=dict)


def lay_out(sizes: Mapping[str, Size], edges: Iterable[Edge], *, rightwards: bool = False) -> Layout:
    """Position boxes of given sizes.

    Args:
        sizes: id → width and height. Their order decides where nothing else does.
        edges: from one box to a box in a later layer; duplicates count once.
        rightwards: layers from left to right rather than from top to bottom.

    Raises:
        ValueError: the graph has a cycle.
    """
    gap = GAP_RIGHT if rightwards else GAP_DOWN
    if rightwards:
        sizes = {id: (height, width) for id, (width, height) in sizes.items()}
    unique = list(dict.fromkeys(edges))
    layouts = []
    for ids, pairs in _components(list(sizes), unique):
        max_waypoints = MAX_WAYPOINTS * len(pairs) // max(1, len(unique))
        layouts.append(_component_layout({id: sizes[id] for id in ids}, pairs, gap, max_waypoints))
    if rightwards:
        return _pack([_with_axes_swapped(layout) for layout in layouts], LAYER_GAP, 2 * gap)
    return _pack(layouts, 2 * gap, LAYER_GAP)


def _components(ids: Sequence[str], edges: Sequence[Edge]) -> List[Tuple[List[str], List[Edge]]]:
    """Ids and edges of each connected part, in their order."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        neighbours[source].append(target)
        neighbours[target].append(source)
    component_of: dict[str, int] = {}
    count = 0
    for id in ids:
        if id in component_of:
            continue
        todo = [id]
        while todo:
            current = todo.pop()
            if current not in component_of:
                component_of[current] = count
                todo += neighbours[current]
        count += 1
    components: List[Tuple[List[str], List[Edge]]] = [([], []) for _ in range(count)]
    for id in ids:
        components[component_of[id]][0].append(id)
    for edge in edges:
        components[component_of[edge[0]]][1].append(edge)
    return components


def _pack(parts: Sequence[Layout], gap_x: float, gap_y: float) -> Layout:
    """Put parts side by side, in rows that together are about as wide as a screen is for its height."""
    area = sum((part.width + gap_x) * (part.height + gap_y) for part in parts)
    max_width = max([(ASPECT * area) ** 0.5, *(part.width for part in parts)])
    packed = Layout(0.0, 0.0)
    x = y = row_height = 0.0
    for part in sorted(parts, key=lambda part: -part.height):
        if x and x + part.width > max_width:
            x, y, row_height = 0.0, y + row_height + gap_y, 0.0
        for id, (left, top, width, height) in part.boxes.items():
            packed.boxes[id] = (left + x, top + y, width, height)
        for edge, points in part.lines.items():
            packed.lines[edge] = [(left + x, top + y) for left, top in points]
        packed.width = max(packed.width, x + part.width)
        packed.height = max(packed.height, y + part.height)
        x, row_height = x + part.width + gap_x, max(row_height, part.height)
    return packed


def _with_axes_swapped(layout: Layout) -> Layout:
    return Layout(
        layout.height,
        layout.width,
        {id: (top, left, height, width) for id, (left, top, width, height) in layout.boxes.items()},
        {edge: [(y, x) for x, y in points] for edge, points in layout.lines.items()},
    )


def _component_layout(
    sizes: Mapping[str, Size], edges: Sequence[Edge], gap: float, max_waypoints: int
) -> Layout:
    layer_of = _layers(list(sizes), edges)
    widths = {id: size[0] for id, size in sizes.items()}
    chains = _with_waypoints(layer_of, edges, widths, max_waypoints)
    rows = _rows(layer_of)
    above, below = _neighbours(chains.values())
    _sort_rows(rows, above, below)
    centres = _centres(rows, above, below, widths, gap)
    return _boxes_and_lines(rows, centres, sizes, chains)


def _layers(ids: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest path from above; a box with nothing above it comes right before the first that needs it."""
    after: dict[str, list[str]] = defaultdict(list)
    remaining = dict.fromkeys(ids, 0)
    for source, target in edges:
        after[source].append(target)
        remaining[target] += 1
    sources = [id for id, count in remaining.items() if not count]
    layer = dict.fromkeys(ids, 0)
    ready = list(sources)
    for id in ready:  # grows as it is walked
        for target in after[id]:
            layer[target] = max(layer[target], layer[id] + 1)
            remaining[target] -= 1
            if not remaining[target]:
                ready.append(target)
    if len(ready) < len(ids):
        raise ValueError("the graph has a cycle")
    for id in sources:
        if after[id]:
            layer[id] = min(layer[target] for target in after[id]) - 1
    return layer


def _with_waypoints(
    layer_of: dict[str, int], edges: Sequence[Edge], widths: dict[str, float], max_waypoints: int
) -> dict[Edge, list[str]]:
    """Each edge as a chain over all layers that it crosses; adds the waypoints in between to `layer_of`.

    Short edges come first, so that a graph with too many waypoints loses those of its longest edges.
    """
    chains: dict[Edge, list[str]] = {edge: list(edge) for edge in edges}
    for source, target in sorted(edges, key=lambda edge: layer_of[edge[1]] - layer_of[edge[0]]):
        crossed = range(layer_of[source] + 1, layer_of[target])
        max_waypoints -= len(crossed)
        if max_waypoints < 0:
            break
        waypoints = [f" {source} {target} {layer}" for layer in crossed]
        layer_of.update(zip(waypoints, crossed))
        widths.update(dict.fromkeys(waypoints, 6.0))
        chains[source, target] = [source, *waypoints, target]
    return chains


def _rows(layer_of: Mapping[str, int]) -> List[List[str]]:
    rows: List[List[str]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for id, layer in layer_of.items():
        rows[layer].append(id)
    return rows


def _neighbours(chains: Iterable[Sequence[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for chain in chains:
        for upper, lower in zip(chain, chain[1:]):
            above[lower].append(upper)
            below[upper].append(lower)
    return above, below


def _sort_rows(
    rows: List[List[str]], above: Mapping[str, Sequence[str]], below: Mapping[str, Sequence[str]]
) -> None:
    """Sort each row by the average position of its neighbours, downwards and upwards in turn."""
    position = {id: float(index) for row in rows for index, id in enumerate(row)}
    for sweep in range(SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            averages = {id: _average(position, neighbours.get(id, ()), position[id]) for id in row}
            row.sort(key=averages.__getitem__)
            for index, id in enumerate(row):
                position[id] = float(index)


def _average(values: Mapping[str, float], ids: Sequence[str], default: float) -> float:
    return sum(values[id] for id in ids) / len(ids) if ids else default


def _centres(
    rows: List[List[str]],
    above: Mapping[str, Sequence[str]],
    below: Mapping[str, Sequence[str]],
    widths: Mapping[str, float],
    gap: float,
) -> dict[str, float]:
    """The centre of each box, from left to right."""
    centres: dict[str, float] = {}
    for row in rows:
        x = 0.0
        for id in row:
            centres[id] = x + widths[id] / 2
            x += widths[id] + gap
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 == 0 else above
        for row in reversed(rows) if sweep % 2 == 0 else rows:
            ideal = [_average(centres, neighbours.get(id, ()), centres[id]) for id in row]
            centres.update(zip(row, _spread(row, ideal, widths, gap)))
    return centres


def _spread(
    row: Sequence[str], ideal: Sequence[float], widths: Mapping[str, float], gap: float
) -> list[float]:
    """The centres closest to the ideal ones, by least squares, that keep the order and the gaps."""
    offsets = [0.0]
    for left, right in zip(row, row[1:]):
        offsets.append(offsets[-1] + widths[left] / 2 + gap + widths[right] / 2)
    blocks: list[tuple[float, int]] = []  # average and length: pool adjacent violators
    for centre, offset in zip(ideal, offsets):
        mean, count = centre - offset, 1
        while blocks and blocks[-1][0] > mean:
            other_mean, other_count = blocks.pop()
            mean = (mean * count + other_mean * other_count) / (count + other_count)
            count += other_count
        blocks.append((mean, count))
    starts = [mean for mean, count in blocks for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets)]


def _boxes_and_lines(
    rows: List[List[str]],
    centres: Mapping[str, float],
    sizes: Mapping[str, Size],
    chains: Mapping[Edge, Sequence[str]],
) -> Layout:
    left = min((centres[id] - size[0] / 2 for id, size in sizes.items()), default=0.0)
    left = min([left, *(centres[id] for row in rows for id in row)])
    right = max((centres[id] + size[0] / 2 for id, size in sizes.items()), default=0.0)
    right = max([right, *(centres[id] for row in rows for id in row)])
    layout = Layout(right - left, 0.0)
    extents: dict[str, tuple[float, float]] = {}
    y = 0.0
    for row in rows:
        row_height = max((sizes[id][1] for id in row if id in sizes), default=0.0)
        for id in row:
            extents[id] = (y, y + row_height)
            if id in sizes:
                width, height = sizes[id]
                top = y + (row_height - height) / 2
                layout.boxes[id] = (centres[id] - left - width / 2, top, width, height)
        y += row_height + LAYER_GAP
    layout.height = max(y - LAYER_GAP, 0.0)
    for (source, target), chain in chains.items():
        x, top, width, height = layout.boxes[source]
        points = [(x + width / 2, top + height)]
        for waypoint in chain[1:-1]:
            # Straight through the row, so that the line does not cut into the boxes beside it.
            points += [(centres[waypoint] - left, edge) for edge in extents[waypoint]]
        x, top, width, _ = layout.boxes[target]
        layout.lines[source, target] = [*points, (x + width / 2, top)]
    return layout
