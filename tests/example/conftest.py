"""A copy of the example project, laid out as in the repository, so that runs leave the repository alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import kedro
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def copy_of_the_example(folder: Path) -> Path:
    """Copies `examples/` and `conf_example/` below `folder`; returns the Kedro project's folder."""
    leave_out = shutil.ignore_patterns("data", ".kedro_prefect", "__pycache__", "flights-kedro-0")
    for name in ("examples", "conf_example"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=leave_out)
    project = folder / "examples" / "flights"
    if kedro.__version__.startswith("0."):
        # What the example's README tells users of these versions to do.
        pyproject = project / "pyproject.toml"
        text = pyproject.read_text(encoding="utf-8")
        pyproject.write_text(text.replace('version = "1.0.0"', 'version = "0.19.0"'), encoding="utf-8")
    return project


def run_kedro(project: Path, *arguments: str) -> str:
    """Runs `kedro` in the project, as a user would; returns all that it printed. It must end well.

    The variables that forbid telemetry are taken away: the project has to forbid it by itself.
    """
    forbidding = ("DO_NOT_TRACK", "KEDRO_DISABLE_TELEMETRY")
    env = {name: value for name, value in os.environ.items() if name not in forbidding}
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        check=False,
        cwd=project,
        env={**env, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's Kedro project."""
    return copy_of_the_example(tmp_path_factory.mktemp("example"))
