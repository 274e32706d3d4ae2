"""On a shared server, the agent of a project leaves the flow runs of other Prefect projects alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pendulum
import prefect
import pytest
from prefect.run_configs import UniversalRun
from prefect.storage import Module

from kedro_prefect_hooks.agent.api_address import ApiAddress
from kedro_prefect_hooks.agent.project_agent import make_agent, prefect_configured_for
from kedro_prefect_hooks.cli.running_agent import _limit_to_project
from kedro_prefect_hooks.config import parse_config
from kedro_prefect_hooks.embedded.server import EmbeddedServer


@pytest.mark.parametrize(("label", "flows"), [(None, {"mine": {}}), ("etl", {"mine": {"labels": ["etl"]}})])
def test_only_the_own_projects_flow_runs_are_taken(tmp_path: Path, label: Any, flows: Any) -> None:
    with EmbeddedServer(None, services=False) as server, prefect_configured_for(ApiAddress(server.url)):
        client = prefect.Client()
        run_config = UniversalRun(labels=[label] if label else [])
        runs, flow_ids = {}, {}
        for project in ("mine", "theirs"):
            client.create_project(project)
            flow = prefect.Flow(project, storage=Module("m"), run_config=run_config)
            flow_ids[project] = flow.register(project, no_url=True)
            runs[project] = client.create_flow_run(flow_ids[project])
        config = parse_config({"api": server.url, "project": "mine", "flows": flows})
        options: Any = {"cancel_on_exit": False, "prepare": False, "echo": print}
        agent = make_agent(tmp_path, config, package="p", source_dir=tmp_path, **options)
        assert agent._get_ready_flow_runs() == set(runs.values())
        project: Any = SimpleNamespace(metadata=SimpleNamespace(package_name="p"))
        _limit_to_project(agent, project, config)
        asked = []
        graphql = agent.client.graphql
        agent.client.graphql = lambda *query, **given: asked.append(query) or graphql(*query, **given)
        assert agent._get_ready_flow_runs() == {runs["mine"]}
        assert len(asked) == 2
        agent.submitting_flow_runs.add(runs["mine"])
        assert agent._get_ready_flow_runs() == set()
        agent.submitting_flow_runs.clear()
        other_labels = client.create_flow_run(flow_ids["mine"], labels=["elsewhere"])
        unlabelled = client.create_flow_run(flow_ids["mine"], labels=[])
        long_ago = pendulum.datetime(2020, 1, 1)
        for _ in range(26):  # as many as the queue offers, and nobody starts them
            client.create_flow_run(flow_ids["theirs"], scheduled_start_time=long_ago)
        found = agent._get_ready_flow_runs()
        assert found - {unlabelled} == {runs["mine"]}
        assert (unlabelled in found, other_labels in found) == (label is None, False)
        own = parse_config({"project": "mine", "flows": flows})
        agent.only_project = None
        _limit_to_project(agent, project, own)
        assert agent.only_project is None, "the embedded API belongs to the project"
