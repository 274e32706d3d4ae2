"""``GET /agents/wake-up?after=POSITION``: answers when an agent should look for flow runs.

A request waits here without a thread and without a connection to the database. Prefect's own agents know
nothing of it, and poll.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kedro_prefect_hooks.embedded.operations import due_runs
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.storage.values import SECOND
from kedro_prefect_hooks.embedded.web.bodies import json_response

PATH = "/agents/wake-up"

LONGEST_WAIT = 25.0
"""Seconds after which a request is answered although nothing has happened."""


def route(database: Database) -> Route:
    """The endpoint for agents of this database."""

    async def wake_up(request: Request) -> Response:
        await _changed(database, request.query_params.get("after"))
        signal = database.agent_signal
        if signal.closed:
            return json_response(503, {"error": "The API is being stopped."})
        return json_response(200, {"position": signal.position, "time": database.now() / SECOND})

    return Route(PATH, wake_up, methods=["GET"])


async def _changed(database: Database, position: str | None) -> None:
    """Wait until the position of the signal is another one, the API is stopped, or the time is up."""
    signal = database.agent_signal
    loop = asyncio.get_running_loop()
    notified = asyncio.Event()

    def listener() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(notified.set)

    signal.listen(listener)
    try:
        end = loop.time() + LONGEST_WAIT
        while True:
            notified.clear()
            due = await run_in_threadpool(_next_due, database)
            left = end - loop.time()
            if signal.closed or signal.position != position or left <= 0:
                return
            if due is not None:
                left = min(left, max(0.0, (due - database.now()) / SECOND))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(notified.wait(), left)
    finally:
        signal.forget(listener)


def _next_due(database: Database) -> int | None:
    return database.agent_signal.next_due(database.now(), lambda now: due_runs.next_due(database, now))
