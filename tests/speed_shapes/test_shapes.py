"""How cost grows with a pipeline, told by counting calls and by peak memory, not by the clock."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import projects
from benchmarks.measure import LOGGING, Probe, measure, middle
from tests.scenarios.project_factory import KEDRO, REPOSITORY, Project, clean_environment

pytestmark = pytest.mark.skipif(
    KEDRO < (0, 18),
    reason="the benchmarks' projects have no hooks of their own, which Kedro 0.17 cannot do without",
)

SIZES = (60, 120, 180)

# `kedro.pipeline.pipeline` is a function too, which `import` would find.
kedro_pipeline = importlib.import_module("kedro.pipeline.pipeline")
SORTS_IN_LINEAR_TIME = hasattr(kedro_pipeline, "TopologicalSorter")  # as Kedro after 0.19.0 does


@pytest.fixture(scope="module", params=["chain", "fan"])
def shapes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Project]:
    """Pipelines of one kind, by their number of nodes."""
    folder = tmp_path_factory.mktemp("shapes")
    return {nodes: projects.shape(folder / f"{nodes}", request.param, nodes) for nodes in SIZES}


def calls(what: str, shapes: dict[int, Project], home: Path) -> list[int]:
    """Function calls of each pipeline, counted in one process."""
    paths = [str(project.path) for project in shapes.values()]
    answer = subprocess.run(
        [sys.executable, "-m", "tests.speed_shapes.counted", what, *paths],
        cwd=REPOSITORY,
        env=clean_environment(home, KEDRO_LOGGING_CONFIG=str(LOGGING)),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return [int(line) for line in answer.stdout.splitlines()]


@pytest.mark.parametrize("what", ["build", "run"])
def test_twice_the_nodes_take_twice_the_calls(shapes: dict[int, Project], home: Path, what: str) -> None:
    if what == "run" and not SORTS_IN_LINEAR_TIME:
        pytest.skip("this Kedro itself sorts a pipeline in quadratic time, as 1.7 does no longer")
    once, twice, thrice = calls(what, shapes, home)
    more, yet_more = twice - once, thrice - twice
    assert more > 0
    assert yet_more < 1.15 * more, "each further node costs what the one before it did"
    if what == "run":
        # With Prefect's three merges of its configuration a task makes more than 8,000.
        assert more / (SIZES[1] - SIZES[0]) < 4000


def test_ten_thousand_nodes_are_built_and_serialised(tmp_path: Path, home: Path) -> None:
    """Plain Prefect takes more than an hour; the limit is generous for a busy machine.

    A Kedro that sorts in quadratic time takes four minutes for so many before it is our turn: fewer there.
    """
    nodes = 10_000 if SORTS_IN_LINEAR_TIME else 2_000
    project = projects.shape(tmp_path / "long", "chain", nodes)
    probe = Probe("serialise_ours", {"nodes": nodes, "path": str(project.path)})
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
