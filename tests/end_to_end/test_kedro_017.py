"""A feature that only Kedro 0.17 has: the current session."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.scenarios.project_factory import KEDRO, collect_outputs, hook_calls, make_project

pytestmark = pytest.mark.skipif(KEDRO >= (0, 18), reason="Kedro 0.18.0 removed it")

REGISTRY = """
from kedro.framework.session import get_current_session
from kedro.pipeline import Pipeline, node


def session_id(*_):
    return get_current_session().session_id


def register_pipelines():
    nodes = [node(session_id, None, "first", name="a"), node(session_id, "first", "last", name="b")]
    return {"__default__": Pipeline(nodes)}
"""


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_the_current_session_is_that_of_the_flow_run(
    tmp_path: Path, kedro: Callable[..., Any], scheduler: str
) -> None:
    executor = {"type": "LocalDaskExecutor", "scheduler": scheduler}
    project = make_project(
        tmp_path / "project",
        pipelines=REGISTRY,
        catalog={
            name: {"type": "JsonDataset", "filepath": f"data/{name}.json"} for name in ("first", "last")
        },
        prefect={"flows": {"current": {"executor": executor}}},
    )
    kedro(project, "prefect", "run", "current", "--local", ok=True)
    (call,) = hook_calls(project, "before_pipeline_run")
    assert collect_outputs(project) == {"first.json": call["id"], "last.json": call["id"]}
