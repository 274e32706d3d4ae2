"""Acknowledged writes survive a `kill -9` at any moment, and several processes can write at the same time."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Iterator, List

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests import processes
from tests.embedded.conftest import Caller, Seed

ROOT = Path(__file__).parents[2]


class ServerProcess:
    """The embedded API in a process of its own, `python -m kedro_prefect_hooks.embedded`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening at "), line or process.communicate(timeout=30)[1]
        self.url = line.split()[-1]

    def end(self, number: int) -> str:
        """Send a signal, wait for the process to exit, and return its standard error."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[1]


@contextlib.contextmanager
def server_process(database: Path) -> Iterator[ServerProcess]:
    command = [
        sys.executable,
        "-m",
        "kedro_prefect_hooks.embedded",
        "--database",
        str(database),
        "--port",
        "0",
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with processes.running(command, universal_newlines=True, cwd=str(ROOT), **pipes) as process:
        yield ServerProcess(process)


def check(database: Path) -> None:
    connection = sqlite3.connect(str(database))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def _write(api: Caller, run_id: str, name: str, acknowledged: List[str]) -> None:
    """Write log lines until the server is gone, and collect those that it acknowledged."""
    for i in range(100_000):
        message = f"{name}-{i}"
        try:
            api.do("write_run_logs", {"logs": [{"flow_run_id": run_id, "message": message}]})
        except (urllib.error.URLError, HTTPException, OSError):
            return
        acknowledged.append(message)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_no_acknowledged_write_is_lost_by_kill_9(tmp_path: Path) -> None:
    database = tmp_path / "api.sqlite"
    acknowledged: List[str] = []
    flow_id = run_id = ""
    for attempt in range(5):
        with server_process(database) as server:
            api = Caller(server.url)
            seed = Seed(api)
            if not flow_id:
                flow_id = seed.flow(seed.project("p"), "f", [f"t{i}" for i in range(50)])
                run_id = seed.run(flow_id)
            with ThreadPoolExecutor(4) as pool:
                writers = [pool.submit(_write, api, run_id, f"{attempt}-{i}", acknowledged) for i in range(4)]
                time.sleep(0.3 + random.random() / 2)
                server.end(signal.SIGKILL)
                for writer in writers:
                    writer.result()
        check(database)
    with EmbeddedServer(database, services=False) as again:
        api = Caller(again.url)
        kept = [row["message"] for row in api.data("{ log { message } }")["log"]]
        assert len(api.data("{ task_run { id } }")["task_run"]) == 50
    assert len(acknowledged) > 50
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))


def test_ten_writers_in_three_processes_never_find_the_database_locked(tmp_path: Path) -> None:
    database = tmp_path / "api.sqlite"
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(server_process(database)) for _ in range(3)]
        seed = Seed(Caller(servers[0].url))
        flow_id = seed.flow(seed.project("p"), "f", ["a"])

        def work(number: int) -> str:
            own = Seed(Caller(servers[number % 3].url))
            run_id = own.run(flow_id, flow_run_name=str(number))
            own.flow_state(run_id, "Running")
            task_run_id = own.task_runs(run_id)["a"]
            for _ in range(15):
                own.task_state(task_run_id, "Running")
                own.api.do("update_flow_run_heartbeat", {"flow_run_id": run_id})
            own.task_state(task_run_id, "Success")
            own.flow_state(run_id, "Success")
            return run_id

        with ThreadPoolExecutor(10) as pool:
            run_ids = list(pool.map(work, range(10)))
        found = seed.api.data("{ flow_run { id state version task_runs { state version } } }")["flow_run"]
        assert {row["id"] for row in found} == set(run_ids)
        for row in found:
            assert (row["state"], row["version"]) == ("Success", 3)
            assert row["task_runs"] == [{"state": "Success", "version": 17}]
        assert [server.end(signal.SIGTERM) for server in servers] == ["", "", ""]
    check(database)


def test_simultaneous_registrations_create_one_version(tmp_path: Path) -> None:
    database = tmp_path / "api.sqlite"
    with EmbeddedServer(database, services=False) as one, EmbeddedServer(database, services=False) as two:
        seeds = [Seed(Caller(server.url)) for server in (one, two)]
        project_id = seeds[0].project("p")
        for key in ("a", "b", "c"):
            with ThreadPoolExecutor(8) as pool:
                flow_ids = list(
                    pool.map(
                        lambda i, key=key: seeds[i % 2].flow(project_id, "f", idempotency_key=key), range(8)
                    )
                )
            assert len(set(flow_ids)) == 1
        found = seeds[0].api.data("{ flow(order_by: {version: asc}) { version archived } flow_group { id } }")
    assert found["flow"] == [{"version": i, "archived": i < 3} for i in (1, 2, 3)]
    assert len(found["flow_group"]) == 1


def test_of_several_agents_only_one_gets_the_run(tmp_path: Path) -> None:
    database = tmp_path / "api.sqlite"
    with EmbeddedServer(database, services=False) as one, EmbeddedServer(database, services=False) as two:
        apis = [Caller(server.url) for server in (one, two)]
        seed = Seed(apis[0])
        flow_id = seed.flow(seed.project("p"), "f")
        mutation = "set_flow_run_states(input: $i) { states { status } }"
        query = f"mutation($i: set_flow_run_states_input!) {{ {mutation} }}"
        for _ in range(5):
            given = {"i": {"states": [{"flow_run_id": seed.run(flow_id), "state": {"type": "Submitted"}}]}}
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda i, given=given: apis[i % 2].post(query, given)[1], range(4)))
            refused = [answer["errors"][0]["message"] for answer in answers if "errors" in answer]
            assert refused == ["State update failed: this run has already been submitted."] * 3


def test_several_servers_can_create_the_file_at_the_same_time(tmp_path: Path) -> None:
    for i in range(3):
        database = tmp_path / str(i) / "api.sqlite"

        def open_it(_: int, database: Path = database) -> str:
            with EmbeddedServer(database, services=False) as server:
                return str(Caller(server.url).data("{ tenant { id } }"))

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(open_it, range(4)))) == 1


def test_ctrl_c_stops_a_server_cleanly_and_silently(tmp_path: Path) -> None:
    with server_process(tmp_path / "api.sqlite") as server:
        Seed(Caller(server.url)).project("p")
        assert server.end(signal.SIGINT) == ""
        assert server.process.returncode == 0
    # SQLite's WAL files are gone.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api.sqlite"]


def test_a_client_that_disconnects_within_a_request_does_no_harm(tmp_path: Path) -> None:
    with server_process(tmp_path / "api.sqlite") as server:
        for sent in (b"{", b""):
            with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as connection:
                head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
                connection.sendall(head + sent)
        assert Caller(server.url).data("{ hello }")
        assert server.end(signal.SIGTERM) == ""


def test_stop_frees_the_port(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "api.sqlite")
    for _ in range(3):
        server.start()
        port = int(server.url.rsplit(":", 1)[1])
        Caller(server.url).data("{ hello }")
        server.stop()
        with EmbeddedServer(tmp_path / "api.sqlite", port=port, services=False) as other:
            assert other.url.endswith(str(port))
    with pytest.raises(RuntimeError, match="has not been started"):
        assert server.url
