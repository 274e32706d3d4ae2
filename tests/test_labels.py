"""Which agent accepts which run, and why none does. The page and the command line both ask here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from kedro_prefect_hooks.labels import (
    PROJECT_AGENT,
    LabelledAgent,
    agent_accepts,
    agent_command,
    is_kind_for,
    why_not_accepted,
)

LOCAL, LABELLED = "LocalAgent", "LabelledProjectAgent"


@pytest.mark.parametrize(
    ("kind", "agent", "run", "accepts"),
    [
        (LOCAL, [], [], True),
        (LOCAL, ["a"], [], False),
        (LOCAL, [], ["a"], False),
        (LOCAL, ["a", "b"], ["a"], True),
        (LOCAL, ["a"], ["a", "b"], False),
        (LABELLED, ["a"], [], False),
        (LABELLED, ["a", "b"], ["a"], True),
        (PROJECT_AGENT, [], [], True),
        (PROJECT_AGENT, ["a"], [], True),
        (PROJECT_AGENT, [], ["a"], False),
        (PROJECT_AGENT, ["a", "b"], ["a"], True),
        (PROJECT_AGENT, ["a"], ["a", "b"], False),
    ],
)
def test_which_agent_accepts_which_run(kind: str, agent: List[str], run: List[str], accepts: bool) -> None:
    assert agent_accepts(kind, agent, run) is accepts
    assert (why_not_accepted([LabelledAgent(kind, tuple(agent))], run) is None) is accepts


def test_why_no_agent_accepts_a_run() -> None:
    here, there = LabelledAgent(LOCAL, ("here",)), LabelledAgent(LOCAL, ("there", "big"))
    plain = LabelledAgent(LOCAL, ())
    assert why_not_accepted([], []) == "No agent is running."
    assert why_not_accepted([], ["a"]) == "No agent with the label a is running."
    assert why_not_accepted([], ["b", "a"]) == "No agent with the labels a, b is running."
    assert why_not_accepted([here, there], ["big", "here"]) == (
        "No running agent has all of the labels big, here. Labels of the running agents: big, there; here."
    )
    assert why_not_accepted([plain], ["here"]) == (
        "No running agent has the label here. Labels of the running agents: none."
    )
    reason = why_not_accepted([here, there], []) or ""
    assert reason.startswith("No running agent accepts runs without labels: ")
    assert "Prefect's agents with labels accept only runs that have labels too." in reason
    assert reason.endswith("Labels of the running agents: big, there; here.")
    assert why_not_accepted([there, here], ["here"]) is None
    assert why_not_accepted([here, plain], []) is None


@pytest.mark.parametrize(
    ("flows", "kind"),
    [
        ({"some": {}, "others": {"labels": ["big"]}}, "ProjectAgent"),
        ({"some": {"labels": ["here"]}, "others": {"labels": ["big"]}}, "LabelledProjectAgent"),
    ],
)
def test_the_type_of_the_project_agent_says_whether_it_accepts_unlabelled_runs(
    tmp_path: Path, flows: Dict[str, Any], kind: str
) -> None:
    from kedro_prefect_hooks.agent.project_agent import make_agent
    from kedro_prefect_hooks.config import parse_config

    config = parse_config({"flows": flows})
    agent = make_agent(
        tmp_path, config, package="p", source_dir=tmp_path, cancel_on_exit=False, prepare=False, echo=print
    )
    assert type(agent).__name__ == kind
    assert agent_accepts(type(agent).__name__, list(agent.labels), []) is (kind == PROJECT_AGENT)


def test_which_kind_of_agent_runs_which_run_config() -> None:
    local, docker, pods = (
        ("ProjectAgent", "LocalAgent"),
        ("DockerAgent", "DockerProjectAgent"),
        ("KubernetesAgent",),
    )
    able = {
        "DockerRun": docker,
        "KubernetesRun": pods,
        "LocalRun": local,
        "UniversalRun": local + docker + pods,
    }
    for run_config, types in able.items():
        assert tuple(each for each in local + docker + pods if is_kind_for(each, run_config)) == types
    assert agent_command(None) == agent_command("UniversalRun") == "kedro prefect agent"
    assert agent_command("KubernetesRun") == "kedro prefect agent --type kubernetes"
    assert agent_command("ECSRun") == "prefect agent ecs start"
    # A label that was set in Prefect's UI is not among those of prefect.yml.
    assert agent_command(None, ["set in UI", "etl"]) == "kedro prefect agent --label etl --label 'set in UI'"
