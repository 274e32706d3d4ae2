"""After a failure PrefectRunner starts no further node; a flow runs its other branches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on, saved_all
from tests.scenarios.project_factory import collect_outputs, hook_calls

SOURCE = """
FAILED = PROJECT / "data" / "failed.txt"
BEGUN = PROJECT / "data" / "begun.txt"


def until(path):
    end = time.monotonic() + 60
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)


def fails():
    until(BEGUN)
    FAILED.write_text("failed")
    raise ValueError("broken")


def waits():
    # runs beside the failing node; the next node of its branch is due once the failure is known
    BEGUN.write_text("begun")
    until(FAILED)
    time.sleep(5)
    return 1


BESIDE = [node(waits, None, "waited", name="waits"), node(same, "waited", "later", name="later")]
NODES = [node(fails, None, "never", name="fails"), *BESIDE]
"""
# Kedro sorts nodes without an edge between them by name or by the order given; alone in a process, the first
# that runs must be the one that fails.
IN_ORDER = SOURCE.replace("while not path.exists() and time.monotonic() < end", "while False").replace(
    "time.sleep(5)", "pass"
)


@on("runner-local")
def test_one_after_the_other_as_kedros_own_runner(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any]
) -> None:
    project = nodes_project(tmp_path / "project", IN_ORDER, catalog=saved_all("waited later"))
    assert kedro(project, "run").returncode == 1
    expected = [call["node"] for call in hook_calls(project, "before_node_run")]
    outputs = collect_outputs(project)
    project.clean()
    assert start(project).returncode == 1
    assert [call["node"] for call in hook_calls(project, "before_node_run")] == expected
    assert collect_outputs(project) == outputs
    assert len(expected) < 3, "something was left to run"


@on("runner-threads", "runner-processes", "runner-dask", "runner-timeouts")
def test_no_node_is_started_once_one_has_failed(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(tmp_path / "project", SOURCE, catalog=saved_all("waited later"))
    result = start(project)
    assert result.returncode == 1
    assert "ValueError: broken" in result.stdout, "the cause, not that others were not started"
    outputs = collect_outputs(project)
    assert "waited.json" in outputs, "what runs when another node fails is finished"
    assert "later.json" not in outputs


@on("flow-local", "flow-threads", "flow-processes")
def test_a_flow_goes_on_with_other_branches(tmp_path: Path, start: Callable[..., Any], executor: str) -> None:
    source = IN_ORDER if executor == "local" else SOURCE
    project = nodes_project(tmp_path / "project", source, catalog=saved_all("waited later"))
    result = start(project)
    assert result.returncode == 1
    assert collect_outputs(project)["later.json"] == 1
