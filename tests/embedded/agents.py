"""A real Prefect client, agent and command line, unmodified, that use an embedded API."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from tests import processes

IMPORTABLE = Path(__file__).with_name("importable")


def environment(url: str, marks: Path) -> Dict[str, str]:
    """Variables that make Prefect use the API, and shorten its intervals."""
    return {
        **os.environ,
        "PREFECT__BACKEND": "server",
        "PREFECT__CLOUD__API": url,
        "PREFECT__CLOUD__HEARTBEAT_INTERVAL": "1",
        "PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL": "1",
        # The default, a separate process, goes on sending heartbeats for a flow run that was killed.
        "PREFECT__CLOUD__HEARTBEAT_MODE": "thread",
        "PREFECT__LOGGING__LEVEL": "INFO",
        "EXAMPLE_MARKS": str(marks),
        "PYTHONPATH": os.pathsep.join([str(IMPORTABLE), os.environ.get("PYTHONPATH", "")]),
        "PYTHONUNBUFFERED": "1",
    }


def prefect(arguments: List[str], env: Dict[str, str], timeout: float = 120) -> str:
    """The output of a `prefect` command, which must succeed."""
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
    """`prefect agent local start`, until `stop`; its output goes to a file."""

    def __init__(self, env: Dict[str, str], output: Path, label: str = "tests") -> None:
        self.output = output
        command = ["agent", "local", "start", "--label", label, "--no-hostname-label", "--name", "tester"]
        with output.open("w", encoding="utf-8") as file:
            self._process = processes.start(
                [sys.executable, "-m", "prefect", *command, "--show-flow-logs"],
                env=env,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Stop the agent and its flow runs, which would otherwise wait for the stopped API for ever."""
        processes.stop(self._process, group=True)


def wait_for(condition: Callable[[], Any], seconds: float = 240, interval: float = 0.2) -> Any:
    """The first truthy value that `condition` returns."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(interval)
