"""An unreachable API gives a message of one line, in time, that says what to do."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Iterator

import pytest

from kedro_prefect_hooks import hooks
from kedro_prefect_hooks.api import http_transport
from kedro_prefect_hooks.api.client import Api
from kedro_prefect_hooks.errors import ApiError
from tests.registration.conftest import Site
from tests.registration.proxy import Proxy

TIMEOUT = 1.0
Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Start a server that responds to every POST with `answer`, and return its URL."""
    servers = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def page(status: int, kind: str, body: bytes, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def slow_response(handler: BaseHTTPRequestHandler) -> None:
    """A response that takes 20 seconds, one byte every fifth of a second."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        time.sleep(0.2)


def failure(site: Site, url: str) -> str:
    """Return the message, which is one line and arrives in time."""
    site.configure(register={"timeout": TIMEOUT})
    site.configure(api=url)
    flows = site.flows()
    from kedro_prefect_hooks.registration import register_project

    started = time.monotonic()
    with pytest.raises(ApiError) as caught:
        register_project(flows, echo=site.lines.append)
    assert time.monotonic() - started < TIMEOUT + 2
    message = str(caught.value)
    assert "\n" not in message
    assert url in message
    assert "`api:` in prefect.yml" in message
    assert site.lines == []
    return message


def test_closed_port(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    message = failure(site, f"http://127.0.0.1:{port}")
    assert "is unreachable (Connection refused)" in message


def test_closed_port_by_https(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "is unreachable" in failure(site, f"https://127.0.0.1:{port}")


def test_silent_port(site: Site) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        message = failure(site, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "did not respond within 1 s (`register.timeout`)" in message


def test_slow_response(site: Site, serve: Callable[[Answer], str]) -> None:
    assert "did not respond within 1 s" in failure(site, serve(slow_response))


def test_http_500(site: Site, serve: Callable[[Answer], str]) -> None:
    assert "responded with HTTP 500" in failure(site, serve(page(500, "text/plain", b"oops")))


def test_html_page(site: Site, serve: Callable[[Answer], str]) -> None:
    message = failure(site, serve(page(200, "text/html; charset=utf-8", b"<html>Prefect</html>")))
    assert "responded with text/html" in message
    assert "4200" in message


def test_other_json(site: Site, serve: Callable[[Answer], str]) -> None:
    assert "which no Prefect API does" in failure(site, serve(page(200, "application/json", b'{"ok": 1}')))


def test_data_of_another_graphql_api(site: Site, serve: Callable[[Answer], str]) -> None:
    url = serve(page(200, "application/json", b'{"data": {"me": null}}'))
    assert "which no Prefect API does" in failure(site, url)


def test_slow_down(site: Site, serve: Callable[[Answer], str]) -> None:
    assert "slow down" in failure(site, serve(page(429, "text/plain", b"")))


def test_access_denied(site: Site, serve: Callable[[Answer], str]) -> None:
    assert "denied access" in failure(site, serve(page(401, "text/plain", b"")))


def test_redirect(site: Site, serve: Callable[[Answer], str]) -> None:
    message = failure(site, serve(page(302, "text/plain", b"", Location="https://login.example.com")))
    assert "https://login.example.com" in message


class SlowAfterwards(Proxy):
    """An API whose answers after the first one arrive byte by byte, or are too large."""

    def __init__(self, upstream: str, answer: Answer) -> None:
        super().__init__(upstream)
        self.answer = answer

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        if self.requests:
            handler.rfile.read(int(handler.headers["Content-Length"]))
            self.answer(handler)
        else:
            super().handle(handler)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (slow_response, "did not respond within 1 s"),
        (page(200, "application/json", b" " * 2_000_000), "responded with more than 1 MB"),
    ],
    ids=["slow", "huge"],
)
def test_answers_after_the_first_have_limits_too(
    site: Site, monkeypatch: pytest.MonkeyPatch, answer: Answer, message: str
) -> None:
    monkeypatch.setattr(http_transport, "PATIENCE", 1.0)
    monkeypatch.setattr(http_transport, "MAX_BYTES", 1024**2)
    with SlowAfterwards(site.url, answer) as proxy:
        started = time.monotonic()
        with pytest.raises(ApiError, match=message):
            site.register(api=proxy.url)
        assert time.monotonic() - started < 10, "all of it takes 20 s"


def test_a_server_without_a_tenant(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Api.snapshot

    def without(self: Api, project: str) -> Any:
        return replace(answered(self, project), tenant_id=None, tenant_slug=None, project_id=None)

    monkeypatch.setattr(Api, "snapshot", without)
    with pytest.raises(ApiError, match=r"has no tenant yet\. Create one: prefect server create-tenant"):
        site.register()


def test_whatever_goes_wrong_is_a_warning_if_so_configured(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Api, project: str) -> Any:
        raise RuntimeError("something nobody thought of")

    monkeypatch.setattr(Api, "snapshot", broken)
    site.configure(api=site.url)
    with pytest.raises(RuntimeError):
        hooks._register(site.flows().context)
    site.configure(register={"on_error": "warn"})
    context = site.flows().context
    monkeypatch.setattr(hooks.logger, "handlers", [caplog.handler])  # Kedro has just configured logging
    hooks._register(context)
    text = "The flows were not registered, and the run continues: RuntimeError: something nobody thought of"
    assert text in caplog.text


def test_unknown_host(site: Site) -> None:
    assert "is unreachable" in failure(site, "http://no-such-host.invalid:4200")
