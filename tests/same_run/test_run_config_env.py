"""`run_config.env` holds for `kedro prefect run --local` too, in the run's own process and in others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on, saved
from tests.scenarios.project_factory import collect_outputs

SOURCE = """
def start():
    return os.environ.get("GREETING")


NODES = [node(start, None, "end", name="start")]
"""


@on("flow-local", "flow-processes")
def test_nodes_see_it(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(tmp_path / "project", SOURCE, catalog={"end": saved("end")})
    run_config = {"type": "LocalRun", "env": {"GREETING": "hello"}}
    start(project, of_flow={"run_config": run_config}, ok=True)
    assert collect_outputs(project)["end.json"] == "hello"
