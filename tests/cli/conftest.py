"""`kedro prefect up` in a process of its own, for tests that need an API and an agent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kedro_prefect_hooks.embedded import location
from tests.scenarios.project_factory import Project, clean_environment

PATIENCE = 90
"""Seconds for anything that takes a second or two on an idle machine."""


class Background:
    """A `kedro prefect …` that goes on until it is told to end, and what it has printed so far."""

    def __init__(self, project: Project, *arguments: str, home: Path, env: dict[str, str]) -> None:
        self.project = project
        self.file = home / f"{'-'.join(arguments[:2]).replace('/', '_')}-{time.monotonic_ns()}.txt"
        with self.file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kedro", "prefect", *arguments],
                cwd=str(project.path),
                env=clean_environment(home, PYTHONUNBUFFERED="1", HOOK_LOG=str(project.hook_log), **env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def printed(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> str:
        """Waits until `text` has been printed; returns all that has."""
        wait_until(lambda: text in self.printed or self.process.poll() is not None, f"{text!r} in output")
        assert text in self.printed, self.printed
        return self.printed

    def end(self, number: int = signal.SIGINT) -> str:
        """Signals the process, waits for its end, and returns all that it has printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return self.printed


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z" if Path("/proc").is_dir() else True


@pytest.fixture
def background(home: Path) -> Iterator[Callable[..., Background]]:
    """`background(project, "agent", …, env={…})` starts `kedro prefect agent …`; killed after the test."""
    started: list[Background] = []

    def start(project: Project, *arguments: str, env: dict[str, str] | None = None) -> Background:
        started.append(Background(project, *arguments, home=home, env=env or {}))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.terminate()
            try:
                each.process.wait(30)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()


@pytest.fixture
def up(background: Callable[..., Background]) -> Callable[..., Background]:
    """`up(project, …)` starts `kedro prefect up` on a free port and waits until it is up."""

    def start(project: Project, *options: str, env: dict[str, str] | None = None) -> Background:
        process = background(project, "up", "--port", "0", *options, env=env)
        process.wait_for("No agent" if "--no-agent" in options else "takes flow runs")
        assert location.running(project.path) is not None
        return process

    return start
