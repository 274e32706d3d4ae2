"""Flow runs of generated projects on the embedded API, each in a process as an agent would start it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests import prefect_api
from tests.scenarios.project_factory import Project

STATES = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) {
        state start_time end_time
        task_runs {
            state start_time end_time task {name slug}
            states(order_by: {version: asc}) {state timestamp message}
        }
    }
}
"""


def history(url: str, run_id: str) -> Any:
    """A flow run with all states of its task runs."""
    return prefect_api.graphql(url, STATES, {"id": run_id})["flow_run_by_pk"]


def states_of(run: Any) -> dict[str, list[str]]:
    """The states of each task, in their order."""
    return {task["task"]["slug"]: [each["state"] for each in task["states"]] for task in run["task_runs"]}


@pytest.fixture
def registered(kedro: Callable[..., Any]) -> Iterator[Callable[[Project], str]]:
    """Register a project's flows at an embedded API of its own; returns the API's URL."""
    with contextlib.ExitStack() as opened:

        def register(project: Project) -> str:
            url: str = opened.enter_context(prefect_api.api(project))
            kedro(project, "prefect", "register", ok=True)
            return url

        yield register


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the processes of flow runs write."""
    return tmp_path / "flow_run.log"
