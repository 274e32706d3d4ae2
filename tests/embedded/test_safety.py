"""Which requests the embedded API answers: hosts, origins, tokens, sizes, depths, file permissions."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict

import prefect
import psutil
import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer, serve
from kedro_prefect_hooks.errors import KedroPrefectError
from tests.embedded.conftest import Caller


def status(
    url: str, headers: Dict[str, str], body: bytes = b'{"query": "{ hello }"}', path: str = "/graphql"
) -> Any:
    return Caller(url).send(body, headers)[0] if path == "/graphql" else _get(url + path, headers)


def _get(url: str, headers: Dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def port_of(server: EmbeddedServer) -> str:
    return server.url.rsplit(":", 1)[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_its_own_names_are_answered(server: EmbeddedServer, host: str) -> None:
    name = f"{host}:{port_of(server)}"
    assert status(server.url, {"Host": name}) == 200
    assert status(server.url, {"Host": name, "Origin": f"http://{name.lower()}"}) == 200
    assert status(server.url, {"Host": name}, path="/health") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:4200",
        "",
        "evil@127.0.0.1:80@x",
        "[::1",
    ],
)
def test_another_host_is_refused(server: EmbeddedServer, host: str) -> None:
    """Otherwise a browser could be made to send requests, by a host name that leads to this machine."""
    assert status(server.url, {"Host": host}) == 403
    assert status(server.url, {"Host": host}, path="/health") == 403
    assert status(server.url, {"Host": host}, path="/") == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://localhost",
        "file://",
        "",
    ],
)
def test_another_origin_is_refused(server: EmbeddedServer, origin: str) -> None:
    assert status(server.url, {"Origin": origin}) == 403


def test_the_size_of_a_body_is_limited(server: EmbeddedServer) -> None:
    def body(size: int) -> bytes:
        return b'{"query": "{ hello }", "variables": "' + b" " * (size - 43) + b'null"}'

    assert status(server.url, {}, body(5 * 1024 * 1024)) == 200
    assert status(server.url, {}, body(5 * 1024 * 1024 + 1)) == 413


def test_the_size_of_a_chunked_body_is_limited(server: EmbeddedServer) -> None:
    with socket.create_connection(("127.0.0.1", int(port_of(server)))) as connection:
        head = [
            "POST /graphql HTTP/1.1",
            "Host: localhost",
            "Transfer-Encoding: chunked",
            "Connection: close",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(6):
                connection.sendall(chunk)
            connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "POST body is not JSON."),
        (b"nothing", "POST body is not JSON."),
        (b"[" * 100_000, "POST body is not JSON."),
        (b"[]", "Must provide query string."),
        (b'{"query": 1}', "Must provide query string."),
        (b'{"query": "{ hello }", "variables": "{"}', "Variables are invalid JSON."),
        (b'{"query": "{ hello }", "variables": []}', "Variables must be an object."),
        (b'{"query": ""}', "Syntax Error: "),
        (b'{"query": "subscription { a }"}', "subscription"),
        (b'{"query": "query A { hello } query B { hello }"}', "Must provide operation name"),
        (b'{"query": "{ hello }", "operationName": "C"}', 'Unknown operation named "C".'),
        (b'{"query": "fragment F on Query { hello }"}', ""),
    ],
)
def test_an_invalid_request_is_refused(api: Caller, body: bytes, message: str) -> None:
    code, answer = api.send(body)
    assert code == 400
    assert message in answer["errors"][0]["message"]
    assert api.data("{ hello }") == {"hello": "👋"}


def nested(levels: int) -> str:
    query = "id"
    for i in range(levels):
        query = f"{'flow' if i % 2 else 'flow_runs'} {{ {query} }}"
    return f"{{ flow {{ {query} }} }}" if levels % 2 else f"{{ flow_run {{ {query} }} }}"


def test_a_query_can_be_seven_levels_deep(api: Caller) -> None:
    assert api.post(nested(6))[0] == 200
    code, answer = api.post(nested(7))
    assert code == 400
    assert answer["errors"][0]["message"] == "'' exceeds maximum operation depth of 7"
    assert answer["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    hidden = "query Q { flow { ...A } } fragment A on flow { flow_runs { flow { ...B } } } "
    hidden += "fragment B on flow { flow_runs { flow { flow_runs { flow { flow_runs { id } } } } } }"
    assert api.post(hidden)[1]["errors"][0]["message"] == "'Q' exceeds maximum operation depth of 7"


@pytest.mark.parametrize("query", ["{" * 5000, "{ flow { ...F } } fragment F on flow { id ...F }"])
def test_an_endless_query_is_refused(api: Caller, query: str) -> None:
    assert api.post(query)[0] == 400


def test_beyond_loopback_only_with_a_token(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(KedroPrefectError, match="Give a token"):
            EmbeddedServer(tmp_path / "api.sqlite", host=host)
        with pytest.raises(KedroPrefectError, match="Give a token"):
            serve(tmp_path / "api.sqlite", host, 0)


def test_requests_without_the_token_are_refused(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "api.sqlite", host="0.0.0.0", token="secret", services=False) as server:
        for headers in (
            {},
            {"Authorization": "Bearer no"},
            {"Authorization": "secret"},
            {"Authorization": "Bearer "},
        ):
            assert status(server.url, headers) == 401
            # The page's files are public; its data requires the token.
            assert status(server.url, headers, path="/") == 200
            assert status(server.url, headers, path="/docs") == 401
        assert status(server.url, {"Authorization": "Bearer secret"}) == 200
        assert status(server.url, {"Authorization": "Bearer secret", "Host": "evil.example"}) == 403
        # The health check shows that it is running, and nothing of its content.
        assert status(server.url, {}, path="/health") == 200
        client = prefect.Client(api_server=server.url, api_key="secret")
        assert client.graphql("{ hello }").data.hello == "👋"


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
def test_only_the_owner_can_access_the_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = tmp_path / "new" / "api.sqlite"
        with EmbeddedServer(database, services=False) as server:
            Caller(server.url).data("{ hello }")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in database.parent.iterdir()}
            assert modes == {"api.sqlite": 0o600, "api.sqlite-wal": 0o600, "api.sqlite-shm": 0o600}
            assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_a_port_in_use_is_reported(tmp_path: Path, server: EmbeddedServer) -> None:
    message = f"cannot listen at 127.0.0.1:{port_of(server)}.* with --port"
    with pytest.raises(KedroPrefectError, match=message):
        EmbeddedServer(tmp_path / "other.sqlite", port=int(port_of(server))).start()


def test_a_database_can_have_any_path(tmp_path: Path) -> None:
    database = tmp_path / "a b?c=d#e%20f ü" / "api.sqlite"
    with EmbeddedServer(database, services=False) as server:
        assert Caller(server.url).data("{ hello }") == {"hello": "👋"}
    assert database.stat().st_size > 0
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(KedroPrefectError, match=r"api\.sqlite: cannot be used"):
        EmbeddedServer(tmp_path / "file" / "api.sqlite").start()


def test_a_file_that_is_not_a_database_is_reported_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "api.sqlite"
    path.write_text("something else entirely, and long enough to be looked at" * 50, encoding="utf-8")
    with pytest.raises(KedroPrefectError, match=r"api\.sqlite: cannot be used"):
        EmbeddedServer(path).start()
    assert path.read_text(encoding="utf-8").startswith("something else")


@pytest.mark.parametrize("package", ["graphql", "sqlalchemy", "starlette", "uvicorn", "alembic"])
def test_a_missing_package_is_reported_with_the_remedy(package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
import kedro_prefect_hooks.embedded.location
try:
    import kedro_prefect_hooks.embedded.server
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.startswith(f"KedroPrefectError The embedded Prefect API needs the package {package!r}")
    assert "pip install 'kedro-prefect-hooks[embedded]'" in done.stdout


def test_serving_imports_neither_kedro_nor_prefect() -> None:
    code = """
