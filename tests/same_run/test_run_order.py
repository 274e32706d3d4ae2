"""With LocalExecutor nodes run in Kedro's own order."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import nodes_project, on
from tests.scenarios.project_factory import hook_calls

SOURCE = """
import random

RANDOM = random.Random(5)
NAMES = [f"d{number}" for number in range(30)]
NODES = []
for number, name in enumerate(NAMES):
    inputs = RANDOM.sample(NAMES[:number], min(number, RANDOM.randrange(3)))
    NODES.append(node(lambda *x: 1, inputs or None, name, name=f"n{RANDOM.randrange(10**6)}"))
RANDOM.shuffle(NODES)
"""


@on("runner-local", "flow-local")
def test_nodes_run_in_the_order_of_kedro_run(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any]
) -> None:
    project = nodes_project(tmp_path / "project", SOURCE)
    kedro(project, "run", ok=True)
    expected = [call["node"] for call in hook_calls(project, "before_node_run")]
    assert len(expected) == 30
    project.hook_log.unlink()
    start(project, ok=True)
    assert [call["node"] for call in hook_calls(project, "before_node_run")] == expected
