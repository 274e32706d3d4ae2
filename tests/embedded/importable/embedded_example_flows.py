"""Flows for the tests of the embedded API, imported by the processes that agents start.

Their tasks leave marks in the directory EXAMPLE_MARKS: a line in the task's file each time it runs.
"""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path

import prefect
from prefect import Flow, Parameter, task
from prefect.engine.results import LocalResult
from prefect.run_configs import LocalRun
from prefect.schedules import CronSchedule
from prefect.storage import Module


def mark(name: str) -> int:
    """Record that a task ran; returns how often it has."""
    path = Path(os.environ["EXAMPLE_MARKS"], name)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    return len(path.read_text(encoding="utf-8").splitlines())


def result() -> LocalResult:
    return LocalResult(
        dir=str(Path(os.environ.get("EXAMPLE_MARKS", "/nowhere"), "results")), validate_dir=False
    )


@task
def extract(x: int) -> int:
    mark("extract")
    prefect.context.logger.info("extracting %s", x)
    return x * 2


@task(max_retries=2, retry_delay=datetime.timedelta(seconds=1))
def flaky(x: int) -> int:
    if mark("flaky") < 2:
        raise ValueError("broken on purpose")
    return x + 1


@task
def broken_once(x: int) -> int:
    if mark("broken_once") < 2:
        raise ValueError("broken on purpose")
    return x + 1


@task
def sleep(x: int) -> int:
    mark("sleep")
    time.sleep(120)
    return x


@task(max_retries=1, retry_delay=datetime.timedelta(seconds=0))
def dies_once(x: int) -> int:
    if mark("dies_once") < 2:
        time.sleep(120)
    return x + 1


@task
def double(x: int) -> int:
    return x * 2


@task
def numbers(x: int) -> list:
    return list(range(x))


RUN_CONFIG = LocalRun(labels=["tests"])


def _flow(name: str, **more: object) -> Flow:
    return Flow(name, storage=Module(__name__), run_config=RUN_CONFIG, result=result(), **more)


with _flow("plain") as plain:
    double.map(numbers(extract(Parameter("x", default=3))))

with _flow("retried") as retried:
    flaky(extract(1))

with _flow("restarted") as restarted:
    double(broken_once(extract(1)))

with _flow("slow") as slow:
    double(sleep(extract(1)))

with _flow("killed") as killed:
    double(dies_once(extract(1)))

with _flow("ticking") as ticking:
    extract(1)

with _flow("scheduled", schedule=CronSchedule("*/5 * * * *")) as scheduled:
    extract(1)
