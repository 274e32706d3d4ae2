"""A Python process that is kept ready for the next flow run, so that it starts in half the time.

It has imported libraries that nearly every flow run imports, and nothing else: neither Prefect, whose import
reads the environment that each flow run has of its own, nor Kedro's project nor its code, which may change
while it waits. It serves one flow run: it becomes its process.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Mapping

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.agent import become_flow_run

_AFTER_SECONDS = 2.0
"""How long after the start of a flow run the next process is prepared: they would compete for the CPU."""

_PER_RUN = ("PREFECT__", env_vars.PREFIX)
"""Environment variables that no library reads while it is imported."""


class PreparedProcess:
    """At most one process at a time; safe to use from several threads.

    Attributes:
        after_seconds: how long `prepare_soon` waits.
    """

    def __init__(self) -> None:
        self.after_seconds = _AFTER_SECONDS
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._made_for: object = None
        self._timer: threading.Timer | None = None
        self._closed = False

    def prepare_soon(self, env: Mapping[str, str], cwd: str | None) -> None:
        """Prepare a process for a flow run like this one, unless another flow run starts before."""
        with self._lock:
            if self._closed:
                return
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self.after_seconds, self._prepare, (dict(env), cwd))
            self._timer.name = "agent-prepared-process"
            self._timer.daemon = True
            self._timer.start()

    def take(self, env: Mapping[str, str], cwd: str | None, output: Path) -> subprocess.Popen[bytes] | None:
        """The prepared process, which from now on is that of a flow run; None if there is none for it.

        Args:
            env: the flow run's environment.
            cwd: its working directory; None for this process's.
            output: the file that receives its output, appended.
        """
        with self._lock:
            process, self._process = self._process, None
            made_for = self._made_for
        if process is None:
            return None
        order = {"env": dict(env), "output": str(output.resolve())}
        if made_for == _made_for(env, cwd) and process.poll() is None:
            assert process.stdin is not None
            with contextlib.suppress(OSError):  # it has ended just now
                process.stdin.write(json.dumps(order).encode("ascii") + b"\n")
                process.stdin.close()
                return process
        _discard(process)
        return None

    def close(self) -> None:
        """Prepare no more, and end the one that waits."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
            if self._timer is not None:
                self._timer.cancel()
        if process is not None:
            _discard(process)

    def _prepare(self, env: dict[str, str], cwd: str | None) -> None:
        made_for = _made_for(env, cwd)
        with self._lock:
            if self._closed or (self._process is not None and self._made_for == made_for):
                return
            old = self._process
            self._process = subprocess.Popen(
                [sys.executable, "-m", become_flow_run.__name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={name: value for name, value in env.items() if not name.startswith(_PER_RUN)},
                cwd=cwd,
                start_new_session=True,
            )
            self._made_for = made_for
        if old is not None:
            _discard(old)


def _made_for(env: Mapping[str, str], cwd: str | None) -> object:
    """What a process and a flow run must have in common: environment, folder, and installed packages."""
    installed = []
    for name in ("purelib", "platlib"):
        with contextlib.suppress(OSError):
            installed.append(Path(sysconfig.get_path(name)).stat().st_mtime_ns)
    shared = {name: value for name, value in env.items() if not name.startswith(_PER_RUN)}
    return shared, Path(cwd or ".").resolve(), installed


def _discard(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
