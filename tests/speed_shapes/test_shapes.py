"""How cost grows with a pipeline, told by counting calls and by peak memory, not by the clock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import projects
from benchmarks.measure import LOGGING, Probe, measure, middle
from tests.scenarios.project_factory import REPOSITORY, Project, clean_environment


def calls(what: str, project: Project, home: Path) -> int:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.speed_shapes.counted", what, str(project.path)],
        cwd=REPOSITORY,
        env=clean_environment(home, KEDRO_LOGGING_CONFIG=str(LOGGING)),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return int(answer.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", ["chain", "fan"])
@pytest.mark.parametrize("what", ["build", "run"])
def test_twice_the_nodes_take_twice_the_calls(tmp_path: Path, home: Path, what: str, kind: str) -> None:
    once, twice, thrice = (
        calls(what, projects.shape(tmp_path / f"{nodes}", kind, nodes), home) for nodes in (60, 120, 180)
    )
    more, yet_more = twice - once, thrice - twice
    assert more > 0
    assert yet_more < 1.15 * more, "each further node costs what the one before it did"


def test_a_task_does_not_merge_prefect_s_configuration(tmp_path: Path, home: Path) -> None:
    """With its three merges a task makes more than 8,000 calls, most of its cost."""
    few, many = (
        calls("run", projects.shape(tmp_path / f"{nodes}", "chain", nodes), home) for nodes in (60, 120)
    )
    assert (many - few) / 60 < 4000


def test_ten_thousand_nodes_are_built_and_serialised(tmp_path: Path, home: Path) -> None:
    """Plain Prefect takes more than an hour; the limit is generous for a busy machine."""
    project = projects.shape(tmp_path / "long", "chain", 10_000)
    probe = Probe("serialise_ours", {"nodes": 10_000, "path": str(project.path)})
    group = measure({"ours": probe}, 1, home, say=print)
    assert middle(group, "ours", "cpu_seconds") < 30


@pytest.mark.parametrize("executor", [None, {"type": "LocalDaskExecutor", "scheduler": "threads"}], ids=str)
def test_memory_does_not_grow_with_the_length_of_the_pipeline(
    tmp_path: Path, home: Path, executor: Any
) -> None:
    settings = {"executor": executor} if executor else {}
    project = projects.frames(tmp_path / "frames", 10, 50, settings)
    arguments = {"path": str(project.path)}
    competitors = {
        "ours": Probe("run_ours", arguments),
        "kedro": Probe("run_kedro", {**arguments, "runner": "SequentialRunner"}),
    }
    group = measure(competitors, 1, home, say=print)
    assert middle(group, "ours", "megabytes") < 1.15 * middle(group, "kedro", "megabytes")
