"""What `after_pipeline_run` gets after a restart: also what tasks have left in memory before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.restart.test_restart import failed_then_restarted
from tests.same_run.conftest import nodes_project

SOURCE = """
def early():
    return [1]


def fails_once():
    if (PROJECT / "broken" / "flaky").exists():
        raise RuntimeError("broken")
    return [2]


NODES = [node(early, None, "early", name="early"), node(fails_once, None, "late", name="flaky")]
"""
HOOKS = """
import json


def value(found):
    return found.load() if hasattr(found, "load") else found


class Own:
    @hook_impl
    def after_pipeline_run(self, run_result):
        values = {name: value(found) for name, found in run_result.items()}
        (PROJECT / "data" / "run_result.json").write_text(json.dumps(values))
"""


@pytest.mark.parametrize("executor", ["LocalExecutor", "LocalDaskExecutor"])
@pytest.mark.parametrize("has_result", [False, True], ids=["without a result", "with a result"])
def test_outputs_in_memory(
    tmp_path: Path, home: Path, kedro: Callable[..., Any], has_result: bool, executor: str
) -> None:
    result = {"result": {"type": "LocalResult", "dir": str(tmp_path / "results")}} if has_result else {}
    project = nodes_project(
        tmp_path / "project",
        SOURCE,
        hooks=HOOKS,
        prefect={"flows": {"flow": {"executor": {"type": executor}, **result}}},
    )
    log = tmp_path / "agent.log"
    run = failed_then_restarted(project, "flaky", home, log, kedro)
    assert run["state"] == "Success", log.read_text()
    returned = json.loads((project.data / "run_result.json").read_text())
    assert returned == ({"early": [1], "late": [2]} if has_result else {"late": [2]})
