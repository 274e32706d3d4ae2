"""A proxy in front of a Prefect API: it counts requests, delays them, or answers in the API's place."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Iterator

import requests


class ApiProxy:
    """What a proxy has seen, and what it does.

    Attributes:
        requests: the GraphQL documents of all requests, in the order of their arrival, with their variables.
        delay: seconds that each request is late.
        answers: gives the GraphQL answer to a request in the API's place, or None to forward it.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self.delay = 0.0
        self.requests: list[tuple[str, Any]] = []
        self.answers: Callable[[str, Any], Any] = lambda document, variables: None

    def count(self, part: str) -> int:
        """How many requests had this in their document."""
        return sum(part in document for document, _ in self.requests)


@contextlib.contextmanager
def proxy(target: str) -> Iterator[ApiProxy]:
    """A proxy in front of the API at `target`, on a port of this machine."""
    state = ApiProxy(target)
    local = threading.local()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(raw)
            variables = body.get("variables")
            document, given = (
                body["query"],
                json.loads(variables) if isinstance(variables, str) else variables,
            )
            state.requests.append((document, given))
            time.sleep(state.delay)
            answer = state.answers(document, given)
            if answer is not None:
                content = json.dumps(answer).encode()
            else:
                if not hasattr(local, "session"):
                    local.session = requests.Session()
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                content = local.session.post(state.target, data=raw, headers=headers, timeout=60).content
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
