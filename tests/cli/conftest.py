"""Long-running commands, such as `kedro prefect up`, as child processes of a test."""

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
from tests import processes
from tests.scenarios.project_factory import Project, clean_environment

TIMEOUT = 90
"""Seconds for anything that takes a second or two on an idle machine."""


class Background:
    """A `kedro prefect …` that runs until it is stopped, and its output so far."""

    def __init__(self, project: Project, *arguments: str, home: Path, env: dict[str, str]) -> None:
        self.project = project
        self.file = home / f"{'-'.join(arguments[:2]).replace('/', '_')}-{time.monotonic_ns()}.txt"
        with self.file.open("wb") as output:
            self.process = processes.start(
                [sys.executable, "-m", "kedro", "prefect", *arguments],
                cwd=str(project.path),
                env=clean_environment(home, PYTHONUNBUFFERED="1", HOOK_LOG=str(project.hook_log), **env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> str:
        """Wait until `text` has been printed; return the output so far."""
        wait_until(lambda: text in self.output or self.process.poll() is not None, f"{text!r} in output")
        assert text in self.output, self.output
        return self.output

    def stop(self, signal_number: int = signal.SIGINT) -> str:
        """Signal the process, wait until it has exited, and return its whole output."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        self.process.wait(TIMEOUT)
        return self.output


def wait_until(condition: Callable[[], Any], what: str, seconds: float = TIMEOUT) -> None:
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
    """`background(project, "agent", …, env={…})` starts `kedro prefect agent …`; stopped after the test."""
    started: list[Background] = []

    def start(project: Project, *arguments: str, env: dict[str, str] | None = None) -> Background:
        started.append(Background(project, *arguments, home=home, env=env or {}))
        return started[-1]

    yield start
    for command in started:
        processes.stop(command.process, patience=30)


@pytest.fixture
def up(background: Callable[..., Background]) -> Callable[..., Background]:
    """`up(project, …)` starts `kedro prefect up` on a free port and waits until it is ready."""

    def start(project: Project, *options: str, env: dict[str, str] | None = None) -> Background:
        command = background(project, "up", "--port", "0", *options, env=env)
        command.wait_for("Press Ctrl+C to stop the API")
        assert location.running(project.path) is not None
        return command

    return start
