"""Flows for the tests of the agent, imported by the processes that it starts.

Their tasks write the numbers of processes to files in the directory EXAMPLE_MARKS.
"""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from prefect import Flow, Parameter, task
from prefect.engine import signals
from prefect.engine.results import LocalResult
from prefect.executors import DaskExecutor
from prefect.run_configs import LocalRun
from prefect.storage import Module

if "EXIT_AT_IMPORT" in os.environ:
    os._exit(7)

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def marks() -> Path:
    return Path(os.environ["EXAMPLE_MARKS"])


def mark(name: str, pid: int) -> int:
    """Record a process; returns how many have been recorded."""
    path = marks() / name
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{pid}\n")
    return len(path.read_text(encoding="utf-8").splitlines())


def wait_for(name: str) -> None:
    while not (marks() / name).exists():
        time.sleep(0.05)


def start(code: str) -> str:
    """Start a child that runs some code, prints a line, and sleeps; returns the line."""
    code += "; import time; time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child.stdout.readline()


def start_children(name: str) -> None:
    """Start a child that starts another, and ones with a process group or a session of their own."""
    nested = start(f"import os, subprocess as s; print(os.getpid(), s.Popen({SLEEP!r}).pid, flush=True)")
    grouped = start("import os; os.setpgrp(); print(os.getpid(), flush=True)")
    pids = [*map(int, nested.split()), int(grouped), subprocess.Popen(SLEEP).pid]
    pids.append(subprocess.Popen(SLEEP, start_new_session=True).pid)
    for pid in pids:
        mark(f"{name}-children", pid)
    mark(name, os.getpid())


@task
def nothing() -> None:
    pass


@task
def sleep(name: str) -> None:
    start_children(name)
    time.sleep(600)


@task
def ignore_interrupts(name: str) -> None:
    start_children(name)
    while True:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            mark(f"{name}-interrupted", os.getpid())


@task
def leave_a_daemon() -> None:
    mark("daemon", subprocess.Popen(SLEEP).pid)


@task
def end(name: str, how: str) -> None:
    start_children(name)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(int(how))


@task(max_retries=1, retry_delay=datetime.timedelta(seconds=0))
def killed_once() -> None:
    if mark("killed-once", os.getpid()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@task
def at_the_gate(name: str) -> None:
    attempt = mark(name, os.getpid())
    wait_for(f"{name}-go")
    mark(f"{name}-{attempt}-left", os.getpid())


@task
def pause() -> None:
    if not (marks() / "resumed").exists():
        raise signals.PAUSE("waiting for somebody")


@task(max_retries=1, retry_delay=datetime.timedelta(hours=1))
def retried_later() -> None:
    raise ValueError("broken on purpose")


def _flow(name: str, **more: object) -> Flow:
    result = LocalResult(
        dir=str(Path(os.environ.get("EXAMPLE_MARKS", "/nowhere"), "results")), validate_dir=False
    )
    run_config = more.pop("run_config", LocalRun())
    return Flow(name, storage=Module(__name__), run_config=run_config, result=result, **more)


with _flow("quick") as quick:
    nothing()

with _flow("sleeping") as sleeping:
    sleep(Parameter("name"))

with _flow("stubborn") as stubborn:
    ignore_interrupts(Parameter("name"))

with _flow("daemon") as daemon:
    leave_a_daemon()

with _flow("ending") as ending:
    nothing(upstream_tasks=[end(Parameter("name"), Parameter("how"))])

with _flow("killed-once") as killed_once_flow:
    killed_once()

with _flow("gate") as gate:
    at_the_gate(Parameter("name"))

with _flow("pausing") as pausing:
    pause()

with _flow("retrying") as retrying:
    retried_later()

with _flow("not-importable", run_config=LocalRun(env={"EXIT_AT_IMPORT": "1"})) as not_importable:
    nothing()

with _flow(
    "on-dask", executor=DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1})
) as on_dask:
    at_the_gate(Parameter("name"))
