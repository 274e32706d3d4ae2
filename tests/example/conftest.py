"""A copy of the example project, laid out as in the repository, so that runs leave the repository alone."""

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
    """Copies `examples/` and `conf_example/` below `folder`; returns the Kedro project's folder."""
    leave_out = shutil.ignore_patterns("data", ".kedro_prefect", "__pycache__", "flights-kedro-0")
    for name in ("examples", "conf_example"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=leave_out)
    return folder / "examples" / "flights"


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What `make demo` runs, on a copy: the Kedro project's folder afterwards, and all that was printed."""
    if KEDRO < (0, 19):
        pytest.skip("the example has dataset factories and OmegaConf's loader without saying so: Kedro 0.19")
    project = copy_of_the_example(tmp_path_factory.mktemp("example"))
    printed = run_python(project, str(project.parent / "demo.py"))
    for_kedro_0 = project.parent / "flights-kedro-0"
    return (for_kedro_0 if for_kedro_0.exists() else project), printed


@pytest.fixture
def example(demo_run: tuple[Path, str]) -> Path:
    """The example's Kedro project, after a plain run and one by an agent."""
    return demo_run[0]


def run_python(project: Path, *arguments: str) -> str:
    """Runs Python in the project's folder; returns all that it printed. It must end well.

    The variables that forbid telemetry are taken away: the project has to forbid it by itself.
    """
    forbidding = ("DO_NOT_TRACK", "KEDRO_DISABLE_TELEMETRY")
    env = {name: value for name, value in os.environ.items() if name not in forbidding}
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