import sys, json, urllib.request
from kedro_prefect_hooks.embedded.server import EmbeddedServer
with EmbeddedServer(None) as server:
    body = json.dumps({"query": "{ flow { id } }"}).encode()
    request = urllib.request.Request(server.url, body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request).read()
print([name for name in ("kedro", "prefect", "pydantic", "pendulum") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_container_can_name_the_machine_if_it_has_the_token(tmp_path: Path) -> None:
    own = next(
        each.address
        for of_one in psutil.net_if_addrs().values()
        for each in of_one
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    )
    given, authorized = "prefect.example.com", {"Authorization": "Bearer secret"}
    options: dict[str, Any] = {"services": False, "token": "secret", "names": ["Prefect.example.com"]}
    with EmbeddedServer(tmp_path / "api.sqlite", host="0.0.0.0", **options) as server:
        for name in (own, f"{own}:4200", "host.docker.internal:4200", given, socket.gethostname()):
            assert status(server.url, {**authorized, "Host": name}) == 200, name
            assert status(server.url, {"Host": name}) == 401, name
        for name in ("192.0.2.1", "host.docker.internal.example.com", "example.com"):
            assert status(server.url, {**authorized, "Host": name}) == 403, name
    with EmbeddedServer(tmp_path / "loopback.sqlite", services=False) as server:
        for name in (own, "host.docker.internal", given):
            assert status(server.url, {"Host": name}) == 403, (
                "without a token, a web page could be the client"
            )
