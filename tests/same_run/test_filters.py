"""A worker builds the pipeline that the filters left, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, saved, versioned
from tests.scenarios.project_factory import collect_outputs, hook_calls, versions

SOURCE = """
def first():
    return "saved", "of the first node"


def second(kept, from_hook):
    return [kept, from_hook]


NODES = [
    node(first, None, ["kept", "from_hook"], name="first"),
    node(second, ["kept", "from_hook"], "middle", name="second"),
    node(same, "middle", "end", name="third"),
]
"""


def test_inputs_of_the_filtered_pipeline_are_free(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any]
) -> None:
    project = nodes_project(
        tmp_path / "project", SOURCE, catalog={"kept": versioned("kept"), "end": saved("end")}
    )
    kedro(project, "run", ok=True)
    assert collect_outputs(project)["end.json"] == ["saved", "of the first node"]
    project.hook_log.unlink()
    start(project, runner=("--from-nodes", "second"), of_flow={"from_nodes": ["second"]}, ok=True)
    # `from_hook` is what the project's hooks put into the catalog, `kept` the version of the run before
    assert collect_outputs(project)["end.json"] == ["saved", 7]
    assert [call["node"] for call in hook_calls(project, "before_node_run")] == ["second", "third"]
    assert len(versions(project, "kept.json")) == 1
