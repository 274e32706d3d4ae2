"""`kedro prefect agent`: takes this project's flow runs, whatever labels they have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from tests.cli.conftest import Background
from tests.scenarios.scenarios import chain

Up = Callable[..., Background]
Kedro = Callable[..., Any]


def test_an_agent_beside_the_api_takes_runs_with_and_without_labels(
    tmp_path: Path, kedro: Kedro, up: Up, background: Callable[..., Background]
) -> None:
    flows = {"plain": {}, "labelled": {"labels": ["etl", "big"]}}
    project = chain(tmp_path / "project", 2, prefect={"flows": flows})
    up(project, "--no-agent")
    kedro(project, "prefect", "register", ok=True)

    nobody = kedro(project, "prefect", "run", "labelled", ok=True).stdout
    assert "Next: no agent with the labels big, etl is asking for work" in nobody
    assert "kedro prefect agent" in nobody

    agent = background(project, "agent")
    agent.wait_for("with the labels big, etl")
    taken = kedro(project, "prefect", "run", "labelled", ok=True).stdout
    assert f"Agent '{project.package}' takes it." in taken
    for flow in ("labelled", "plain"):
        kedro(project, "prefect", "run", flow, "--watch", ok=True)
    assert json.loads((project.data / "end.json").read_text()) == 2

    printed = agent.end()
    assert agent.process.returncode == 0, printed
    assert "The agent has ended." in printed
    assert "Traceback" not in printed


def test_an_agent_without_the_embedded_api_says_what_to_start(tmp_path: Path, kedro: Kedro) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    result = kedro(project, "prefect", "agent")
    assert result.returncode == 1
    assert "The embedded API is not running. `kedro prefect up` starts it" in result.stdout
    assert "Traceback" not in result.stdout


def test_an_api_that_goes_and_comes_back_is_told_in_two_lines(
    tmp_path: Path, kedro: Kedro, up: Up, background: Callable[..., Background]
) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    first = up(project, "--no-agent")
    port = first.printed.partition("http://127.0.0.1:")[2].partition(" ")[0]
    agent = background(project, "agent")
    agent.wait_for("Ctrl-C ends it")
    first.end()
    agent.wait_for("The API does not answer")
    second = background(project, "up", "--port", port, "--no-agent")
    second.wait_for("No agent")
    agent.wait_for("The API is back.")
    kedro(project, "prefect", "register", ok=True)
    kedro(project, "prefect", "run", "chain", "--watch", ok=True)
    assert "Traceback" not in agent.printed
    assert agent.printed.count("The API does not answer") == 1
