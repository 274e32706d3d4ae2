"""Measurements of flow runs through an API, each in the process that an agent would start for it.

The embedded API has a process of its own. The figures of a run are those that the API has of it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Iterator

import yaml

from benchmarks.probes import Result, probe, stopwatch
from tests import prefect_api, processes
from tests.api_proxy import proxy
from tests.scenarios.project_factory import clean_environment

FLOW = "bench"

IDLE_SECONDS = 5
"""Between two flow runs that a person starts."""

PURE_FLOW = """
import prefect
from prefect import Flow, task
from prefect.executors import LocalDaskExecutor, LocalExecutor


@task(checkpoint=False)
def start():
    return 1


@task(checkpoint=False)
def step(value):
    return value + 1


@task(checkpoint=False)
def total(values):
    return sum(values)


chain = {chain}
executor = LocalExecutor() if chain else LocalDaskExecutor(scheduler="threads", num_workers=2)
with Flow("bench", executor=executor) as flow:
    value = start()
    if chain:
        for _ in range({nodes} - 1):
            value = step(value)
    else:
        total([step(value) for _ in range({nodes} - 2)])
flow.storage = prefect.storage.Module("pure_flow:flow")
"""

TIMES = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) {
        state start_time end_time states(order_by: {timestamp: asc}) {state timestamp} task_runs {state}
    }
}
"""


@probe
def flow_run_ours(path: str, nodes: int, late: float = 0) -> Result:
    """A flow run of a project's flow; `late` are the seconds by which each request is."""
    with _api() as (url, server), tempfile.TemporaryDirectory(prefix="bench-") as home:
        _use_api(Path(path), url)
        _run([sys.executable, "-m", "kedro", "prefect", "register"], path, clean_environment(Path(home)))
        return _measured(url, server, Path(home), nodes, late)


@probe
def flow_run_prefect(kind: str, nodes: int, late: float = 0) -> Result:
    """A flow run of pure Prefect tasks of the same shape."""
    with _api() as (url, server), tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        (home / "pure_flow.py").write_text(PURE_FLOW.format(chain=kind == "chain", nodes=nodes))
        code = "import prefect, pure_flow; prefect.Client().create_project('bench'); "
        code += "pure_flow.flow.register('bench', no_url=True)"
        environment = prefect_api.prefect_environment(url, home, PYTHONPATH=folder)
        _run([sys.executable, "-c", code], folder, environment)
        return _measured(url, server, home, nodes, late, PYTHONPATH=folder)


@probe
def watched_run(path: str) -> Result:
    """The whole command `kedro prefect run --watch`, with `kedro prefect up` beside it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environment = clean_environment(Path(folder))
        command = [sys.executable, "-m", "kedro", "prefect"]
        options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with processes.running(
            [*command, "up", "--port", "0", "--no-token"], cwd=path, env=environment, **options
        ) as up:
            url = _printed_url(up)
            _run([*command, "register"], path, environment)
            watch = [*command, "run", FLOW, "--watch"]
            _run(watch, path, environment)  # the agent and the API have then imported what they need
            time.sleep(IDLE_SECONDS)
            with stopwatch() as took:
                _run(watch, path, environment)
            query = "query {flow_run(order_by: {created: desc}, limit: 1) {id}}"
            run = _times(url, prefect_api.graphql(url, query)["flow_run"][0]["id"])
    scheduled = next(each for each in run["states"] if each["state"] == "Scheduled")
    return {**took, "seconds_to_running": _seconds(scheduled["timestamp"], run["start_time"])}


def _printed_url(up: Any) -> str:
    lines = []
    for line in up.stdout:
        lines.append(line)
        for word in line.split():
            if word.startswith("http://127.0.0.1:"):
                return word.rstrip("/.")
    raise RuntimeError("".join(lines))


def _measured(url: str, server: int, home: Path, nodes: int, late: float, **extra: str) -> Result:
    log = home / "flow_run.log"
    with contextlib.ExitStack() as opened:
        counted = opened.enter_context(proxy(url)) if late else None
        if counted is not None:
            counted.delay = late
        run_id = prefect_api.start_run(url, FLOW)
        began = time.perf_counter()
        with prefect_api.executing(counted.url if counted else url, run_id, home, log, **extra) as process:
            process.wait()
        whole = time.perf_counter() - began
        run = _times(url, run_id)
    assert run["state"] == "Success", log.read_text()[-3000:]
    assert {task["state"] for task in run["task_runs"]} == {"Success"}
    seconds = _seconds(run["start_time"], run["end_time"])
    figures = {
        "seconds": seconds,
        "whole_seconds": whole,
        "task_milliseconds": 1000 * seconds / nodes,
        "server_megabytes": _peak(server),
    }
    if counted is not None:
        figures["requests_a_task"] = len(counted.requests) / nodes
    return figures


@contextlib.contextmanager
def _api() -> Iterator[tuple[str, int]]:
    """The embedded API in a process of its own: its URL and process id."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, prefect_api.api_process(
        Path(folder) / "api.sqlite", Path(folder)
    ) as (url, process):
        yield url, process


def _use_api(path: Path, url: str) -> None:
    """Let the project's `prefect.yml` name the API."""
    file = path / "conf" / "base" / "prefect.yml"
    settings = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**settings, "api": url}))


def _run(command: list[str], folder: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def _times(url: str, run_id: str) -> Any:
    return prefect_api.graphql(url, TIMES, {"id": run_id})["flow_run_by_pk"]


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _peak(process: int) -> float:
    """The peak resident memory of a process so far, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    return 0.0
