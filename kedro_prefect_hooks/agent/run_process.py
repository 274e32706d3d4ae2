"""The processes of one flow run: the one that the agent has started, and what that has started in turn.

Knows nothing of Prefect or its API.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Iterable, Mapping

import psutil

_KILL_ROUNDS = 20


class RunProcess:
    """A process in a session of its own, so that a terminal's Ctrl+C does not reach it.

    Args:
        process: the process.
        output: the file that receives its output.
    """

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.output = output
        self._process = process
        self.pid = process.pid
        self._lock = threading.Lock()
        self._descendants: set[psutil.Process] = set()

    @classmethod
    def started(
        cls, command: Iterable[str], output: Path, env: Mapping[str, str], cwd: str | None = None
    ) -> RunProcess:
        """Start one.

        Args:
            command: the command line.
            output: the file that receives its output, appended.
            env: its environment.
            cwd: its working directory; None for this process's.
        """
        with output.open("ab") as file:
            process = subprocess.Popen(
                list(command),
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        return cls(process, output)

    def wait(self) -> int:
        """Wait until it has exited; return its exit code, negative for a signal.

        Where the system allows it, its number stays reserved until `release`, so that what is left of its
        session can be told from the session of an unrelated new process with the same number.
        """
        if not hasattr(os, "waitid"):
            return self._process.wait()
        result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        assert result is not None  # as without WNOHANG it waits
        return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status

    def release(self) -> None:
        """Let the system forget the process, after `wait`."""
        self._process.wait()

    def interrupt(self) -> None:
        """Interrupt the process as Ctrl+C would, where that is possible."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGINT if os.name != "nt" else signal.SIGTERM)

    def remember_descendants(self) -> None:
        """Note which processes it has started, so that `kill` finds those that left its session, too."""
        with contextlib.suppress(psutil.Error):
            found = psutil.Process(self.pid).children(recursive=True)
            with self._lock:
                self._descendants.update(found)

    def remaining(self) -> list[psutil.Process]:
        """The processes of its session that are running, and the remembered ones that have left it."""
        with self._lock:
            found = set(self._descendants)
        found.update(_session(self.pid))
        return [process for process in found if _is_running(process)]

    def kill(self) -> None:
        """Kill the process, its session, and the remembered descendants."""
        self.remember_descendants()
        for _ in range(_KILL_ROUNDS):  # one that is being killed may have started another meanwhile
            if hasattr(os, "killpg"):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)  # it leads its own group
            remaining = self.remaining()
            if not remaining:
                return
            for process in remaining:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.02)


def _session(leader: int) -> list[psutil.Process]:
    """The processes of a session. On Windows, which has none, the process and what it has started."""
    members = []
    with contextlib.suppress(psutil.Error):
        if sys.platform == "win32":
            process = psutil.Process(leader)
            return [process, *process.children(recursive=True)]
        for pid in psutil.pids():
            # A process may end at any moment, or belong to somebody else.
            with contextlib.suppress(OSError, psutil.Error):
                if os.getsid(pid) == leader:
                    members.append(psutil.Process(pid))
    return members


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def exit_in_words(code: int) -> str:
    """How a process has ended: ``exited with code 3``, ``was killed by SIGKILL``."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (often for lack of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
