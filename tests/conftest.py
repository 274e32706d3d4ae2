"""Fixtures for every test: real Kedro projects in temporary folders, and a home that is not the user's.

Nothing here starts Prefect or its API; tests that need them do so themselves.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import pytest

from tests.scenarios import project_factory, scenarios
from tests.scenarios.project_factory import Project

LONG = (
    "example/",
    "end_to_end/test_agent.py",
    "cli/test_tutorial.py",
    "restart/",
    "end_to_end/test_api_gone.py",
    "page/test_round_trip.py",
    "cli/",
    "speed_shapes/",
    "dask/",
    "end_to_end/",
)
"""Where the long tests are, the longest first; the example's share one run of the demo."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, so that no worker is alone with one at the end."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((index for index, start in enumerate(LONG) if path.startswith(start)), len(LONG))

    items.sort(key=place)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests see neither the user's `~/.prefect` nor settings from the environment, and send no telemetry."""
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
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """`make_project(pipelines=…, …)`: see `project_factory.make_project`; `name` is the folder's."""

    def make(name: str = "project", **options: Any) -> Project:
        return project_factory.make_project(tmp_path / name, **options)

    return make


@pytest.fixture
def traps_project(tmp_path: Path) -> Project:
    return scenarios.traps(tmp_path / "traps")


@pytest.fixture
def kedro(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`kedro(project, "run", …, env={…}, ok=True)`: runs the command; `ok` asserts its exit code to be 0."""

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
