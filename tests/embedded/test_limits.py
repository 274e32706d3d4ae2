"""No request stops the API: what one may take is bounded, whatever it asks for."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import psutil
import pytest

from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.storage import pattern_process, request_budget, sql_functions
from kedro_prefect_hooks.embedded.web import bodies, half_requests
from kedro_prefect_hooks.errors import KedroPrefectError
from tests.embedded.agents import wait_for
from tests.embedded.conftest import Caller, Seed, task
from tests.prefect_api import api_command

MEGABYTE = 1024 * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    settings = Settings(query_seconds=1)
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=settings) as running:
        yield running


@pytest.fixture
def named(seed: Seed) -> str:
    """A flow run whose name takes an unlucky pattern very long."""
    flow_id = seed.flow(seed.project("p"), "f")
    return seed.run(flow_id, flow_run_name="a" * 60)


def where(api: Caller, condition: Any) -> Dict[str, Any]:
    return api.post("query($w: flow_run_bool_exp) { flow_run(where: $w) { id } }", {"w": condition})[1]


def port_of(server: EmbeddedServer) -> int:
    return int(server.url.rsplit(":", 1)[1])


def message(answer: Dict[str, Any]) -> str:
    return str(answer["errors"][0]["message"])


def test_patterns_that_take_too_long_are_stopped_and_nobody_else_waits(api: Caller, named: str) -> None:
    patterns = [
        {"_regex": "(a+)+$b"},
        {"_iregex": "(A|a)*(A|a)*(A|a)*(a|A)*(A|a)*(A|a)*b$"},
        {"_similar": "(a|a)*(a|aa)*(a|aa)*b"},
        {"_nregex": r"(a|aa)*\1b"},
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(where, api, {"name": pattern}) for pattern in patterns]
        while not all(answer.done() for answer in answers):
            assert api.data("{ hello }") == {"hello": "👋"}
    for answer in answers:
        assert message(answer.result()) == "The request takes too long: more than 1 seconds."
    # Their processes have gone.
    assert not [child for child in psutil.Process().children() if "-I" in child.cmdline()]


def test_a_pattern_does_not_outlive_an_api_that_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_process, "_MARGIN_SECONDS", 0.5)
    # Whoever is killed no longer looks at the time.
    monkeypatch.setattr(pattern_process._PatternProcess, "_kill_in_time", lambda self: None)
    process = pattern_process._PatternProcess(request_budget.Budget(0.1))
    try:
        stdin = process._process.stdin
        assert stdin is not None
        stdin.write(json.dumps(["(a+)+$b", 0, False, "a" * 60]) + "\n")
        stdin.flush()
        process._process.wait(60)
    finally:
        process.close()


def test_a_like_pattern_takes_no_long_time(api: Caller, named: str) -> None:
    for pattern, count in [("%a" * 12 + "%b", 0), ("%a" * 12 + "%", 1), ("a%" * 30, 1)]:
        for operator in ("_like", "_ilike"):
            assert len(where(api, {"name": {operator: pattern}})["data"]["flow_run"]) == count


def test_like_is_what_a_regular_expression_says() -> None:
    parts = ["", "%", "_", "a", "b", "%%", "\\%", "A\n"]
    texts = ["", "a", "b", "ab", "ba", "a%", "aab", "abab", "a\nb", "%", "aA\n"]
    for first in parts:
        for second in parts:
            for third in parts:
                pattern = first + second + third
                slow = re.sub(r"\\(.)|(%)|(_)|(.)", _translated, pattern, flags=re.DOTALL)
                for text in texts:
                    for flags in (0, re.IGNORECASE):
                        expected = re.fullmatch(slow, text, re.DOTALL | flags) is not None
                        assert sql_functions._like(pattern, bool(flags)).matches(text) is expected, (
                            pattern,
                            text,
                        )


def _translated(found: Any) -> str:
    escaped, percent, underscore, character = found.groups()
    return ".*" if percent else "." if underscore else re.escape(escaped or character)


def test_an_invalid_or_endless_pattern_is_refused(api: Caller, named: str) -> None:
    assert "invalid regular expression" in message(where(api, {"name": {"_regex": "(a"}}))
    assert "pattern is too long" in message(where(api, {"name": {"_regex": "a" * 1001}}))


def test_a_statement_that_takes_too_long_is_stopped(api: Caller, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "f", [f"t{i}" for i in range(60)])
    for _ in range(25):
        seed.run(flow_id)
    # Every task run is compared with all others, and those with all others again.
    inner: Any = {"task_runs": {"name": {"_eq": "nothing"}}}
    for _ in range(4):
        inner = {"flow": {"flow_runs": {"_and": [{"name": {"_neq": "nothing"}}, inner]}}}
    assert message(where(api, {"_not": inner})) == "The request takes too long: more than 1 seconds."
    assert len(where(api, {})["data"]["flow_run"]) == 25


def fragments(levels: int) -> str:
    parts = [f"fragment F{i} on flow {{ ...F{i + 1} ...F{i + 1} }}" for i in range(levels)]
    return "{ flow { ...F0 } } " + " ".join(parts) + f" fragment F{levels} on flow {{ id }}"


LISTS = 110_000

TOO_LARGE: List[Any] = [
    ("aliases", "{" + " ".join(f"a{i}: hello" for i in range(10_000)) + "}", None),
    ("fields", "{" + " hello" * 3_000 + "}", None),
    ("fragments", fragments(30), None),
    ("list in the document", "{ flow_run(where: {_or: [" + "{}," * LISTS + "]}) { id } }", None),
    (
        "lists",
        "query($w: flow_run_bool_exp) { flow_run(where: $w) { id } }",
        {"w": {"_or": [[]] * LISTS}},
    ),
    (
        "conditions",
        "query($w: flow_run_bool_exp) { flow_run(where: $w) { id } }",
        {"w": {"_or": [{}] * LISTS}},
    ),
    (
        "states",
        "mutation($s: [set_flow_run_state_input!]!)"
        " { set_flow_run_states(input: {states: $s}) { states { id } } }",
        {"s": [[]] * LISTS},
    ),
    (
        "introspection",
        "{ __schema { types { fields { type {"
        + " ".join(f"a{i}: name b{i}: description c{i}: kind" for i in range(300))
        + "} args { name } } } } }",
        None,
    ),
]


def test_an_answer_that_repeats_itself_is_not_written(api: Caller, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "f", [f"t{i}" for i in range(40)])
    for _ in range(10):
        seed.run(flow_id)
    query = "{ flow_run { task_runs { flow_run { task_runs { flow_run { task_runs { id name } } } } } } }"
    assert message(api.post(query)[1]).startswith("The answer is too large: more than 64 MB.")
    assert len(api.data("{ flow_run { task_runs { flow_run { id } } } }")["flow_run"]) == 10


# --- as a process ------------------------------------------------------------------------------------


class Process:
    """``python -m kedro_prefect_hooks.embedded``."""

    def __init__(self, database: Path) -> None:
        self.process = subprocess.Popen(api_command(database), stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.api = Caller(self.process.stdout.readline().split()[-1])

    def peak(self) -> int:
        """The most memory that it has had, where the system reports it in this way."""
        if not sys.platform.startswith("linux"):
            return 0
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process(tmp_path / "api.sqlite")
    yield running
    running.process.kill()
    running.process.wait()


def test_requests_that_are_too_large_are_refused_and_take_little_memory(process: Process) -> None:
    process.api.data("{ hello }")
    before = process.peak()
    for name, query, variables in TOO_LARGE:
        _, answer = process.api.post(query, variables)
        assert answer["errors"], name
        assert len(json.dumps(answer)) < 100_000, name
    assert process.peak() - before < 300 * MEGABYTE


def in_background(function: Callable[[], Any]) -> None:
    def run() -> None:
        with contextlib.suppress(OSError, AssertionError):  # the API has gone
            function()

    threading.Thread(target=run, daemon=True).start()


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_signal_ends_it_whatever_it_does(tmp_path: Path, process: Process) -> None:
    seed = Seed(process.api)
    flow_id = seed.flow(seed.project("p"), "f", [f"t{i}" for i in range(60)])
    for _ in range(25):
        seed.run(flow_id, flow_run_name="a" * 60)
    in_background(lambda: where(process.api, {"name": {"_regex": "(a+)+$b"}}))
    deep: Any = {"task_runs": {"name": {"_eq": "nothing"}}}
    for _ in range(4):
        deep = {"flow": {"flow_runs": {"_and": [{"name": {"_neq": "nothing"}}, deep]}}}
    in_background(lambda: where(process.api, {"_not": deep}))
    # Another process holds the lock that a mutation waits for.
    other = sqlite3.connect(str(tmp_path / "api.sqlite"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    in_background(lambda: seed.run(flow_id))
    with socket.create_connection(("127.0.0.1", int(process.api.url.rsplit(":", 1)[1]))) as half:
        half.sendall(b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.5)
        process.process.send_signal(signal.SIGTERM)
        # Without limits it would end after the 30 s for which SQLite waits, or never.
        process.process.wait(25)
    other.close()


def test_half_requests_are_closed(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_requests, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(bodies, "LONGEST_UPLOAD", 0.3)
    head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    expected = {b"": b"", b"POST /gra": b"", head[:-2]: b"", head + b'{"qu': b"HTTP/1.1 408"}

    def answer_to(sent: bytes) -> bytes:
        answer = b""
        with socket.create_connection(("127.0.0.1", port_of(server)), timeout=60) as connection:
            connection.sendall(sent)
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(1000):
                    answer += part
        return answer

    with ThreadPoolExecutor(4) as pool:
        for answer, start in zip(pool.map(answer_to, expected), expected.values()):
            assert answer.startswith(start)
            assert bool(answer) is bool(start)


def test_a_connection_on_which_requests_arrive_stays_open(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(half_requests, "_now", lambda: clock[0])
    monkeypatch.setattr(half_requests, "REQUEST_SECONDS", 0.03)  # looks every 0.01 s
    connected = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=60)
    connected.connect()
    first = connected.sock
    for _ in range(10):
        connected.request("GET", "/health")
        connected.getresponse().read()
        time.sleep(0.03)
        clock[0] += 0.02
    assert connected.sock is first
    connected.request("GET", "/health")
    assert connected.getresponse().status == 200
    connected.close()


# --- the health check ------------------------------------------------------------------------------


def health(server: EmbeddedServer) -> Dict[str, Any]:
    return location._health(server.url)


def test_the_health_check_says_that_the_file_has_gone(tmp_path: Path, server: EmbeddedServer) -> None:
    assert health(server)["status"] == "ok"
    (tmp_path / "api.sqlite").rename(tmp_path / "other.sqlite")
    found = health(server)
    assert found["status"] == "failing"
    assert "has been removed" in found["problem"]
    (tmp_path / "api.sqlite").write_bytes(b"")
    assert "has been replaced" in health(server)["problem"]


def test_the_health_check_says_that_a_service_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kedro_prefect_hooks.embedded.services import lazarus

    def fails(database: object) -> int:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(lazarus, "run", fails)
    with EmbeddedServer(tmp_path / "api.sqlite") as server:
        wait_for(lambda: health(server)["status"] == "failing", seconds=30)
        assert "on purpose" in health(server)["problem"]


def test_an_api_with_a_problem_is_still_the_running_one(tmp_path: Path) -> None:
    database = location.database_path(tmp_path)
    with EmbeddedServer(database, services=False) as server:
        location.write_endpoint(tmp_path, server.url)
        database.rename(tmp_path / "other.sqlite")
        found = location.running(tmp_path)
        assert found is not None
        assert found.url == server.url


# --- times -----------------------------------------------------------------------------------------


def test_a_time_out_of_range_is_refused_when_it_is_written(api: Caller, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "f")
    run_id = seed.run(flow_id)
    moments: List[Any] = [2**62, -(2**62), "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"]
    for moment in moments:
        given: Dict[str, Any] = {"flow_id": flow_id, "scheduled_start_time": moment}
        assert "out of range" in api.fails("create_flow_run", given, "id")
        line = {"flow_run_id": run_id, "message": "m", "timestamp": moment}
        assert "out of range" in api.fails("write_run_logs", {"logs": [line]})
        state = {"type": "Scheduled", "start_time": moment}
        given = {"states": [{"flow_run_id": run_id, "state": state}]}
        assert "out of range" in api.fails("set_flow_run_states", given, "states { id }")
    query = "{ flow_run { scheduled_start_time state_start_time logs { timestamp } } }"
    assert len(api.data(query)["flow_run"]) == 1


def test_the_first_and_the_last_time_are_written_and_read(api: Caller, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "f")
    for moment in ("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"):
        run_id = seed.run(flow_id, scheduled_start_time=moment)
        query = f'{{ flow_run_by_pk(id: "{run_id}") {{ scheduled_start_time }} }}'
        assert api.data(query)["flow_run_by_pk"] == {"scheduled_start_time": moment}


def test_a_retry_delay_out_of_range_is_refused(api: Caller, seed: Seed) -> None:
    project_id = seed.project("p")
    for delay in (1e300, -1e300, float("nan"), "99999999999 days"):
        flow = {"name": "f", "tasks": [task("a", max_retries=1, retry_delay=delay)], "edges": []}
        given = {"project_id": project_id, "serialized_flow": flow}
        assert "out of range" in api.fails("create_flow", given, "id")


# --- links and folders of others -------------------------------------------------------------------


needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file to another account"
)
OTHER = 54321


@needs_root
def test_a_folder_of_another_account_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / ".kedro_prefect"
    folder.mkdir()
    os.chown(folder, OTHER, OTHER)
    for use in (location.state_dir, location.own_token, location.database_path, location.running):
        with pytest.raises(KedroPrefectError, match="belongs to another account"):
            use(tmp_path)
    assert list(folder.iterdir()) == []
    # Whoever owns the project may own it too.
    os.chown(tmp_path, OTHER, OTHER)
    assert location.own_token(tmp_path)


@needs_root
@pytest.mark.parametrize("name", ["token", "server.json", "api.sqlite", "api.sqlite-wal"])
def test_a_link_of_another_account_is_not_followed(tmp_path: Path, name: str) -> None:
    target = tmp_path / "mine"
    target.write_text("mine", encoding="utf-8")
    folder = location.state_dir(tmp_path / "project")
    (folder / name).symlink_to(target)
    os.chown(folder / name, OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(KedroPrefectError, match="belongs to another account"):
        location.own_token(tmp_path / "project")
        location.write_endpoint(tmp_path / "project", "http://127.0.0.1:1")
        EmbeddedServer(location.database_path(tmp_path / "project")).start()
    assert target.read_text(encoding="utf-8") == "mine"
    assert target.stat().st_mode & 0o777 != 0o600


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
def test_others_cannot_write_to_the_folder_and_drafts_follow_no_links(tmp_path: Path) -> None:
    folder = tmp_path / ".kedro_prefect"
    folder.mkdir()
    folder.chmod(0o777)
    target = tmp_path / "mine"
    target.write_text("mine", encoding="utf-8")
    for name in (f"token.{os.getpid()}", f"server.{os.getpid()}.json", ".gitignore"):
        (folder / name).symlink_to(target)
    location.own_token(tmp_path)
    location.write_endpoint(tmp_path, "http://127.0.0.1:1")
    assert folder.stat().st_mode & 0o022 == 0
    assert target.read_text(encoding="utf-8") == "mine"
