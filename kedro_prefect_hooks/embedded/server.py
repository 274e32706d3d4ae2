"""Serves the embedded API: in a thread of this process, or until the process receives a signal.

>>> with EmbeddedServer(database_path(project)) as server:
...     prefect.Client(api_server=server.url)
"""

from __future__ import annotations

import inspect
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any, Callable, Sequence

from kedro_prefect_hooks.embedded import packages
from kedro_prefect_hooks.errors import KedroPrefectError

packages.require(packages.SERVER)

import uvicorn  # noqa: E402

from kedro_prefect_hooks.embedded.graphql import schema  # noqa: E402
from kedro_prefect_hooks.embedded.services import Services  # noqa: E402
from kedro_prefect_hooks.embedded.settings import Settings  # noqa: E402
from kedro_prefect_hooks.embedded.storage.database import Database  # noqa: E402
from kedro_prefect_hooks.embedded.web import half_requests, http, page  # noqa: E402
from kedro_prefect_hooks.embedded.web.own_names import OwnNames, is_loopback  # noqa: E402

_START_SECONDS = 30
_STOP_SECONDS = 4
"""For what is going on to finish, and as long again after it has been interrupted."""


class EmbeddedServer:
    """The embedded API in a thread of this process, from `start` to `stop`; also a context manager.

    Args:
        database: the SQLite file, created if missing; None for an empty one that `stop` removes.
        host: the address to listen on. Beyond loopback only with a `token`.
        port: 0 for any free port.
        services: whether schedules create runs, and dead runs are found.
        token: what each request must send as ``Authorization: Bearer …``.
        settings: the API's intervals and limits.
        names: further names of this server, such as that of a reverse proxy.
        place: the project and the environment that the page names in its header.

    Raises:
        KedroPrefectError: on `start`, when it cannot listen at the address or use the database.
    """

    def __init__(
        self,
        database: Path | None,
        host: str = "127.0.0.1",
        port: int = 0,
        services: bool = True,
        token: str | None = None,
        *,
        settings: Settings | None = None,
        names: Sequence[str] = (),
        place: page.Place | None = None,
    ) -> None:
        _check_exposure(host, token)
        if token is not None and not token.isascii():
            raise KedroPrefectError("A token may have ASCII characters only: HTTP cannot send others.")
        self._path = database
        self._host = host
        self._port = port
        self._token = token
        self._settings = settings
        self._names = names
        self._place = place or page.Place()
        self._runs_services = services
        self._database: Database | None = None
        self._services: Services | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    @property
    def url(self) -> str:
        """Its URL, such as ``http://127.0.0.1:4200``. Raises RuntimeError before `start`."""
        if self._socket is None:
            raise RuntimeError("The embedded Prefect API has not been started.")
        host = self._host
        if host in ("0.0.0.0", "::"):
            host = "127.0.0.1" if host == "0.0.0.0" else "::1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self._socket.getsockname()[1]}"

    @property
    def database(self) -> Database:
        """The open database. Raises RuntimeError before `start`."""
        if self._database is None:
            raise RuntimeError("The embedded Prefect API has not been started.")
        return self._database

    def start(self) -> EmbeddedServer:
        self._socket = _listen(self._host, self._port)
        try:
            self._database = Database(self._path, self._settings)
            self._server = uvicorn.Server(self._config(self._database))
            sockets = [self._socket]
            self._thread = threading.Thread(
                target=self._server.run, args=(sockets,), name="embedded-prefect-api", daemon=True
            )
            self._thread.start()
            self._wait_until_started(self._server, self._thread)
            if self._runs_services:
                self._services = Services(self._database)
                self._services.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the services, finish answering, stop the server and close the database.

        What has not finished after a few seconds, whatever it does, is interrupted.
        """
        if self._database is not None:
            self._database.agent_signal.close()
        if self._services is not None:
            self._services.signal_stop()
        if self._server is not None:
            self._server.should_exit = True
        deadline = time.monotonic() + _STOP_SECONDS
        self._join(deadline)
        if self._database is not None:
            self._database.interrupt()
        if self._server is not None:
            self._server.force_exit = True
        self._join(time.monotonic() + _STOP_SECONDS)
        self._services = self._server = self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._database is not None:
            self._database.close()
            self._database = None

    def _join(self, deadline: float) -> None:
        for thread in (self._thread, self._services):
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> EmbeddedServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _config(self, database: Database) -> uvicorn.Config:
        # Built now rather than at the first request, whose client may not wait that long.
        schema.schema()
        app = http.application(
            database,
            hosts=OwnNames(self._host, self._names, has_token=self._token is not None),
            token=self._token,
            page=page.routes(database, self._place),
            checks=[self._services_problem],
        )
        return uvicorn.Config(
            app,
            http=half_requests.Protocol,
            log_level=logging.WARNING,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_keep_alive=30,
            **_graceful_shutdown(),
        )

    def _services_problem(self) -> str | None:
        services = self._services
        return None if services is None else services.problem()

    @staticmethod
    def _wait_until_started(server: Any, thread: threading.Thread) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise KedroPrefectError("The embedded Prefect API did not start.")
            time.sleep(0.005)


def _graceful_shutdown() -> dict[str, Any]:
    """A limit for answering what is open when the server stops; `stop` has its own where uvicorn has none."""
    known = inspect.signature(uvicorn.Config).parameters
    return {"timeout_graceful_shutdown": _STOP_SECONDS} if "timeout_graceful_shutdown" in known else {}


def serve(
    database: Path | None,
    host: str = "127.0.0.1",
    port: int = 4200,
    token: str | None = None,
    on_ready: Callable[[EmbeddedServer], None] | None = None,
    *,
    settings: Settings | None = None,
) -> None:
    """Serve until the process receives SIGINT or SIGTERM; must be called in the main thread.

    `on_ready` is called once, with the running server.

    Raises:
        KedroPrefectError: it cannot listen at the address or use the database.
    """
    stopped = threading.Event()
    numbers = [signal.SIGINT, signal.SIGTERM]
    previous = {number: signal.signal(number, lambda *_: stopped.set()) for number in numbers}
    try:
        with EmbeddedServer(database, host, port, token=token, settings=settings) as server:
            if on_ready is not None:
                on_ready(server)
            # On Windows a wait without a timeout cannot be interrupted.
            while not stopped.wait(1):
                pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _check_exposure(host: str, token: str | None) -> None:
    if not is_loopback(host) and not token:
        raise KedroPrefectError(
            f"At host {host!r}, the embedded Prefect API is open to the network, and anyone who can reach it "
            "can run flows. Give a token, or use a loopback host such as 127.0.0.1."
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small responses at once (TCP_NODELAY) only from a socket that names its protocol; from any
    # other, each response waits 40 ms for the client to acknowledge its headers.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without SO_REUSEADDR, closed connections keep the port in use for a minute after a restart. On
        # Windows it would let another process hijack the port.
        if os.name != "nt":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise KedroPrefectError(
            f"The embedded Prefect API cannot listen at {host}:{port}: {error}. Choose another address with "
            "--port or --host."
        ) from error
    listener.set_inheritable(False)
    return listener
