"""Prefect's client for a flow run: it waits for an API that does not respond, and keeps its connection open.

Prefect 1.1.0 repeats requests to `https://` addresses only. A flow run on an `http://` API that restarts
would mark its tasks Pending and end. It also opens a new connection for each request.
"""

from __future__ import annotations

import copy
import os
import threading
import time
from typing import Any, Dict, Tuple, Type, TypeVar

import prefect
import requests
from prefect.utilities.logging import get_logger

PATIENCE = 300.0
"""Seconds for which a request is repeated while the API does not respond."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two tries; each pause is half as long again as the last."""

GATEWAY_ERRORS = (502, 503, 504)
"""What a proxy answers while the API behind it is being restarted."""

LOGGER = "PrefectAPI"

Self = TypeVar("Self", bound="PatientClient")

_connections = threading.local()
_clients: Dict[Tuple[Any, ...], Any] = {}


class PatientClient(prefect.Client):
    """Prefect's client, whose requests may be repeated: all that a flow run sends changes nothing twice.

    Args:
        **kwargs: Prefect's own.
    """

    patience = PATIENCE

    @classmethod
    def of_context(cls: Type[Self]) -> Self:
        """A client for the API of Prefect's context; made once, since each task run needs one."""
        cloud = prefect.context.config.cloud
        key = (cls, cloud.api, cloud.get("api_key"))
        if key not in _clients:
            _clients[key] = cls()
        client: Self = copy.copy(_clients[key])
        return client

    def _send_request(self, session: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        until = time.monotonic() + self.patience
        tries, pause = 0, 0.0  # the first error may only mean that the API closed an idle connection
        while True:
            tries += 1
            try:
                response: requests.Response = super()._send_request(_kept_open(session), *args, **kwargs)
            except requests.RequestException as error:
                if not does_not_respond(error) or time.monotonic() >= until:
                    raise
                if tries == 2:
                    get_logger(LOGGER).warning(
                        "The Prefect API at %s does not respond. Its requests are repeated until it does, "
                        "for at most %.0f seconds: %s",
                        self.api_server,
                        self.patience,
                        error,
                    )
                time.sleep(pause)
                pause = min(max(pause * 1.5, FIRST_PAUSE), LONGEST_PAUSE)
                continue
            if tries > 2:
                get_logger(LOGGER).info("The Prefect API at %s responds again.", self.api_server)
            return response


def does_not_respond(error: BaseException) -> bool:
    """Whether an error of a request means that nobody has processed it, as far as can be known."""
    if isinstance(error, requests.HTTPError):
        return error.response is not None and error.response.status_code in GATEWAY_ERRORS
    return isinstance(error, (requests.ConnectionError, requests.Timeout))


def _kept_open(session: requests.Session) -> requests.Session:
    """This thread's session, whose connections stay open; the first one that Prefect made for it."""
    kept: requests.Session | None = getattr(_connections, "session", None)
    if kept is None:
        kept = _connections.session = session
    return kept


if hasattr(os, "register_at_fork"):
    # A child process that used its parent's connection would read answers that are not its own.
    os.register_at_fork(after_in_child=_connections.__dict__.clear)
