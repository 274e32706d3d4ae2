"""A real Chromium per worker, and an embedded API without agents per test that asks for one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.embedded.conftest import Caller, Seed

if TYPE_CHECKING:
    from tests.page.browser import Browser

PARAMETERS = [
    {"name": "rate", "slug": "rate", "required": False, "default": 0.5},
    {"name": "verbose", "slug": "verbose", "required": False, "default": False},
    {"name": "title", "slug": "title", "required": False, "default": "a title"},
    {"name": "options", "slug": "options", "required": False, "default": {"depth": 2}},
    {"name": "nothing", "slug": "nothing", "required": False, "default": None},
    {"name": "must", "slug": "must", "required": True, "default": None},
]
"""Parameters of a flow, one of each kind that the form distinguishes."""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser. Without one, tests are skipped, or fail in CI."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "Chromium" if program is None else "chromedriver"
        reason = f"{missing} is not installed (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from tests.page.browser import Browser

    browser = Browser(program, driver, tmp_path_factory.mktemp("chromium"))
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser in its initial state, 1280 by 900 and light; no errors may be left in its console."""
    chromium.reset()
    yield chromium
    chromium.leave()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    from tests.page.axe import source

    return source()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "state" / "api.sqlite", services=False) as running:
        yield running


@pytest.fixture
def seed(server: EmbeddedServer) -> Seed:
    """Puts flows and runs into `server`."""
    return Seed(Caller(server.url))
