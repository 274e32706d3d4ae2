"""Each try of a node gets its inputs as a fresh load gives them, whatever the copy mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on, saved_all
from tests.scenarios.project_factory import collect_outputs

SOURCE = """
import pandas as pd


def make():
    return [1, [2]], {"inner": [1]}, pd.DataFrame({"o": [[1], [2]], "n": [1, 2]})


def first_time(name):
    marker = PROJECT / "data" / f"tried_{name}.txt"
    first = not marker.exists()
    marker.write_text("tried")
    return first


def flaky(assigned, plain, frame):
    assigned.append("added")
    assigned[1].append("added")
    plain["inner"].append("added")
    frame["o"].iloc[0].append("added")
    frame.loc[1, "n"] = 9
    if first_time("flaky"):
        raise RuntimeError("the first time")
    return [assigned, plain, frame["o"].tolist(), frame["n"].tolist()]


NODES = [
    node(make, None, ["assigned", "plain", "frame"], name="make"),
    node(flaky, ["assigned", "plain", "frame"], "end", name="flaky"),
]
"""
FRESH = [[1, [2, "added"], "added"], {"inner": [1, "added"]}, [[1, "added"], [2]], [1, 9]]


@on(
    "runner-local",
    "runner-processes",
    "flow-local",
    "flow-threads",
    "flow-timeouts",
    "flow-processes",
    "flow-dask",
)
def test_a_retry_finds_them_unchanged(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(
        tmp_path / "project",
        SOURCE,
        catalog={"assigned": {"type": "MemoryDataset", "copy_mode": "assign"}, **saved_all("end")},
    )
    start(project, defaults={"retries": {"max_retries": 1, "retry_delay": 1}}, ok=True)
    outputs = collect_outputs(project)
    assert outputs["tried_flaky.txt"] == "tried", "the first try failed"
    assert outputs["end.json"] == FRESH
