"""A Kedro project's flow run is cancelled under `kedro prefect up`: it ends by itself, and sends its logs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable

from kedro_prefect_hooks.embedded import location
from tests import prefect_api, processes
from tests.agent.conftest import gone
from tests.cli.conftest import Background, wait_until
from tests.scenarios.project_factory import hook_calls
from tests.scenarios.scenarios import slow


def test_a_cancelled_run_ends_by_itself(tmp_path: Path, home: Path, kedro: Callable[..., Any]) -> None:
    project = slow(tmp_path / "project", 3600, prefect={"flows": {"slow": {}}})
    project.write_conf("deploy", "parameters", {})
    up = Background(project, "up", "--port", "0", "--no-token", home=home, env={})
    try:
        up.wait_for("Press Ctrl+C to stop the API")
        endpoint = location.running(project.path)
        assert endpoint is not None
        kedro(project, "prefect", "register", ok=True)
        project.clean()
        run_id = prefect_api.start_run(endpoint.url, "slow")
        wait_until((project.data / "started.txt").exists, "the slow node")
        found = re.search(r"Started flow run '(.*)' of 'slow' \(process (\d+)\)", up.output)
        assert found is not None
        cancel = "mutation($input: cancel_flow_run_input!) {cancel_flow_run(input: $input) {state}}"
        prefect_api.graphql(endpoint.url, cancel, {"input": {"flow_run_id": run_id}})
        up.wait_for(f"Flow run '{found[1]}' was cancelled.")
        gone(int(found[2]))
        assert "killing it" not in up.output
        run = prefect_api.read_run(endpoint.url, run_id)
        assert run["state"] == "Cancelled"
        assert {"Cancelled"} == {each["state"] for each in run["task_runs"] if each["task"]["name"] == "slow"}
        assert any("cancelling active tasks" in line["message"] for line in run["logs"])
        assert hook_calls(project, "after_pipeline_run") == []
    finally:
        processes.stop(up.process)
