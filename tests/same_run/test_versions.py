"""A run loads the versions that it saved, and one version of each free input, whatever else is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import FLOWS, nodes_project, on, saved_all, versioned, write_version
from tests.scenarios.project_factory import collect_outputs, versions

OTHER = "9999-01-01T00.00.00.000Z"
SOURCE = f"""
OTHER = {OTHER!r}


def write_other(name):
    folder = PROJECT / "data" / f"{{name}}.json" / OTHER
    folder.mkdir(parents=True)
    (folder / f"{{name}}.json").write_text('"of another run"')


def make():
    return "own"


def second(x):
    return x


def meanwhile(first):
    write_other("table")
    write_other("input_free")
    return first
"""
TABLES = """
NODES = [
    node(make, None, "table{0}", name="make"),
    node(meanwhile, "table{0}", "made", name="meanwhile"),
    node(lambda table, made: table, ["table{1}", "made"], "seen", name="read"),
]
"""
FREE = """
NODES = [
    node(meanwhile, "input_free", "one", name="meanwhile"),
    node(lambda free, one: free, ["input_free", "one"], "two", name="read"),
]
"""


@on(*FLOWS)
def test_a_flow_run_loads_the_version_it_saved(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(
        tmp_path / "project",
        SOURCE + TABLES.format("@one", "@two"),
        catalog={"table@one": versioned("table"), "table@two": versioned("table"), **saved_all("seen")},
    )
    start(project, ok=True)
    assert collect_outputs(project)["seen.json"] == "own"
    assert len(versions(project, "table.json")) == 2


def test_so_does_one_that_is_not_transcoded(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(
        tmp_path / "project",
        SOURCE + TABLES.format("", ""),
        catalog={"table": versioned("table"), **saved_all("seen")},
    )
    start(project, ok=True)
    assert collect_outputs(project)["seen.json"] == "own"


def test_a_free_input_is_one_version_for_the_whole_run(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(
        tmp_path / "project",
        SOURCE + FREE,
        catalog={"input_free": versioned("input_free"), **saved_all("one two")},
    )
    write_version(project, "input_free", "2026-01-01T00.00.00.000Z", '"first"')
    start(project, ok=True)
    outputs = collect_outputs(project)
    assert (outputs["one.json"], outputs["two.json"]) == ("first", "first")
