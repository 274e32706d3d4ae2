"""``GET /health``: whether requests can be answered, and which database they are answered from.

It tries, rather than assumes: a process that is up may have lost its file, or have no thread left.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Optional, Sequence

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from kedro_prefect_hooks import __version__
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.web.bodies import json_response

WAIT_SECONDS = 1.0
"""For the database; less than `location.running` waits for the answer."""


class HealthCheck:
    """The health of the API of one database.

    Args:
        database: the database.
        checks: further functions that return a problem, or None.
    """

    def __init__(self, database: Database, checks: Sequence[Callable[[], Optional[str]]] = ()) -> None:
        self._database = database
        self._checks = [database.problem, *checks]
        # Of its own: those of the requests may all be busy.
        self._executor = ThreadPoolExecutor(1, "health")
        self._running: asyncio.Future[str | None] | None = None

    async def respond(self, request: Request) -> Response:
        """200 and ``"status": "ok"``, or 503 and what is wrong."""
        problem = await self._problem()
        content = {"status": "ok", "database": self._database.id, "version": __version__}
        if problem is None:
            return json_response(200, content)
        return json_response(503, {**content, "status": "failing", "problem": problem})

    async def _problem(self) -> str | None:
        if anyio.to_thread.current_default_thread_limiter().available_tokens < 1:
            return "All threads are busy with requests."
        if self._running is None or self._running.done():
            loop = asyncio.get_running_loop()
            self._running = loop.run_in_executor(self._executor, self._first_problem)
        done, _ = await asyncio.wait([self._running], timeout=WAIT_SECONDS)
        return self._running.result() if done else "The database does not respond."

    def _first_problem(self) -> str | None:
        found = (check() for check in self._checks)
        return next((problem for problem in found if problem is not None), None)
