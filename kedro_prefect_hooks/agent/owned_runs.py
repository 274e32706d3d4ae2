"""The flow runs whose processes an agent has started: waits for their end, and ends those that are cancelled.

A thread per flow run waits for the end of its process and tells the API what that has not told itself. One
more thread asks for the states of all flow runs at once, kills the processes of those that were cancelled
and do not end, and reports containers that do not reach the API. Knows nothing of how flow runs are found and
started.
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

UNHEARD_SECONDS = 60.0
"""How long a container may run without its flow run having begun before that is reported."""

GIVEN_UP_SECONDS = 600.0
"""How long before it is killed: Prefect Server starts such a flow run once more after as long."""

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
        api: the URL at which its container reaches the API; None if it is not in a container.
    """

    def __init__(
        self,
        flow_run_id: str,
        name: str,
        process: RunningProcess,
        submissions: tuple[int, int],
        *,
        api: str | None = None,
    ) -> None:
        self.id = flow_run_id
        self.name = name
        self.process = process
        self.submissions = submissions
        self.cancelled_at: float | None = None
        self.stopped: str | None = None
        """Why the agent has ended it, if it has."""
        self.given_up: str | None = None
        """What has become of it, if the agent has killed it although nobody had cancelled it."""
        self.api = api
        now = time.monotonic()
        self.unheard_at = [now + UNHEARD_SECONDS, now + GIVEN_UP_SECONDS] if api is not None else []
        """When to act if it has still not reached the API; empty once it has."""
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
        how = run.given_up or exit_in_words(code)
        return self._ends.report(run.id, how, run.process.output, stopped=run.stopped, api=run.api)

    def _watch_states(self) -> None:
        while True:
            running = [run for run in self.all() if not run.has_exited]
            self._look.wait(self._pause(running))
            self._look.clear()
            running = [run for run in self.all() if not run.has_exited]
            if running:
                self._look_at(running)

    def _pause(self, running: list[OwnedRun]) -> float | None:
        if not running:
            return None
        now = time.monotonic()
        deadlines = [run.cancelled_at + self._cancelling_seconds for run in running if run.cancelled_at]
        deadlines += [run.unheard_at[0] for run in running if run.unheard_at and run.unheard_at[0] > now]
        until_first = min(deadlines, default=float("inf")) - now
        return min(self._poll_seconds(), max(0.2, until_first))

    def _look_at(self, running: list[OwnedRun]) -> None:
        try:
            states = self._ends.states([run.id for run in running])
        except Exception:  # whoever polls for flow runs reports that the API is unreachable
            states = {}
        for run in running:
            state = states.get(run.id)
            self._end_cancelled(run, state)
            if run.unheard_at and state is not None:
                self._end_unheard(run, state)

    def _end_cancelled(self, run: OwnedRun, state: str | None) -> None:
        if state in ("Cancelling", "Cancelled"):
            run.cancelled_at = run.cancelled_at or time.monotonic()
        elif state is not None:
            run.cancelled_at = None
        if run.cancelled_at is None:
            return
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

    def _end_unheard(self, run: OwnedRun, state: str) -> None:
        """Report a container whose flow run does not begin, as when the API that it asks stays silent."""
        if state != "Submitted":
            run.unheard_at = []
        elif time.monotonic() < run.unheard_at[0] or run.has_exited:
            return
        elif len(run.unheard_at) == 2:
            del run.unheard_at[0]
            text = (
                f"has not begun {UNHEARD_SECONDS:g} s after its container {run.process.pid} was started: "
                f"the API does not respond to it at {run.api}, or the project takes long to import. The "
                f"container will be killed after {GIVEN_UP_SECONDS:g} s."
            )
            self._report(f"Flow run '{run.name}' {text} Its output: {run.process.output}")
            self._ends.warn(run.id, f"The flow run {text}")
        else:
            run.unheard_at = []
            run.given_up = f"was killed by the agent after {GIVEN_UP_SECONDS:g} s"
            run.process.kill()
