"""Slices that fail, are retried, or return what a mapped node must not return."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.mapping.conftest import MAPPED, attempts, make
from tests.same_run.conftest import on
from tests.scenarios.project_factory import collect_outputs, hook_calls

pytest.importorskip("kedro_datasets.partitions.partitioned_dataset")


@on("flow-local", "flow-threads")
def test_a_failed_slice_fails_alone(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", 3)
    project.write("broken/score-p1", "")
    result = start(project, defaults={"nodes": MAPPED})
    assert result.returncode == 1
    assert [each for each in attempts(project) if "double" in each] == ["double p0", "double p2"]
    assert "score [p1] failed: ValueError('p1 is broken')" in result.stdout, result.stdout
    assert not (project.data / "end.json").exists()


@on("flow-local")
def test_one_failure_of_fifty_is_retried_once(tmp_path: Path, start: Callable[..., Any]) -> None:
    flaky = """
def once(raw):
    attempt("once", raw)
    mark = PROJECT / "marks" / next(iter(raw))
    if mark.name == "p17" and not mark.exists():
        mark.parent.mkdir()
        mark.touch()
        raise ValueError("only once")
    return {key: load().upper() for key, load in raw.items()}
"""
    nodes = 'node(once, "raw", "upper", name="once"), node(len, "upper", "end", name="count"),'
    project = make(tmp_path / "project", 50, flaky, nodes)
    settings = {"once": {"map": "raw", "max_retries": 1, "retry_delay": 0.1}}
    result = start(project, defaults={"nodes": settings}, ok=True)
    assert len(attempts(project)) == 51
    assert collect_outputs(project)["end.json"] == 50
    assert re.search(r"\n +once +Running +\d+/50\n", result.stdout), result.stdout
    assert re.search(r"1/2  once +Success +50/50", result.stdout), result.stdout
    assert "once [p17] failed: ValueError('only once')" in result.stdout, result.stdout


@on("flow-local", "flow-processes", "runner-threads")
def test_what_comes_after_can_go_on(tmp_path: Path, start: Callable[..., Any], way: str) -> None:
    project = make(tmp_path / "project", 3)
    project.write("broken/clean-p1", "")
    nodes = {**MAPPED, "clean": {"map": "raw", "on_failed_partition": "continue"}}
    result = start(project, defaults={"nodes": nodes})
    assert result.returncode == 1, "the flow run has failed all the same"
    assert "p1 is broken" in result.stdout, result.stdout
    ends = [call["hook"] for call in hook_calls(project) if call["hook"].endswith(("pipeline_run", "error"))]
    assert ends[-1] == "on_pipeline_error"
    if way == "flow":
        assert [key for key, _ in collect_outputs(project)["end.json"][0]] == ["p0", "p2"]
    else:
        assert not (project.data / "end.json").exists(), "`kedro run` starts no node after a failure"


WRONG = """
def no_dict(raw):
    return list(raw)


def others(raw):
    return {**{key: "x" for key in raw}, "total": len(raw)}


def the_same(raw):
    return {"total": len(raw)}
"""


@on("flow-local")
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "no_dict",
            "Node 'wrong', mapped over 'raw', has returned a list as 'made'. A mapped node must return",
        ),
        (
            "others",
            "has returned partitions of 'made' that it was not given: total. A mapped node must return",
        ),
        ("the_same", "has returned the same partitions of 'made' for several slices: total. A mapped node"),
    ],
)
def test_a_wrong_return_is_explained(
    tmp_path: Path, start: Callable[..., Any], function: str, message: str
) -> None:
    nodes = f'node({function}, "raw", "made", name="wrong"), node(len, "made", "end", name="count"),'
    project = make(tmp_path / "project", 2, WRONG, nodes)
    result = start(project, defaults={"nodes": {"wrong": {"map": "raw"}}})
    assert result.returncode == 1
    assert message in " ".join(result.stdout.split()), result.stdout
