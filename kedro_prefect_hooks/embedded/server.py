"""Runs the embedded API: in a thread of this process for a while, or as what a process does.

>>> with EmbeddedServer(database_path(project)) as server:
...     prefect.Client(api_server=server.url)
"""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, List

from kedro_prefect_hooks.errors import KedroPrefectError

for _package in ("alembic", "graphql", "sqlalchemy", "starlette", "uvicorn"):
    if find_spec(_package) is None:
        raise KedroPrefectError(
            f"The embedded Prefect API needs the package {_package!r}, which is not installed. "
            "Install it with: uv pip install 'kedro-prefect-hooks[embedded]' (or pip older than 24.1)"
        )

import uvicorn  # noqa: E402

from kedro_prefect_hooks.embedded.graphql import schema  # noqa: E402
from kedro_prefect_hooks.embedded.services import Services  # noqa: E402
from kedro_prefect_hooks.embedded.settings import Settings  # noqa: E402
from kedro_prefect_hooks.embedded.storage.database import Database  # noqa: E402
from kedro_prefect_hooks.embedded.web import http, page  # noqa: E402

_START_SECONDS = 30
_STOP_SECONDS = 5


class EmbeddedServer:
    """The embedded API in a thread of this process, from `start` to `stop`; a context manager of the two.

    Args:
        database: the SQLite file, made when absent; None for an empty one that `stop` removes.
        host: where to listen. Beyond loopback only with a `token`.
        port: 0 for any that is free.
        services: whether schedules make runs and dead runs are found. Not needed for a registration.
        token: what each request must bring as ``Authorization: Bearer …``.
        settings: the times it acts by.

    Raises:
        KedroPrefectError: on `start`, when the address cannot be had or the database cannot be used.
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
    ) -> None:
        _check_exposure(host, token)
        self._path = database
        self._host = host
        self._port = port
        self._token = token
        self._settings = settings
        self._wants_services = services
        self._database: Database | None = None
        self._services: Services | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    @property
    def url(self) -> str:
        """Where it answers, such as ``http://127.0.0.1:4200``. Raises RuntimeError before `start`."""
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
        self._socket = _bind(self._host, self._port)
        try:
            self._database = Database(self._path, self._settings)
            self._server = uvicorn.Server(self._config(self._database))
            sockets = [self._socket]
            self._thread = threading.Thread(
                target=self._server.run, args=(sockets,), name="embedded-prefect-api", daemon=True
            )
            self._thread.start()
            self._wait_until_started(self._server, self._thread)
            if self._wants_services:
                self._services = Services(self._database)
                self._services.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Finish what is being answered, then end services and server and close the database."""
        if self._services is not None:
            self._services.stop()
            self._services = None
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
            self._server.force_exit = True
            self._thread.join(_STOP_SECONDS)
            self._server = self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> EmbeddedServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _config(self, database: Database) -> uvicorn.Config:
        # Made here rather than at the first request, whose client may not wait that long.
        schema.schema()
        app = http.application(database, hosts=_names_of(self._host), token=self._token, page=page.routes())
        return uvicorn.Config(
            app,
            log_level=logging.WARNING,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )

    @staticmethod
    def _wait_until_started(server: Any, thread: threading.Thread) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise KedroPrefectError("The embedded Prefect API did not start.")
            time.sleep(0.005)


def serve(
    database: Path | None,
    host: str = "127.0.0.1",
    port: int = 4200,
    token: str | None = None,
    on_ready: Callable[[EmbeddedServer], None] | None = None,
    *,
    settings: Settings | None = None,
) -> None:
    """Serve until the process gets SIGINT or SIGTERM; must be called in the main thread.

    `on_ready` is called with the running server, once.

    Raises:
        KedroPrefectError: the address cannot be had, or the database cannot be used.
    """
    done = threading.Event()
    wanted = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, lambda *_: done.set()) for number in wanted}
    try:
        with EmbeddedServer(database, host, port, token=token, settings=settings) as server:
            if on_ready is not None:
                on_ready(server)
            # On Windows a wait without a timeout cannot be interrupted.
            while not done.wait(1):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_exposure(host: str, token: str | None) -> None:
    if not _is_loopback(host) and not token:
        raise KedroPrefectError(
            f"The embedded Prefect API would be open to the network at host {host!r}, and whoever reaches "
            "it can run flows. Give a token, or use a loopback host such as 127.0.0.1."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _names_of(host: str) -> List[str]:
    """The names by which requests may call a server that listens at `host`."""
    names = [*http.LOOPBACK, host]
    if not _is_loopback(host):
        names += [socket.gethostname(), socket.getfqdn(), *_addresses()]
    return names


def _addresses() -> List[str]:
    """This machine's addresses, as far as its own name leads to them."""
    try:
        return [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)]
    except OSError:
        return []


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once (TCP_NODELAY) only from a socket that names its protocol; from any
    # other, each answer waits 40 ms for the client's acknowledgement of its headers.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without it, a restart within a minute finds its own port taken by connections that are over.
        # On Windows it would let another process take the port away.
        if os.name != "nt":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        raise KedroPrefectError(
            f"The embedded Prefect API cannot listen at {host}:{port}: {error}. Choose another port."
        ) from error
    bound.set_inheritable(False)
    return bound
