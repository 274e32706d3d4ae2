"""The page at the embedded API's URL: files of this package, read once and served with a strict policy.

Its data comes from the same API, with ``POST /graphql``, ``/changes`` and ``/derived/…``. The files hold
nothing of the project, so they need no token; the data does.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Awaitable, Callable, Dict, List, NamedTuple, Optional

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.web import changes, derived
from kedro_prefect_hooks.embedded.web.bodies import accepts_gzip, json_response

STATIC = Path(__file__).parent / "static"

PREFIX = "/page/"
"""Where the page's files are; only the page itself is at ``/``."""

FACTS = PREFIX + "facts.js"
"""A generated module, so that the page repeats nothing that the package states elsewhere."""

PLACE = "/place"
"""Which project and environment this is."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_HEADERS: Dict[str, str] = {
    # Nothing from other hosts, no inline scripts or styles, and no markup made from text. Previews of
    # pictures are within the data.
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # The browser may keep the files, but asks each time whether they have changed.
    "Cache-Control": "no-cache",
}


class Place(NamedTuple):
    """What the API serves, as the page's header says it; None if it is not known."""

    project: Optional[str] = None
    environment: Optional[str] = None


def routes(database: Database, place: Place) -> List[BaseRoute]:
    """The page's routes: its files, and the endpoints behind what it shows."""

    async def where(request: Request) -> Response:
        return json_response(200, place._asdict())

    files = {_url_path(path): path for path in sorted(STATIC.rglob("*")) if path.suffix in _TYPES}
    return [
        *(_file_route(url_path, path.read_bytes(), path.suffix) for url_path, path in files.items()),
        _file_route(FACTS, facts().encode(), ".js"),
        changes.route(database),
        *derived.routes(),
        Route(PLACE, where, methods=["POST"]),
    ]


def is_public(method: str, path: str) -> bool:
    """Whether a request is for one of the page's files, which need no token."""
    return method in ("GET", "HEAD") and (path == "/" or path.startswith(PREFIX))


def facts() -> str:
    """The module `facts.js`: sets of states."""
    sets = {
        "FINISHED": states.FINISHED,
        "WAITING": states.WAITING,
        "SUCCESSFUL": states.kinds_of("Success"),
        "FAILED": states.kinds_of("Failed"),
    }
    lines = (f"export const {name} = new Set({json.dumps(sorted(kinds))});" for name, kinds in sets.items())
    return "\n".join(["// Generated: see page.py.", *lines, ""])


def _url_path(file: Path) -> str:
    name = file.relative_to(STATIC).as_posix()
    return "/" if name == "index.html" else PREFIX + name


def _file_route(url_path: str, content: bytes, suffix: str) -> Route:
    return Route(url_path, _file_endpoint(content, _TYPES[suffix]), methods=["GET"])


def _file_endpoint(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**_HEADERS, "ETag": tag, "Vary": "Accept-Encoding"}
    small = gzip.compress(content, 9)

    async def endpoint(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if accepts_gzip(request):
            return Response(small, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(content, media_type=media_type, headers=headers)

    return endpoint
