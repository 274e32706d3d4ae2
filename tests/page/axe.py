"""axe-core, run in the browser.

It comes with axe-playwright-python; without it, the tests that need it are skipped.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, List

import pytest

from tests.page.browser import Browser

LOOKS = {"light": (1280, False), "dark": (1280, True), "phone": (390, False)}
"""Names of looks: the width, and whether it is dark."""

_RUN = """
    const done = arguments[arguments.length - 1];
    const brief = (each) => [each.id, each.nodes.length, each.nodes[0].html.slice(0, 200)];
    axe.run(document, {resultTypes: ['violations']}).then(
        (result) => done(result.violations.map(brief)), (error) => done([[String(error)]]))"""


def source() -> str:
    """The source of axe-core."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-playwright-python is not installed")
    (file,) = Path(found.origin).parent.rglob("axe.min.js")
    return file.read_text(encoding="utf-8")


def violations(browser: Browser, axe: str) -> List[Any]:
    """What axe finds on the page that is open: rule, number of elements, the first of them."""
    # Not as a script of the page, whose policy forbids it.
    browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": f"{axe};0"})
    found: List[Any] = browser.driver.execute_async_script(_RUN)
    return found
