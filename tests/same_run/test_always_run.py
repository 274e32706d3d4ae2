"""A node that cleans up runs whatever happened, with None for what was not made, and hides no failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml
from kedro.pipeline import Pipeline, node

from kedro_prefect_hooks.config import parse_config
from kedro_prefect_hooks.errors import ConfigError
from kedro_prefect_hooks.flows.always_run import groups_that_always_run
from kedro_prefect_hooks.flows.grouping import group_nodes
from tests.same_run.conftest import TIMEOUT, nodes_project, on, package_at, saved_all
from tests.scenarios.project_factory import collect_outputs

SOURCE = """
def first():
    return 1


def second(a):
    if (PROJECT / "broken").exists():
        raise ValueError("broken")
    return a + 1


def clean_up(a, b, c):
    return {"a": a, "b": b, "c": c}


NODES = [
    node(first, None, "a", name="first"),
    node(second, "a", "b", name="second"),
    node(same, "b", "c", name="third"),
    node(clean_up, ["a", "b", "c"], "cleaned", name="clean_up"),
]
"""

HANDLERS = """
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "states.txt"


def note(task, old_state, new_state):
    with FILE.open("a") as file:
        file.write(f"{task.name} {type(new_state).__name__}\\n")
    return new_state
"""


@on("runner-threads", "flow-dask")
def test_after_a_failure_and_after_none(tmp_path: Path, start: Callable[..., Any], executor: str) -> None:
    project = nodes_project(
        tmp_path / "project", SOURCE, catalog=saved_all("b cleaned"), files={"handlers.py": HANDLERS}
    )
    timeout = {"timeout": TIMEOUT} if executor == "timeouts" else {}
    handler = {"state_handlers": [f"{package_at(project.path)}.handlers.note"]}
    nodes = {"clean_up": {"trigger": "always_run", **timeout}, "tag:node": handler}
    project.write("data/b.json", json.dumps("of an earlier run"))
    project.write("broken", "")
    failed = start(project, defaults={"nodes": nodes})
    assert failed.returncode == 1
    assert "ValueError" in failed.stdout
    assert collect_outputs(project)["cleaned.json"] == {"a": 1, "b": None, "c": None}
    states = (project.path / "states.txt").read_text().splitlines()
    assert {"second Failed", "third TriggerFailed", "clean_up Success"} <= set(states)

    (project.path / "broken").unlink()
    start(project, defaults={"nodes": nodes}, ok=True)
    assert collect_outputs(project)["cleaned.json"] == {"a": 1, "b": 2, "c": 2}


def same(value: Any) -> Any:
    return value


REFUSED = {
    "group": ("{group_by: memory, nodes: {clean_up: {trigger: all_finished}}}", "needs a task of its own"),
    "mapped": ("{nodes: {clean_up: {trigger: all_finished, map: c}}}", "cannot be mapped"),
    "consumed": (
        "{nodes: {second: {trigger: all_finished}}}",
        "must be a last node, and node 'third' loads its output",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_always_run_is_refused(name: str) -> None:
    text, says = REFUSED[name]
    nodes = [
        node(same, "a", "b", name="second"),
        node(same, "b", "c", name="third"),
        node(same, "c", "d", name="clean_up"),
    ]
    flow = parse_config({"flows": {"a": yaml.safe_load(text)}}).flows["a"]
    with pytest.raises(ConfigError, match=says):
        groups_that_always_run(group_nodes(Pipeline(nodes), flow.group_by, {"b", "c", "d"}), flow)
