"""A real Prefect client, agent and command line, unmodified, pointed at an embedded API."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

IMPORTABLE = Path(__file__).with_name("importable")


def environment(url: str, marks: Path) -> Dict[str, str]:
    """What points Prefect at the API, and shortens what it waits for."""
    return {
        **os.environ,
        "PREFECT__BACKEND": "server",
        "PREFECT__CLOUD__API": url,
        "PREFECT__CLOUD__HEARTBEAT_INTERVAL": "1",
        "PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL": "1",
        # The default, a process of its own, goes on beating for a flow run that was killed.
        "PREFECT__CLOUD__HEARTBEAT_MODE": "thread",
        "PREFECT__LOGGING__LEVEL": "INFO",
        "EXAMPLE_MARKS": str(marks),
        "PYTHONPATH": os.pathsep.join([str(IMPORTABLE), os.environ.get("PYTHONPATH", "")]),
        "PYTHONUNBUFFERED": "1",
    }


def prefect(arguments: List[str], env: Dict[str, str], timeout: float = 120) -> str:
    """The output of a command of Prefect's that must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


class Agent:
    """`prefect agent local start`, from here to `stop`; its output is in a file."""

    def __init__(self, env: Dict[str, str], output: Path, label: str = "tests") -> None:
        self.output = output
        command = ["agent", "local", "start", "--label", label, "--no-hostname-label", "--name", "tester"]
        with output.open("w", encoding="utf-8") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *command, "--show-flow-logs"],
                env=env,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the agent and the flow runs it has started: Prefect would let one ask a gone API for ever."""
        group = self._process.pid
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def wait_for(what: Callable[[], Any], seconds: float = 240, every: float = 0.2) -> Any:
    """What `what` returns, as soon as that is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(every)
