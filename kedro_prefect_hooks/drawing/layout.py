"""Where the boxes of an acyclic graph go, and the lines between them: in layers, from top to bottom.

Sugiyama's method in its plainest form: layers by the longest path, an order within each layer by the average
place of the neighbours, then places that least squares bring near to them. Knows nothing of flows.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Iterable, List, Mapping, Sequence, Tuple

GAP_X, GAP_Y = 28.0, 56.0
SWEEPS = 12

Size = Tuple[float, float]
Point = Tuple[float, float]


@dataclass
class Layout:
    """Places in pixels.

    Args:
        width, height: of the whole.
        boxes: id → left, top, width, height.
        lines: (source, target) → the points that its line goes through, from the source's lower side.
    """

    width: float
    height: float
    boxes: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    lines: dict[tuple[str, str], list[Point]] = field(default_factory=dict)


def laid_out(sizes: Mapping[str, Size], edges: Iterable[tuple[str, str]]) -> Layout:
    """Places for boxes of given sizes.

    Args:
        sizes: id → width and height. Their order decides where nothing else does.
        edges: from upper to lower box; without a cycle.
    """
    pairs = list(dict.fromkeys(edges))
    parts = [
        _of_one_part({id: sizes[id] for id in ids}, [pair for pair in pairs if pair[0] in ids])
        for ids in _parts(list(sizes), pairs)
    ]
    return _packed(parts)


def _parts(ids: Sequence[str], edges: Sequence[tuple[str, str]]) -> List[dict[str, None]]:
    """The ids of each connected part, as the keys of a dictionary, in their order."""
    near: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        near[source].append(target)
        near[target].append(source)
    part: dict[str, int] = {}
    count = 0
    for id in ids:
        todo = [] if id in part else [id]
        count += bool(todo)
        while todo:
            each = todo.pop()
            if each not in part:
                part[each] = count - 1
                todo += near[each]
    found: List[dict[str, None]] = [{} for _ in range(count)]
    for id in ids:
        found[part[id]][id] = None
    return found


def _packed(parts: Sequence[Layout]) -> Layout:
    """Parts side by side, in rows about as wide as a screen is against its height."""
    area = sum((part.width + GAP_X) * (part.height + GAP_Y) for part in parts)
    widest = max([(1.8 * area) ** 0.5, *(part.width for part in parts)])
    whole = Layout(0.0, 0.0)
    x = y = row = 0.0
    for part in sorted(parts, key=lambda part: -part.height):
        if x and x + part.width > widest:
            x, y, row = 0.0, y + row + GAP_Y, 0.0
        for id, (left, top, width, height) in part.boxes.items():
            whole.boxes[id] = (left + x, top + y, width, height)
        for ends, points in part.lines.items():
            whole.lines[ends] = [(left + x, top + y) for left, top in points]
        whole.width = max(whole.width, x + part.width)
        whole.height = max(whole.height, y + part.height)
        x, row = x + part.width + 2 * GAP_X, max(row, part.height)
    return whole


def _of_one_part(sizes: Mapping[str, Size], pairs: Sequence[tuple[str, str]]) -> Layout:
    layer_of = _layers(list(sizes), pairs)
    widths = {id: size[0] for id, size in sizes.items()}
    chains = _with_dummies(layer_of, pairs, widths)
    layers = _rows(layer_of)
    above, below = _neighbours(chains.values())
    _order(layers, above, below)
    centres = _places(layers, above, below, widths)
    return _drawn(layers, centres, sizes, chains)


def _layers(ids: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest path from above; what has nothing above it comes just before what needs it first."""
    after: dict[str, list[str]] = defaultdict(list)
    left = dict.fromkeys(ids, 0)
    for source, target in edges:
        after[source].append(target)
        left[target] += 1
    sources = {id for id, count in left.items() if not count}
    layer = dict.fromkeys(ids, 0)
    ready = [id for id in ids if id in sources]
    for id in ready:  # grows while it is walked
        for target in after[id]:
            layer[target] = max(layer[target], layer[id] + 1)
            left[target] -= 1
            if not left[target]:
                ready.append(target)
    if len(ready) < len(left):
        raise ValueError("the graph has a cycle")
    for id in sources:
        if after[id]:
            layer[id] = min(layer[target] for target in after[id]) - 1
    return layer


