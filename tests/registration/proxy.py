"""An HTTP proxy in front of a Prefect API that records each request and can fail at a chosen one."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

Callback = Callable[[int, str], None]


class Cut(Exception):
    """Raised by `before` or `after` to close the connection without a response."""


class Proxy:
    """Forwards to `upstream`; `requests` holds the operation of each request, in order.

    Args:
        upstream: the API's URL.
        before: called with a request's number (from 1) and its operation, before it is forwarded.
        after: called likewise, after the API has responded and before the response is passed on.
    """

    def __init__(self, upstream: str, before: Callback | None = None, after: Callback | None = None) -> None:
        self.upstream = upstream
        self.before = before
        self.after = after
        self.requests: list[str] = []
        self.bodies: list[Any] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet per response, or each waits 40 ms for an acknowledgement

            def do_POST(self) -> None:
                proxy.handle(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        request = json.loads(body)
        name = operation(request["query"])
        with self._lock:
            self.requests.append(name)
            self.bodies.append(request)
            number = len(self.requests)
        try:
            if self.before is not None:
                self.before(number, name)
            status, answer = self._forward(body)
            if self.after is not None:
                self.after(number, name)
        except Cut:
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)
        handler.wfile.flush()

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        request = urllib.request.Request(
            self.upstream, data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def operation(document: str) -> str:
    """Return the mutation's name, or `query`, or `query flow_by_pk`."""
    if document.strip().startswith("mutation"):
        found = re.search(r"\{\s*(\w+)", document)
        assert found is not None
        return found[1]
    return "query flow_by_pk" if "flow_by_pk" in document else "query"


def cut_at(number: int) -> Callback:
    """Close the connection of the request with this number, and of all later ones."""

    def cut(current: int, _: str) -> None:
        if current >= number:
            raise Cut

    return cut


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until `condition()` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.02)
