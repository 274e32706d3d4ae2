"""The flow runs whose processes an agent has started: waits for their end, and ends those that are cancelled.

A thread per flow run waits for the end of its process and tells the API what that has not told itself. One
more thread asks for the states of all flow runs at once, and kills the processes of those that were cancelled
and do not end. Knows nothing of how flow runs are found and started.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Callable, Protocol, Union

from kedro_prefect_hooks.agent.run_ends import RunEnd, RunEnds
from kedro_prefect_hooks.agent.run_process import exit_in_words

CANCELLING_SECONDS = 15.0
"""How long a cancelled flow run has to end on its own: its node cleans up, and its log lines are sent."""

_LONGEST_PAUSE = 30.0
"""Between two attempts to tell an unreachable API how a process has ended."""


class RunningProcess(Protocol):
    """The process of a flow run, or its container."""

    output: Path

    @property
    def pid(self) -> Union[int, str]: ...

    def wait(self) -> int: ...
    def release(self) -> None: ...
    def interrupt(self) -> None: ...
    def remember_descendants(self) -> None: ...
    def kill(self) -> None: ...


class OwnedRun:
    """A flow run whose process this agent has started.

    Args:
        flow_run_id: the flow run.
        name: its name.
        process: its process.
        submissions: see `RunEnds.look`.
    """

    def __init__(
        self, flow_run_id: str, name: str, process: RunningProcess, submissions: tuple[int, int]
    ) -> None:
        self.id = flow_run_id
        self.name = name
        self.process = process
        self.submissions = submissions
        self.cancelled_at: float | None = None
        self.stopped: str | None = None
        """Why the agent has ended it, if it has."""
        self.api: str | None = None
        """The URL of the API in its container, if it has one."""
        self.thread: threading.Thread | None = None
        self.has_exited = False


class OwnedRuns:
    """All of them; safe to use from several threads.

    Args:
        ends: tells the API.
        report: called with each line to print.
        on_end: called after a flow run has ended and is no longer owned.
        poll_seconds: returns how long to wait, at most, between two looks at the states of the flow runs.
        cancelling_seconds: how long a cancelled flow run has to end on its own.
    """

    def __init__(
        self,
        ends: RunEnds,
        *,
        report: Callable[[str], Any],
        on_end: Callable[[], Any],
        poll_seconds: Callable[[], float],
        cancelling_seconds: float = CANCELLING_SECONDS,
    ) -> None:
        self._ends = ends
        self._report = report
        self._on_end = on_end
        self._poll_seconds = poll_seconds
        self._cancelling_seconds = cancelling_seconds
        self._runs: dict[str, OwnedRun] = {}
        self._lock = threading.Lock()
        self._look = threading.Event()
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._watch_states, name="agent-cancellations", daemon=True)

    def start(self) -> None:
        """Start to look at the states of the flow runs."""
        self._watch.start()

    def add(self, run: OwnedRun) -> None:
        """Own a flow run, until its process has ended and the API knows how."""
        run.thread = threading.Thread(target=self._wait, args=(run,), name=f"flow-run-{run.id}", daemon=True)
        with self._lock:
            self._runs[run.id] = run
        run.thread.start()
        self._look.set()

    def all(self) -> list[OwnedRun]:
        """The flow runs that are owned now."""
        with self._lock:
            return list(self._runs.values())

    def ids(self) -> set[str]:
        """Their ids."""
        with self._lock:
            return set(self._runs)

    def look(self) -> None:
        """Look at the states of the flow runs now."""
        self._look.set()

    def close(self) -> None:
        """Make no second attempt from now on to tell the API how a process has ended."""
        self._closing.set()

    def _wait(self, run: OwnedRun) -> None:
        code = run.process.wait()
        run.has_exited = True
        try:
            self._end(run, code)
        finally:
            run.process.release()
            with self._lock:
                del self._runs[run.id]
            self._on_end()

    def _end(self, run: OwnedRun, code: int) -> None:
        """Make sure that the API knows how a flow run has ended, and kill what must not go on."""
        pause = 1.0
        while True:
            try:
                end = self._ends.look(run.id, code, run.submissions) or self._report_end(run, code)
                break
            except Exception as error:  # the API is unreachable, or refuses: there is nobody to tell
                if self._closing.is_set():
                    self._report(f"Could not set the state of flow run '{run.name}' in the API: {error}")
                    if run.stopped:
                        run.process.kill()
                    return
            self._closing.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        if not end.is_orderly:
            run.process.kill()
        self._report(f"Flow run '{run.name}' {end.text}.")

    def _report_end(self, run: OwnedRun, code: int) -> RunEnd:
        # What is left of it may still be writing, and must not do so once the flow run can be restarted.
        run.process.kill()
        return self._ends.report(
            run.id, exit_in_words(code), run.process.output, stopped=run.stopped, api=run.api
        )

    def _watch_states(self) -> None:
        while True:
            running = [run for run in self.all() if not run.has_exited]
            self._look.wait(self._pause(running))
            self._look.clear()
            running = [run for run in self.all() if not run.has_exited]
            if running:
                self._end_cancelled(running)

    def _pause(self, running: list[OwnedRun]) -> float | None:
        if not running:
            return None
        deadlines = [run.cancelled_at + self._cancelling_seconds for run in running if run.cancelled_at]
        until_first = min(deadlines, default=float("inf")) - time.monotonic()
        return min(self._poll_seconds(), max(0.2, until_first))

    def _end_cancelled(self, running: list[OwnedRun]) -> None:
        try:
            states = self._ends.states([run.id for run in running])
        except Exception:  # whoever polls for flow runs reports that the API is unreachable
            states = {}
        for run in running:
            state = states.get(run.id)
            if state in ("Cancelling", "Cancelled"):
                run.cancelled_at = run.cancelled_at or time.monotonic()
            elif state is not None:
                run.cancelled_at = None
            if run.cancelled_at is None:
                continue
            run.process.remember_descendants()
            if time.monotonic() - run.cancelled_at >= self._cancelling_seconds and not run.has_exited:
                seconds = f"{self._cancelling_seconds:g}"
                run.stopped = (
                    f"Flow run is cancelled: its process did not end within {seconds} s, and was killed."
                )
                self._report(
                    f"Flow run '{run.name}' has not ended {seconds} s after it was cancelled: killing it."
                )
                run.process.kill()