def _with_dummies(
    layer_of: dict[str, int], edges: Sequence[tuple[str, str]], widths: dict[str, float]
) -> dict[tuple[str, str], list[str]]:
    """Each edge as a chain over all layers that it crosses; adds the points in between to `layer_of`."""
    chains: dict[tuple[str, str], list[str]] = {}
    for source, target in edges:
        chain = [source]
        for layer in range(layer_of[source] + 1, layer_of[target]):
            dummy = f" {source} {target} {layer}"
            layer_of[dummy], widths[dummy] = layer, 6.0
            chain.append(dummy)
        chains[source, target] = [*chain, target]
    return chains


def _rows(layer_of: Mapping[str, int]) -> List[List[str]]:
    rows: List[List[str]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for id, layer in layer_of.items():
        rows[layer].append(id)
    return rows


def _neighbours(
    chains: Iterable[Sequence[str]],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for chain in chains:
        for upper, lower in zip(chain, chain[1:]):
            above[lower].append(upper)
            below[upper].append(lower)
    return above, below


def _order(
    layers: List[List[str]], above: Mapping[str, Sequence[str]], below: Mapping[str, Sequence[str]]
) -> None:
    """Sort each layer by the average place of its neighbours, downwards and upwards in turn."""
    place = {id: float(index) for row in layers for index, id in enumerate(row)}
    for sweep in range(SWEEPS):
        near = above if sweep % 2 == 0 else below
        for row in layers if sweep % 2 == 0 else reversed(layers):

            def wanted(id: str, near: Mapping[str, Sequence[str]] = near) -> float:
                others = near.get(id, ())
                return sum(place[each] for each in others) / len(others) if others else place[id]

            row.sort(key=wanted)
            for index, id in enumerate(row):
                place[id] = float(index)


def _places(
    layers: List[List[str]],
    above: Mapping[str, Sequence[str]],
    below: Mapping[str, Sequence[str]],
    widths: Mapping[str, float],
) -> dict[str, float]:
    """The centre of each box, from left to right."""
    centres: dict[str, float] = {}
    for row in layers:
        x = 0.0
        for id in row:
            centres[id] = x + widths[id] / 2
            x += widths[id] + GAP_X
    for sweep in range(SWEEPS):
        near = below if sweep % 2 == 0 else above
        for row in reversed(layers) if sweep % 2 == 0 else layers:
            wanted = [
                sum(centres[each] for each in near[id]) / len(near[id]) if near.get(id) else centres[id]
                for id in row
            ]
            for id, centre in zip(row, _apart(row, wanted, widths)):
                centres[id] = centre
    return centres


def _apart(row: Sequence[str], wanted: Sequence[float], widths: Mapping[str, float]) -> list[float]:
    """The places nearest to those wanted, by least squares, that keep the order and a gap between boxes."""
    offsets = [0.0]
    for left, right in zip(row, row[1:]):
        offsets.append(offsets[-1] + widths[left] / 2 + GAP_X + widths[right] / 2)
    blocks: list[tuple[float, int]] = []  # average and length: pool adjacent violators
    for want, offset in zip(wanted, offsets):
        mean, count = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, many = blocks.pop()
            mean, count = (mean * count + other * many) / (count + many), count + many
        blocks.append((mean, count))
    free = [mean for mean, count in blocks for _ in range(count)]
    return [each + offset for each, offset in zip(free, offsets)]


def _drawn(
    layers: List[List[str]],
    centres: dict[str, float],
    sizes: Mapping[str, Size],
    chains: Mapping[tuple[str, str], Sequence[str]],
) -> Layout:
    left = min((centres[id] - size[0] / 2 for id, size in sizes.items()), default=0.0)
    right = max((centres[id] + size[0] / 2 for id, size in sizes.items()), default=0.0)
    layout = Layout(right - left, 0.0)
    middles: dict[str, float] = {}
    y = 0.0
    for row in layers:
        height = max((sizes[id][1] for id in row if id in sizes), default=0.0)
        for id in row:
            middles[id] = y + height / 2
            if id in sizes:
                width, tall = sizes[id]
                layout.boxes[id] = (centres[id] - left - width / 2, y + (height - tall) / 2, width, tall)
        y += height + GAP_Y
    layout.height = max(y - GAP_Y, 0.0)
    for (source, target), chain in chains.items():
        inner = [(centres[id] - left, middles[id]) for id in chain[1:-1]]
        x, top, width, tall = layout.boxes[source]
        first = (x + width / 2, top + tall)
        x, top, width, _ = layout.boxes[target]
        layout.lines[source, target] = [first, *inner, (x + width / 2, top)]
    return layout
