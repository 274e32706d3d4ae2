"""Closes connections on which no complete request arrives: uvicorn waits for one forever.

Bodies have their own limit, in `bodies`. Knows nothing of what requests mean.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 45.0
"""For a request's line and headers to arrive. Longer than uvicorn keeps an idle connection open."""

ANSWER_SECONDS = 300.0
"""For an answer, and for the client to receive it: far longer than the API needs."""

_now = time.monotonic


class Protocol(H11Protocol):
    """HTTP on one connection, as uvicorn speaks it, with limits."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._phase: tuple[Any, bool] = (None, True)
        self._since = _now()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._look: asyncio.TimerHandle = self.loop.call_later(REQUEST_SECONDS / 3, self._close_if_overdue)

    def _close_if_overdue(self) -> None:
        # The last request, and whether the next one is awaited.
        phase = (self.cycle, self.cycle is None or self.cycle.response_complete)
        if phase != self._phase:
            self._phase, self._since = phase, _now()
        elif _now() - self._since >= (REQUEST_SECONDS if phase[1] else ANSWER_SECONDS):
            self.transport.abort()
            return
        self._look_later()
