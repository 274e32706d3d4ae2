"""Fixtures for all tests: real Kedro projects in temporary folders, and a home folder that is not the user's.

Nothing here starts Prefect or its API; tests that need them start them themselves.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Callable, Iterator, Mapping

import pytest

from tests.scenarios import project_factory
from tests.scenarios.project_factory import Project

SLOW = (
    "example/",
    "differential/",
    "reporting/",
    "agent/",
    "end_to_end/test_agent.py",
    "cli/test_tutorial.py",
    "restart/",
    "same_run/",
    "end_to_end/test_api_gone.py",
    "page/test_round_trip.py",
    "cli/",
    "speed_shapes/",
    "dask/",
    "end_to_end/",
)
"""Where the slow tests are, the slowest first. The tests of the example share one run of the demo."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slow tests, so that no worker is left alone with one at the end."""
    here = Path(__file__).parent

    def position(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((index for index, start in enumerate(SLOW) if path.startswith(start)), len(SLOW))

    items.sort(key=position)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the user's `~/.prefect` and environment variables from tests, and disable telemetry."""
    patch = pytest.MonkeyPatch()
    for name in list(os.environ):
        if name.startswith(("PREFECT_", "KEDRO_")) or name == "HOOK_LOG":
            patch.delenv(name)
    patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    patch.setenv("DO_NOT_TRACK", "1")
    patch.setenv("KEDRO_DISABLE_TELEMETRY", "1")
    yield
    patch.undo()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home folder of the processes that `kedro` starts."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def kedro(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`kedro(project, "run", …, env={…}, ok=True)` runs the command; `ok` asserts that it succeeds."""

    def run(
        project: Project,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        ok: bool = False,
        timeout: float = 240,
    ) -> subprocess.CompletedProcess[str]:
        result = project_factory.run_kedro(project, *arguments, env=env, home=home, timeout=timeout)
        assert not ok or result.returncode == 0, result.stdout
        return result

    return run
