"""The page at the embedded API's address: files of this package, read once, served with a strict policy.

What it shows it asks of the same API, with ``POST /graphql``. Its files hold nothing of the project, so they
need no token; what they ask for does.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Awaitable, Callable, Dict, List

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

STATIC = Path(__file__).parent / "static"

PREFIX = "/page/"
"""Where the page's files are, all but the page itself, which is at ``/``."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_HEADERS: Dict[str, str] = {
    # Nothing from elsewhere, no script or style within the page, and no markup made from text.
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # The browser may keep the files, and asks each time whether they are still the same.
    "Cache-Control": "no-cache",
}


def routes() -> List[BaseRoute]:
    """What the page adds to the API's routes."""
    files = sorted(path for path in STATIC.rglob("*") if path.suffix in _TYPES)
    return [
        Route(_address(path), _serving(path.read_bytes(), _TYPES[path.suffix]), methods=["GET"])
        for path in files
    ]


def is_public(method: str, path: str) -> bool:
    """Whether a request is for one of the page's files, which nobody needs a token for."""
    return method in ("GET", "HEAD") and (path == "/" or path.startswith(PREFIX))


def _address(file: Path) -> str:
    name = file.relative_to(STATIC).as_posix()
    return "/" if name == "index.html" else PREFIX + name


def _serving(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**_HEADERS, "ETag": tag}

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return serve
