"""Boxes never overlap, and every line goes downwards, whatever the graph."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedro_prefect_hooks.drawing.layout import Layout, laid_out


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


def _check(layout: Layout, sizes: dict[str, tuple[float, float]], edges: list[tuple[str, str]]) -> None:
    assert set(layout.boxes) == set(sizes)
    assert set(layout.lines) == set(edges)
    for one, other in itertools.combinations(layout.boxes.values(), 2):
        assert not _overlap(one, other)
    for x, y, width, height in layout.boxes.values():
        assert x >= -1e-6 and y >= -1e-6
        assert x + width <= layout.width + 1e-6 and y + height <= layout.height + 1e-6
    for (source, target), points in layout.lines.items():
        assert all(upper[1] < lower[1] for upper, lower in zip(points, points[1:]))
        assert points[0][1] == pytest.approx(layout.boxes[source][1] + layout.boxes[source][3])
        assert points[-1][1] == pytest.approx(layout.boxes[target][1])


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_no_overlap_and_all_lines_downwards(
    graph: tuple[dict[str, tuple[float, float]], list[tuple[str, str]]],
) -> None:
    sizes, edges = graph
    _check(laid_out(sizes, edges), sizes, edges)


def test_a_chain_is_straight() -> None:
    sizes = {f"v{i}": (60.0 + 10 * i, 30.0) for i in range(5)}
    edges = [(f"v{i}", f"v{i + 1}") for i in range(4)]
    layout = laid_out(sizes, edges)
    centres = {round(x + width / 2, 3) for x, _, width, _ in layout.boxes.values()}
    assert len(centres) == 1


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        laid_out({"a": (9, 9), "b": (9, 9)}, [("a", "b"), ("b", "a")])


def test_nothing_has_no_size() -> None:
    assert laid_out({}, []) == Layout(0.0, 0.0)


def test_two_thousand_boxes_take_seconds() -> None:
    sizes = {f"v{i}": (100.0, 30.0) for i in range(2000)}
    edges = [(f"v{i}", f"v{i + 1}") for i in range(1999)] + [
        (f"v{i}", f"v{i + 3}") for i in range(0, 1997, 5)
    ]
    started = time.monotonic()
    layout = laid_out(sizes, edges)
    assert len(layout.boxes) == 2000
    assert time.monotonic() - started < 60
