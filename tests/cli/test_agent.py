"""`kedro prefect agent`: runs this project's flow runs, whatever their labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from tests.cli.conftest import Background
from tests.scenarios.scenarios import chain

Up = Callable[..., Background]
Kedro = Callable[..., Any]


def test_a_separate_agent_accepts_runs_with_and_without_labels(
    tmp_path: Path, kedro: Kedro, up: Up, background: Callable[..., Background]
) -> None:
    flows = {"plain": {}, "labelled": {"labels": ["etl", "big"]}}
    project = chain(tmp_path / "project", 2, prefect={"flows": flows})
    up(project, "--no-agent")
    kedro(project, "prefect", "register", ok=True)

    waiting = kedro(project, "prefect", "run", "labelled", ok=True).stdout
    assert "No agent with the labels big, etl is running. The flow run waits for one." in waiting
    assert "Next: kedro prefect agent --label big --label etl" in waiting

    agent = background(project, "agent")
    agent.wait_for("with the labels big, etl")
    accepted = kedro(project, "prefect", "run", "labelled", ok=True).stdout
    assert f"Agent '{project.package}' will run it." in accepted
    for flow in ("labelled", "plain"):
        kedro(project, "prefect", "run", flow, "--watch", ok=True)
    assert json.loads((project.data / "end.json").read_text()) == 2

    output = agent.stop()
    assert agent.process.returncode == 0, output
    assert output.endswith("Stopped.\n")
    assert "Traceback" not in output


def test_an_agent_without_the_embedded_api_prints_what_to_start(tmp_path: Path, kedro: Kedro) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    result = kedro(project, "prefect", "agent")
    assert result.returncode == 1
    assert (
        "The embedded API is not running. Start it together with an agent (`kedro prefect up`)"
        in result.stdout
    )
    assert "Traceback" not in result.stdout


def test_an_interrupted_connection_to_the_api_is_reported_in_two_lines(
    tmp_path: Path, kedro: Kedro, up: Up, background: Callable[..., Background]
) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    first = up(project, "--no-agent")
    port = first.output.partition("http://127.0.0.1:")[2].partition(" ")[0]
    agent = background(project, "agent")
    agent.wait_for("Press Ctrl+C to stop the agent")
    first.stop()
    agent.wait_for("The API is unreachable; retrying until it responds: ")
    second = background(project, "up", "--port", port, "--no-agent")
    second.wait_for("Press Ctrl+C to stop the API")
    agent.wait_for("The API is reachable again.")
    kedro(project, "prefect", "register", ok=True)
    kedro(project, "prefect", "run", "chain", "--watch", ok=True)
    assert "Traceback" not in agent.output
    assert agent.output.count("The API is unreachable") == 1
