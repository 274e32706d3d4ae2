"""The process that runs cases, from outside: started when needed, replaced when it ends or hangs."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict

from tests import processes
from tests.differential.cases import Case
from tests.scenarios.project_factory import REPOSITORY, clean_environment

CASES_PER_PROCESS = 150
"""Each case leaves its modules in the process."""

_LOGGING = """
version: 1
disable_existing_loggers: false
loggers:
  kedro: {level: WARNING}
root: {level: WARNING}
"""


class DriverProcess:
    """Runs cases in another process.

    Args:
        timeout: seconds for one case; a process that takes longer is killed.
    """

    def __init__(self, timeout: float = 180) -> None:
        self.timeout = timeout
        self._process: subprocess.Popen[str] | None = None
        self._home = tempfile.TemporaryDirectory(prefix="kedro-prefect-home-")
        self._number = 0

    def run(self, case: Case) -> Dict[str, Any]:
        """All sides of a case; what went wrong with the process where it did not answer."""
        if self._number % CASES_PER_PROCESS == 0:
            self.stop()
        self._number += 1
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"case": case, "number": self._number}) + "\n")
            process.stdin.flush()
        except OSError:
            pass
        line = self._answer(process)
        if line:
            answer: Dict[str, Any] = json.loads(line)
            return answer
        self.stop()
        return {"driver": f"ended or hung: exit code {process.returncode}", "output": self._said()}

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            home = Path(self._home.name)
            (home / "logging.yml").write_text(_LOGGING)
            environment = clean_environment(home, KEDRO_LOGGING_CONFIG=str(home / "logging.yml"))
            environment["PREFECT__LOGGING__LEVEL"] = "WARNING"
            self._process = processes.start(
                [sys.executable, "-m", "tests.differential.driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(home / "errors").open("w"),
                text=True,
                cwd=str(REPOSITORY),
                env=environment,
                start_new_session=True,
            )
        return self._process

    def _answer(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        until = time.monotonic() + self.timeout
        while time.monotonic() < until:
            if select.select([process.stdout], [], [], 1)[0]:
                return process.stdout.readline()
        return ""

    def _said(self) -> str:
        return (Path(self._home.name) / "errors").read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        """End the process and all that it has started."""
        if self._process is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                assert self._process.stdin is not None
                self._process.stdin.close()  # it then removes its projects and ends
                self._process.wait(10)
            with contextlib.suppress(OSError):
                processes.stop(self._process, group=True)
            self._process = None

    def close(self) -> None:
        self.stop()
        with contextlib.suppress(OSError):
            self._home.cleanup()
