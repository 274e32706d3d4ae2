"""Waits, in a thread, until the API says that there may be something to do: an endpoint of the embedded API.

With any other Prefect API, and while the API is unreachable, it says that there is no such endpoint, and its
user must poll. Knows nothing of flow runs.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable
from urllib.parse import urlsplit

import requests

_PATH = "/agents/wake-up"

_CONNECT_SECONDS = 5
_READ_SECONDS = 60
"""Longer than the API lets a request wait."""

_PAUSE_SECONDS = 1.0
"""Between two attempts while the API is unreachable."""

_BURST_SECONDS = 0.05
"""After a wake-up, so that many changes in a row are one."""


class WakeUps:
    """Calls `on_wake_up`, in a thread of its own, whenever its user should look at the API.

    Args:
        url: the API's.
        token: its token, if it requires one.
        on_wake_up: called when something may have happened, and when `are_coming` changes.

    Attributes:
        are_coming: whether the API will wake its user up, so that it need not poll.
        clock_offset: by how many seconds the API's clock is ahead of this machine's.
    """

    def __init__(self, url: str, token: str | None, on_wake_up: Callable[[], Any]) -> None:
        self.are_coming = False
        self.clock_offset = 0.0
        self._url = _base(url) + _PATH
        self._on_wake_up = on_wake_up
        self._position = ""
        self._stopped = threading.Event()
        self._try_again = threading.Event()
        self._session = requests.Session()
        if urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1"):
            # A proxy from the environment must not come between two processes on one machine.
            self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        # A daemon, and never joined: nothing interrupts a request that waits.
        self._thread = threading.Thread(target=self._run, name="agent-wake-ups", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Wake nobody up any more."""
        self._stopped.set()
        self._try_again.set()

    def try_again(self) -> None:
        """Look again for the endpoint of an API that had none: it may have been replaced."""
        self._try_again.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._try_again.clear()
            try:
                answer = self._wait()
            except requests.RequestException:
                self._set_coming(False)
                self._stopped.wait(_PAUSE_SECONDS)
                continue
            if answer is None:
                self._set_coming(False)
                self._try_again.wait()
                continue
            self.clock_offset = answer["time"] - time.time()
            is_new = answer["position"] != self._position
            self._position = answer["position"]
            if is_new and self.are_coming:
                self._wake_up()
                self._stopped.wait(_BURST_SECONDS)
            self._set_coming(True)

    def _wait(self) -> dict[str, Any] | None:
        """The API's answer; None if this API has no such endpoint."""
        response = self._session.get(
            self._url,
            params={"after": self._position},
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            allow_redirects=False,
        )
        if response.status_code in (502, 503, 504):
            raise requests.ConnectionError("the API is being stopped")
        try:
            answer = response.json()
        except ValueError:
            return None
        known = isinstance(answer, dict) and {"position", "time"} <= set(answer)
        return answer if known and response.status_code == 200 else None

    def _set_coming(self, are_coming: bool) -> None:
        if self.are_coming != are_coming:
            self.are_coming = are_coming
            self._wake_up()

    def _wake_up(self) -> None:
        if not self._stopped.is_set():
            self._on_wake_up()


def _base(url: str) -> str:
    """The URL without the path at which Prefect's client may send GraphQL."""
    url = url.rstrip("/")
    return url[: -len("/graphql")] if url.endswith("/graphql") else url
