"""The embedded API over HTTP: ``POST /`` and ``POST /graphql``, ``GET /health``, `wake_up`, and the page.

This module decides which requests are answered. It refuses a `Host` or an `Origin` that is not this server's
own, so that no other web page can start a run through the browser of a person who runs this server. The size
of bodies is limited. If there is a token, requests without it get only the page's files and the health check.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from typing import Any, Callable, Container, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kedro_prefect_hooks.embedded.graphql import answers
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.web import health, wake_up
from kedro_prefect_hooks.embedded.web.bodies import BodyRefused, compressed, json_response, read_body, refusal
from kedro_prefect_hooks.embedded.web.own_names import LOOPBACK
from kedro_prefect_hooks.embedded.web.page import is_public

_log = logging.getLogger(__name__)


def application(
    database: Database,
    *,
    hosts: Container[Optional[str]] = LOOPBACK,
    token: str | None = None,
    page: Sequence[BaseRoute] = (),
    checks: Sequence[Callable[[], Optional[str]]] = (),
) -> ASGIApp:
    """The ASGI application.

    Args:
        database: the database to serve.
        hosts: the names of this server that a `Host` header may contain, in lower case, without ports.
        token: required as ``Authorization: Bearer …``; None for no token.
        page: further routes, after the API's own.
        checks: functions that return a problem for the health check to report, or None.
    """
    health_check = health.HealthCheck(database, checks)

    async def graphql(request: Request) -> Response:
        try:
            body = await read_body(request)
        except BodyRefused as refused:
            return refused.response
        return await run_in_threadpool(
            lambda: compressed(request, _answer(database, body, dict(request.headers)))
        )

    routes: List[BaseRoute] = [
        Route("/health", health_check.respond, methods=["GET"]),
        Route("/", graphql, methods=["POST"]),
        Route("/graphql", graphql, methods=["POST"]),
        Route("/graphql/", graphql, methods=["POST"]),
        wake_up.route(database),
        *page,
    ]
    return _Gate(Starlette(routes=routes), hosts, token)


def _answer(database: Database, body: bytes, headers: Mapping[str, str]) -> Response:
    try:
        text, variables, operation_name = _read(body)
    except ValueError as error:
        return refusal(400, str(error))
    try:
        answer = answers.execute(database, text, variables, operation_name, headers)
    except Exception:
        _log.exception("The embedded API failed")
        return refusal(500, "Internal server error")
    return json_response(answer.status, answer.content)


def _read(body: bytes) -> Tuple[str, Any, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("POST body is not JSON.") from None
    if not isinstance(content, dict) or not isinstance(content.get("query"), str):
        raise ValueError("Must provide query string.")
    variables = content.get("variables")
    if isinstance(variables, str):
        # Prefect's client sends the variables as a JSON string, "null" if there are none.
        try:
            variables = json.loads(variables)
        except (ValueError, RecursionError):
            raise ValueError("Variables are invalid JSON.") from None
    if variables is not None and not isinstance(variables, dict):
        raise ValueError("Variables must be an object.")
    return content["query"], variables or {}, content.get("operationName")


WRONG_TOKEN_SECONDS = 0.5
"""How long the answer to a wrong token takes, so that nobody can try many."""


class _Gate:
    """Passes on only requests that name this server, come from no other site, and have the token."""

    def __init__(self, inner: ASGIApp, hosts: Container[Optional[str]], token: str | None) -> None:
        self._inner = inner
        self._hosts = hosts
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], scope["path"], headers)
        if refusal is not None and refusal.status_code == 401 and "authorization" in headers:
            await asyncio.sleep(WRONG_TOKEN_SECONDS)
        await (refusal or self._inner)(scope, receive, send)

    def _refusal(self, method: str, path: str, headers: Mapping[str, str]) -> Response | None:
        host = headers.get("host", "")
        if _name_of(f"//{host}") not in self._hosts:
            return PlainTextResponse(f"Forbidden: this server is not {host!r}.\n", 403)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return PlainTextResponse(f"Forbidden: requests from {origin!r} are not answered.\n", 403)
        is_open = path == "/health" or is_public(method, path)
        if self._token is not None and not is_open and not self._knows_token(headers):
            return PlainTextResponse(
                "Unauthorized: this server requires 'Authorization: Bearer <token>'.\n",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        return None

    def _knows_token(self, headers: Mapping[str, str]) -> bool:
        expected = f"Bearer {self._token}".encode()
        return hmac.compare_digest(headers.get("authorization", "").encode("latin-1"), expected)


def _name_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
