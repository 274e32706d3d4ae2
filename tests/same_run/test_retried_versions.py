"""A retry after a versioned output was saved succeeds, with one version and nothing left beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on, saved, versioned
from tests.scenarios.project_factory import Project, collect_outputs, versions

HOOKS = """
class Own:
    @hook_impl
    def after_dataset_saved(self, dataset_name):
        marker = PROJECT / "data" / "hook_failed.txt"
        if dataset_name == "kept" and not marker.exists() and (PROJECT / "data" / "input_hook.txt").exists():
            marker.write_text("")
            raise RuntimeError("the hook fails after saving")
"""
SOURCE = """
def tries():
    file = PROJECT / "data" / "tries.txt"
    with file.open("a") as opened:
        opened.write("x")
    return len(file.read_text())


def two():
    number = tries()
    # what the second output gets at first cannot be written as JSON
    return {"try": number}, object() if number == 1 else number


def one():
    return {"try": tries()}


def second(kept):
    if kept["try"] == 1:
        raise RuntimeError("the first time")
    return kept["try"]
"""
ALONE = SOURCE + 'NODES = [node(two, None, ["kept", "end"], name="two")]\n'
GROUP = (
    SOURCE + 'NODES = [node(one, None, "kept", name="one"), node(second, "kept", "end", name="second")]\n'
    "NODES = [each.tag(['part.all']) for each in NODES]\n"
)
HOOKED = (
    SOURCE + 'NODES = [node(one, None, "kept", name="one"), node(second, "kept", "end", name="second")]\n'
)
RETRIES = {"retries": {"max_retries": 1, "retry_delay": 1}}


def make(path: Path, source: str) -> Project:
    catalog = {"kept": versioned("kept"), "end": saved("end")}
    return nodes_project(path, source, hooks=HOOKS, catalog=catalog)


def check(project: Project) -> None:
    outputs = collect_outputs(project)
    assert outputs["kept.json"] == {"try": 2}
    assert outputs["end.json"] == 2
    (version,) = versions(project, "kept.json")
    left = sorted(file.name for file in (project.data / "kept.json" / version).iterdir())
    assert left == ["kept.json"]


PLACES = ("runner-local", "runner-processes", "flow-local", "flow-timeouts", "flow-processes", "flow-dask")


@on(*PLACES)
def test_of_one_node_whose_other_output_fails(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", ALONE)
    start(project, defaults=RETRIES, ok=True)
    check(project)


@on(*PLACES)
def test_of_a_group(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", GROUP)
    start(project, defaults={**RETRIES, "group_by": "part."}, ok=True)
    check(project)


@on("flow-local", "flow-dask")
def test_with_a_hook_that_fails_after_saving(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", HOOKED)
    project.write("data/input_hook.txt", "")
    start(project, defaults=RETRIES, ok=True)
    check(project)


@on("flow-local", "flow-timeouts")
def test_saving_again_that_fails_keeps_what_was_saved(tmp_path: Path, start: Callable[..., Any]) -> None:
    source = ALONE.replace(
        'return {"try": number}, object() if number == 1 else number',
        'return {"try": number} if number == 1 else object(), object()',
    )
    project = make(tmp_path / "project", source)
    assert start(project, defaults=RETRIES).returncode == 1
    outputs = collect_outputs(project)
    assert outputs["tries.txt"] == "xx"
    assert outputs["kept.json"] == {"try": 1}
    (version,) = versions(project, "kept.json")
    assert [file.name for file in (project.data / "kept.json" / version).iterdir()] == ["kept.json"]
