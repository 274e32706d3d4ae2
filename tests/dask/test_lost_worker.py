"""When a worker dies during a flow run, the remaining workers complete it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, List

from tests import processes
from tests.dask.test_cluster import executor_on, with_flow
from tests.scenarios import scenarios
from tests.scenarios.project_factory import Project, clean_environment, collect_outputs, hook_calls


def worker_ids(project: Project, node: str) -> List[int]:
    """Process ids of the workers that have started to run a node, in order."""
    calls = hook_calls(project) if project.hook_log.exists() else []
    return [call["pid"] for call in calls if call["hook"] == "before_node_run" and call["node"] == node]


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "timed out"
        time.sleep(0.1)


def test_a_worker_killed_during_a_node(tmp_path: Path, home: Path, cluster: Callable[..., Any]) -> None:
    made = cluster(a=None, b=None)
    project = with_flow(scenarios.slow(tmp_path / "slow", seconds=120), executor_on(made))
    with processes.running(
        [sys.executable, "-m", "kedro", "prefect", "run", "flow", "--local", "--verbose"],
        cwd=project.path,
        env=clean_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        wait_for((project.data / "started.txt").exists, process)
        [first] = worker_ids(project, "slow")
        killed = made.kill(first)
        wait_for(lambda: len(worker_ids(project, "slow")) == 2, process)
        second = worker_ids(project, "slow")[-1]
        assert second != first
        assert made.pids()[second] != killed
        (project.data / "go.txt").write_text("go")
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert collect_outputs(project)["end.json"] == 3
