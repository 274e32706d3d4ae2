"""A copy of the example project, laid out as in the repository, so that runs do not change the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.project_factory import KEDRO

REPOSITORY = Path(__file__).resolve().parents[2]


def copy_of_the_example(folder: Path) -> Path:
    """Copy `examples/` and `conf_example/` into `folder`, and return the Kedro project's folder."""
    ignored = shutil.ignore_patterns("data", ".kedro_prefect", "__pycache__", "flights-kedro-0")
    for name in ("examples", "conf_example"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    return folder / "examples" / "flights"


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run what `make demo` runs, on a copy; return the Kedro project's folder and the output."""
    if KEDRO < (0, 19):
        pytest.skip(
            "the example needs Kedro 0.19: it uses dataset factories, and OmegaConfigLoader as the default"
        )
    project = copy_of_the_example(tmp_path_factory.mktemp("example"))
    printed = run_python(project, str(project.parent / "demo.py"))
    for_kedro_0 = project.parent / "flights-kedro-0"
    return (for_kedro_0 if for_kedro_0.exists() else project), printed


@pytest.fixture
def example(demo_run: tuple[Path, str]) -> Path:
    """Return the example's Kedro project, after a plain run and a run by an agent."""
    return demo_run[0]


def run_python(project: Path, *arguments: str) -> str:
    """Run Python in the project's folder, check that it succeeds, and return its output.

    Removes the variables that disable telemetry: the project itself must disable it.
    """
    telemetry = ("DO_NOT_TRACK", "KEDRO_DISABLE_TELEMETRY")
    env = {name: value for name, value in os.environ.items() if name not in telemetry}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=project,
        env={**env, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=400,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
