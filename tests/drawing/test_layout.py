"""Boxes never overlap, and every line goes down, or right, whatever the graph."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedro_prefect_hooks.drawing import layout as layout_module
from kedro_prefect_hooks.drawing.layout import Layout, lay_out


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, tuple[float, float]], list[tuple[str, str]]]:
    count = draw(st.integers(1, 14))
    size = st.tuples(st.floats(10, 300), st.floats(10, 90))
    sizes = {f"v{i}": draw(size) for i in range(count)}
    pairs = list(itertools.combinations(sizes, 2))
    edges = draw(st.lists(st.sampled_from(pairs), max_size=30)) if pairs else []
    return sizes, edges


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    apart = a[0] + a[2] <= b[0] + 1e-6 or b[0] + b[2] <= a[0] + 1e-6
    return not (apart or a[1] + a[3] <= b[1] + 1e-6 or b[1] + b[3] <= a[1] + 1e-6)


def _check(
    layout: Layout,
    sizes: dict[str, tuple[float, float]],
    edges: list[tuple[str, str]],
    *,
    rightwards: bool = False,
) -> None:
    along = 0 if rightwards else 1
    assert set(layout.boxes) == set(sizes)
    assert set(layout.lines) == set(edges)
    for one, other in itertools.combinations(layout.boxes.values(), 2):
        assert not _overlap(one, other)
    for x, y, width, height in layout.boxes.values():
        assert x >= -1e-6 and y >= -1e-6
        assert x + width <= layout.width + 1e-6 and y + height <= layout.height + 1e-6
    for (source, target), points in layout.lines.items():
        assert all(one[along] < other[along] for one, other in zip(points, points[1:]))
        assert all(-1e-6 <= x <= layout.width + 1e-6 for x, _ in points)
        assert all(-1e-6 <= y <= layout.height + 1e-6 for _, y in points)
        box = layout.boxes[source]
        assert points[0][along] == pytest.approx(box[along] + box[along + 2])
        assert points[-1][along] == pytest.approx(layout.boxes[target][along])


@given(graphs(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_overlap_and_all_lines_in_one_direction(
    graph: tuple[dict[str, tuple[float, float]], list[tuple[str, str]]], rightwards: bool
) -> None:
    sizes, edges = graph
    _check(lay_out(sizes, edges, rightwards=rightwards), sizes, edges, rightwards=rightwards)


CHAIN = [(i, i + 1) for i in range(59)]
EDGES = {
    "none": [],
    "chain": CHAIN,
    "fan": [(0, target) for _, target in CHAIN],
    "both ways": [(target % 7 if target % 7 < target else 0, target) for _, target in CHAIN],
    "skips": [edge for source, target in CHAIN for edge in ((source, target), (source // 2, target))],
}


@pytest.mark.parametrize("rightwards", [False, True], ids=["down", "right"])
@pytest.mark.parametrize("kind", EDGES)
def test_sixty_equal_boxes(kind: str, rightwards: bool) -> None:
    sizes = {f"t{i}": (100.0, 20.0) for i in range(60)}
    edges = [(f"t{source}", f"t{target}") for source, target in EDGES[kind]]
    layout = lay_out(sizes, edges, rightwards=rightwards)
    _check(layout, sizes, list(dict.fromkeys(edges)), rightwards=rightwards)
    along = 0 if rightwards else 1
    for source, target in edges:
        assert layout.boxes[source][along] < layout.boxes[target][along]


@pytest.mark.parametrize("rightwards", [False, True], ids=["down", "right"])
def test_a_line_does_not_cut_into_the_boxes_that_it_passes(rightwards: bool) -> None:
    sizes = dict.fromkeys(("start", "a", "b", "c", "end"), (100.0, 40.0))
    edges = [("start", id) for id in "abc"] + [(id, "end") for id in "abc"] + [("start", "end")]
    layout = lay_out(sizes, edges, rightwards=rightwards)
    across, along = (1, 0) if rightwards else (0, 1)
    points = layout.lines["start", "end"]
    near, far = points[1], points[2]
    assert near[across] == far[across], "straight through the layer"
    for id in "abc":
        box = layout.boxes[id]
        assert (near[along], far[along]) == (box[along], box[along] + box[along + 2])
        assert not box[across] <= near[across] <= box[across] + box[across + 2]


def test_the_longest_lines_of_a_very_large_graph_are_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {f"v{i}": (60.0, 30.0) for i in range(30)}
    chain = [(f"v{i}", f"v{i + 1}") for i in range(29)]
    monkeypatch.setattr(layout_module, "MAX_WAYPOINTS", 10)
    layout = lay_out(sizes, [*chain, ("v0", "v29"), ("v3", "v6")])
    assert len(layout.lines["v0", "v29"]) == 2
    assert len(layout.lines["v3", "v6"]) == 2 + 2 * 2


def test_a_chain_is_straight() -> None:
    sizes = {f"v{i}": (60.0 + 10 * i, 30.0) for i in range(5)}
    edges = [(f"v{i}", f"v{i + 1}") for i in range(4)]
    layout = lay_out(sizes, edges)
    centres = {round(x + width / 2, 3) for x, _, width, _ in layout.boxes.values()}
    assert len(centres) == 1


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        lay_out({"a": (9, 9), "b": (9, 9)}, [("a", "b"), ("b", "a")])


def test_an_empty_graph_has_no_size() -> None:
    assert lay_out({}, []) == Layout(0.0, 0.0)


def test_two_thousand_boxes_take_seconds() -> None:
    sizes = {f"v{i}": (100.0, 30.0) for i in range(2000)}
    edges = [(f"v{i}", f"v{i + 1}") for i in range(1999)] + [
        (f"v{i}", f"v{i + 3}") for i in range(0, 1997, 5)
    ]
    started = time.monotonic()
    layout = lay_out(sizes, edges)
    assert len(layout.boxes) == 2000
    assert time.monotonic() - started < 60
