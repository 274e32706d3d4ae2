"""Load test of the embedded Prefect API: `python benchmarks/embedded_api.py`, about a minute on two cores.

Prints the measured values next to the goals: task state updates per second, the time to register a flow of
1,000 tasks, and the number of acknowledged writes lost after 20 `kill -9` under load. Exits with code 1 if a
goal is not met. Clients and server share the machine, as they do in normal use.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # started as a script
    sys.path.insert(0, str(ROOT))

from tests.prefect_api import api_command  # noqa: E402

UPDATES_PER_SECOND = 200
REGISTRATION_SECONDS = 1.0
CLIENTS = 4


class Server:
    """The embedded API in a separate process."""

    def __init__(self, database: Path) -> None:
        self.process = subprocess.Popen(
            api_command(database), stdout=subprocess.PIPE, universal_newlines=True, cwd=str(ROOT)
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class Client:
    """One persistent connection that sends the requests of Prefect's client."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, query: str, variables: Any = None) -> Any:
        body = json.dumps({"query": query, "variables": json.dumps(variables)})
        self._connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        answer = json.loads(self._connection.getresponse().read())
        assert "errors" not in answer, answer
        return answer["data"]

    def do(self, mutation: str, given: Dict[str, Any], answer: str) -> Any:
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {answer} }} }}"
        return self.ask(query, {"input": given})[mutation]

    def set_state(self, task_run_id: str, state: str, message: str = "m") -> None:
        full = {"type": state, "message": message, "context": {"tags": []}, "cached_inputs": {}}
        full.update({"_result": {"type": "NoResultType", "__version__": "1.1.0"}, "__version__": "1.1.0"})
        given = {"states": [{"task_run_id": task_run_id, "state": full}]}
        self.do("set_task_run_states", given, "states { id status message }")


def _task(slug: str) -> Dict[str, Any]:
    """Return a task as Prefect serialises it."""
    return {
        "type": "prefect.tasks.core.function.FunctionTask",
        "name": slug,
        "slug": slug,
        "tags": ["kedro"],
        "max_retries": 0,
        "retry_delay": None,
        "inputs": {"x": {"required": True, "type": "typing.Any"}},
        "outputs": "typing.Any",
        "timeout": None,
        "trigger": {"fn": "prefect.triggers.all_successful", "kwargs": {}},
        "skip_on_upstream_skip": True,
        "cache_for": None,
        "cache_key": None,
        "cache_validator": {"fn": "prefect.engine.cache_validators.never_use", "kwargs": {}},
        "auto_generated": False,
        "__version__": "1.1.0",
    }


def _edge(upstream: str, downstream: str) -> Dict[str, Any]:
    tasks = {"upstream_task": {"slug": upstream}, "downstream_task": {"slug": downstream}}
    return {**tasks, "key": "x", "mapped": False}


def register(client: Client, tasks: int, batch: int = 500) -> Tuple[str, float]:
    """Register a chain in batches, as Prefect's client does; return the flow's id and the seconds taken."""
    tenant_id = client.ask("{ tenant { id } }")["tenant"][0]["id"]
    given = {"name": f"load {time.time()}", "tenant_id": tenant_id}
    project_id = client.do("create_project", given, "id")["id"]
    slugs = [f"task-{i}" for i in range(tasks)]
    edges = [_edge(a, b) for a, b in zip(slugs, slugs[1:])]
    started = time.perf_counter()
    flow = {"name": "load", "tasks": [], "edges": [], "parameters": [], "run_config": {"labels": []}}
    flow_id = client.do("create_flow", {"project_id": project_id, "serialized_flow": flow}, "id")["id"]
    for i in range(0, tasks, batch):
        serialized = [_task(slug) for slug in slugs[i : i + batch]]
        client.do("register_tasks", {"flow_id": flow_id, "serialized_tasks": serialized}, "success")
    for i in range(0, tasks, batch):
        client.do("register_edges", {"flow_id": flow_id, "serialized_edges": edges[i : i + batch]}, "success")
    return flow_id, time.perf_counter() - started


def begin_run(client: Client, flow_id: str) -> List[str]:
    """Start a run, and return the ids of its task runs."""
    run_id = client.do("create_flow_run", {"flow_id": flow_id}, "id")["id"]
    running = {"states": [{"flow_run_id": run_id, "state": {"type": "Running"}}]}
    client.do("set_flow_run_states", running, "states { status }")
    found = client.ask(f'{{ flow_run_by_pk(id: "{run_id}") {{ task_runs {{ id }} }} }}')
    return [row["id"] for row in found["flow_run_by_pk"]["task_runs"]]


def update_all(port: int, task_runs: List[str]) -> float:
    """Set each task run to Running and Success, from several clients; return the updates per second."""

    def work(part: List[str]) -> None:
        client = Client(port)
        for task_run_id in part:
            client.set_state(task_run_id, "Running")
            client.set_state(task_run_id, "Success")

    threads = [threading.Thread(target=work, args=(task_runs[i::CLIENTS],)) for i in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 2 * len(task_runs) / (time.perf_counter() - started)


def kill_under_load(database: Path, kills: int) -> Tuple[int, int]:
    """Kill the server repeatedly while clients write; return the acknowledged and the lost writes."""
    acknowledged: List[str] = []
    task_runs: List[str] = []
    for attempt in range(kills):
        server = Server(database)
        if not task_runs:
            client = Client(server.port)
            task_runs = begin_run(client, register(client, CLIENTS)[0])
        threads = [
            threading.Thread(target=_write, args=(server.port, task_run, f"{attempt}-{i}", acknowledged))
            for i, task_run in enumerate(task_runs)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.2 + random.random() * 0.4)
        server.kill()
        for thread in threads:
            thread.join()
        with sqlite3.connect(str(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
    with sqlite3.connect(str(database)) as connection:
        kept = {row[0] for row in connection.execute("SELECT message FROM task_run_state")}
    connection.close()
    return len(acknowledged), len(set(acknowledged) - kept)


def _write(port: int, task_run_id: str, name: str, acknowledged: List[str]) -> None:
    try:
        client = Client(port)
        for i in range(1_000_000):
            client.set_state(task_run_id, "Running", f"{name}-{i}")
            acknowledged.append(f"{name}-{i}")
    except (OSError, http.client.HTTPException, ValueError):
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        server = Server(Path(folder, "load.sqlite"))
        client = Client(server.port)
        register(client, 10)
        flow_id, seconds = register(client, given.tasks)
        rate = update_all(server.port, begin_run(client, flow_id))
        server.stop()
        acknowledged, lost = kill_under_load(Path(folder, "kill.sqlite"), given.kills)
    print(
        f"registering a flow of {given.tasks} tasks: {seconds:.2f} s (goal: under {REGISTRATION_SECONDS:g} s)"
    )
    print(f"task state updates: {rate:.0f} per second from {CLIENTS} clients (goal: {UPDATES_PER_SECOND})")
    print(f"{given.kills} kill -9 under load: {acknowledged} acknowledged writes, {lost} lost (goal: none)")
    if lost or rate < UPDATES_PER_SECOND or seconds > REGISTRATION_SECONDS:
        sys.exit("A goal is not met.")


if __name__ == "__main__":
    main()
