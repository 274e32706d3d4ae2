"""Prefect's command line, unmodified and in separate processes, with the embedded API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Iterator

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.embedded.agents import Agent, environment, prefect
from tests.embedded.conftest import Caller


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[EmbeddedServer]:  # type: ignore[override]
    with EmbeddedServer(folder / "api.sqlite") as running:
        yield running


@pytest.fixture(scope="module")
def env(server: EmbeddedServer, folder: Path) -> Iterator[Dict[str, str]]:
    variables = environment(server.url, folder)
    prefect(["create", "project", "example", "--description", "d"], variables)
    prefect(
        ["register", "--project", "example", "--module", "embedded_example_flows", "--name", "plain"],
        variables,
    )
    agent = Agent(variables, folder / "agent.log")
    yield variables
    agent.stop()


def test_create_a_project_that_exists(env: Dict[str, str]) -> None:
    assert "example created" in prefect(["create", "project", "example"], env)
    assert "example already exists" in prefect(["create", "project", "example", "--skip-if-exists"], env)


def test_register_again_skips_unchanged_flows(env: Dict[str, str]) -> None:
    arguments = ["register", "--project", "example", "--module", "embedded_example_flows"]
    first = prefect(arguments, env)
    # `plain` was registered before; its serialized hash depends on the hash seed of the process.
    assert " 0 errored" not in first and "error" not in first.lower()
    again = prefect(arguments, {**env, "PYTHONHASHSEED": "0"})
    third = prefect(arguments, {**env, "PYTHONHASHSEED": "0"})
    assert "7 skipped" in third, again + third


def test_get(env: Dict[str, str]) -> None:
    prefect(
        ["register", "--project", "example", "--module", "embedded_example_flows", "--name", "retried"], env
    )
    assert "example" in prefect(["get", "projects"], env)
    flows = prefect(["get", "flows", "--project", "example", "--all-versions"], env)
    assert "plain" in flows and "retried" in flows
    assert "double" in prefect(["get", "tasks", "--name", "double"], env)
    assert "NAME" in prefect(["get", "flow-runs"], env)


def test_describe(env: Dict[str, str]) -> None:
    described = json.loads(prefect(["describe", "flows", "--name", "plain", "--output", "json"], env))
    assert (described["name"], described["project"]["name"]) == ("plain", "example")
    assert "extract" in prefect(["describe", "tasks", "--name", "plain"], env)


def test_run_and_watch_until_it_finishes(env: Dict[str, str]) -> None:
    output = prefect(
        ["run", "--project", "example", "--name", "plain", "--param", "x=2", "--run-name", "mine", "--watch"],
        env,
    )
    assert "Flow run succeeded!" in output
    assert "extracting 2" in output
    assert "Entered state <Success>" in output
    run = json.loads(
        prefect(["describe", "flow-runs", "--name", "mine", "--flow-name", "plain", "-o", "json"], env)
    )
    assert run["serialized_state"]["type"] == "Success"
    assert "extracting 2" in prefect(["get", "logs", "--name", "mine"], env)
    assert "mine" in prefect(["get", "flow-runs", "--flow", "plain"], env)


def test_run_within_the_command(env: Dict[str, str], server: EmbeddedServer) -> None:
    output = prefect(
        ["run", "--project", "example", "--name", "plain", "--execute", "--run-name", "here"], env
    )
    assert "Flow run succeeded!" in output
    found = Caller(server.url).data('{ flow_run(where: {name: {_eq: "here"}}) { state agent_id } }')
    assert found["flow_run"] == [{"state": "Success", "agent_id": None}]


def test_delete(env: Dict[str, str]) -> None:
    prefect(["create", "project", "gone"], env)
    prefect(["register", "--project", "gone", "--module", "embedded_example_flows", "--name", "plain"], env)
    prefect(["delete", "project", "gone"], env)
    assert "gone" not in prefect(["get", "projects"], env)
