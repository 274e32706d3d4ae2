"""A flow run exits when its API stays unreachable: Prefect alone would retry forever, without a pause."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.scenarios import scenarios

SITE = """
import kedro_prefect_hooks.compat.prefect as workarounds

workarounds.API_GIVEN_UP_AFTER = 3.0
"""


def process_ids(flow_run: str) -> list[str]:
    """The ids of the flow run's processes."""
    ids = []
    for folder in Path("/proc").iterdir():
        try:
            environment = (folder / "environ").read_bytes() if folder.name.isdigit() else b""
        except OSError:
            continue
        if f"PREFECT__CONTEXT__FLOW_RUN_ID={flow_run}".encode() in environment:
            ids.append(folder.name)
    return ids


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes through /proc")
def test_it_exits_when_the_api_stays_unreachable(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = scenarios.slow(tmp_path / "slow", seconds=6, prefect={"flows": {"slow": {}}})
    project.write_conf("deploy", "parameters", {})
    hooks = project.source / "hooks.py"
    hooks.write_text(hooks.read_text() + SITE)
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", "--to-nodes", "quick")
        with prefect_api.agent(url, home, log, leave_runs=True):
            run_id = prefect_api.start_run(url, "slow")
            end = time.monotonic() + 60
            while prefect_api.read_run(url, run_id)["state"] != "Running" and time.monotonic() < end:
                time.sleep(0.2)
            assert process_ids(run_id)
    assert process_ids(run_id), "the flow run outlives the API and the agent"
    end = time.monotonic() + 90
    try:
        while process_ids(run_id) and time.monotonic() < end:
            time.sleep(0.5)
        assert not process_ids(run_id), log.read_text()[-2000:]
    finally:
        for process in process_ids(run_id):
            subprocess.run(["kill", "-9", process], check=False)
