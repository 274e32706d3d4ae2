"""A worker that dies half way: the flow run ends right on those that are left."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, List

from tests.dask.test_cluster import on, with_flow
from tests.scenarios import scenarios
from tests.scenarios.project_factory import Project, clean_environment, collect_outputs, hook_calls


def started(project: Project, node: str) -> List[int]:
    """Process ids of the workers that have begun to run a node, in order."""
    calls = hook_calls(project) if project.hook_log.exists() else []
    return [call["pid"] for call in calls if call["hook"] == "before_node_run" and call["node"] == node]


def wait_for(what: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 90
    while not what():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def test_a_worker_killed_half_way(tmp_path: Path, home: Path, cluster: Callable[..., Any]) -> None:
    found = cluster(a=None, b=None)
    project = with_flow(scenarios.slow(tmp_path / "slow", seconds=120), on(found))
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "prefect", "run", "flow", "--local", "--verbose"],
        cwd=project.path,
        env=clean_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for((project.data / "started.txt").exists, process)
        [first] = started(project, "slow")
        killed = found.kill(first)
        wait_for(lambda: len(started(project, "slow")) == 2, process)
        second = started(project, "slow")[-1]
        assert second != first
        assert found.pids()[second] != killed
        (project.data / "go.txt").write_text("go")
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert collect_outputs(project)["end.json"] == 3
