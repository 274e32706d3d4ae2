"""The page "Life of a node" names functions by their dotted paths: each of them must exist."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.docs.pages import DOCS

PAGE = DOCS / "explanation" / "life-of-a-node.md"
DOTTED_NAME = re.compile(r"\bkedro_prefect_hooks(?:\.\w+)+")


def dotted_names() -> list[str]:
    return sorted(set(DOTTED_NAME.findall(PAGE.read_text(encoding="utf-8"))))


def resolve(name: str) -> object:
    """The module or attribute that a dotted name stands for.

    Raises:
        AttributeError: a part of it does not exist.
    """
    first, *rest = name.split(".")
    found: object = importlib.import_module(first)
    path = first
    for part in rest:
        path = f"{path}.{part}"
        try:
            found = importlib.import_module(path)
        except ModuleNotFoundError as error:
            if error.name is None or not path.startswith(error.name):
                raise  # a dependency is missing, not the name
            found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", dotted_names())
def test_each_dotted_name_exists(name: str) -> None:
    assert resolve(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "kedro_prefect_hooks.no_such_module",
        "kedro_prefect_hooks.runs.session.no_such_function",
        "kedro_prefect_hooks.flows.tasks.NodeTask.no_such_method",
    ],
)
def test_a_name_that_does_not_exist_is_found_out(name: str) -> None:
    with pytest.raises(AttributeError):
        resolve(name)


def test_the_page_follows_a_node_in_order() -> None:
    text = PAGE.read_text(encoding="utf-8")
    path = [
        "hooks.PrefectHooks.after_context_created",
        "flows.project_flows.ProjectFlows.build",
        "flows.builder.build_flow",
        "registration.project_registration.register_project",
        "flows.deployed.load",
        "flows.session_executor.opening_session",
        "runs.session.flow_session",
        "flows.tasks.NodeTask.run",
        "runs.session.session_for_task",
        "runs.node_runner.NodeRunner.run_nodes",
        "compat.kedro_runner.run_node",
        "runs.outputs.Outputs.check_can_travel",
    ]
    places = [text.find(f"`kedro_prefect_hooks.{name}`") for name in path]
    assert -1 not in places
    assert places == sorted(places)
