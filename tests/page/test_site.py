"""The site of `make docs` in a browser: axe finds nothing, and no other host is needed.

Skipped without the extra [docs].
"""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.page.axe import LOOKS, violations
from tests.page.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "index",
    "tutorial/the-page",
    "how-to/from-the-pasted-script",
    "how-to/troubleshooting",
    "reference/prefect-yml",
    "benchmarks",
)
PICTURES = """
    document.querySelectorAll('img').forEach((each) => (each.loading = 'eager'));
    const shown = [...document.images].filter((each) => each.checkVisibility());
    const broken = shown.filter((each) => !each.naturalWidth).map((each) => each.src);
    return shown.every((each) => each.complete) && [broken]"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Logs no requests."""

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the site."""
    pytest.importorskip("material", reason="the extra [docs] is not installed")
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        check=True,
        cwd=str(ROOT),
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pages_are_accessible_and_complete(browser: Browser, axe: str, site: str) -> None:
    found = []
    for page in PAGES:
        for look, (width, dark) in LOOKS.items():
            browser.look(width, 900, dark=dark, still=True)
            browser.open(f"{site}/{page}.html")
            (broken,) = browser.until(lambda: browser.run(PICTURES), f"the pictures of {page}")
            others = [
                url for url in browser.requested() if not url.startswith((site, "about:", "data:", "blob:"))
            ]
            found += [(page, look, *each) for each in violations(browser, axe)]
            found += [(page, look, "does not load", each) for each in broken]
            found += [(page, look, "loads from another host", each) for each in others]
            if browser.overflow() > 0:
                found.append((page, look, "is wider than the window", browser.overflow()))
    assert not found, "\n".join(map(str, found))
