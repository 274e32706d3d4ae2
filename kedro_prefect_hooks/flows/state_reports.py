"""Reports the states of task runs to the Prefect API: in batches, in the background, in order.

One thread per process and API. A batch is sent at most `INTERVAL` after its first state was noted, so that a
killed process loses no more than that. The API applies the states of one request in any order, so a request
has at most one state of each task run, and the next one is sent when it has been answered.

    task runs ──report──► queue ──INTERVAL──► [A Running, B Running] [A Success, B Success] ──► API
                                                    │ refused
                                                    ▼
                                       half of them, and so on, down to the one

Whoever reports is not told whether the API accepts a state. A task run with a refused state, and all task
runs once the flow run is no longer Running, report synchronously from then on (`is_synchronous`), which is
Prefect's own way and has Prefect's own consequences.
"""

from __future__ import annotations

import atexit
import json
import multiprocessing.util
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Protocol, Tuple

import requests
from prefect.utilities.logging import get_logger

from kedro_prefect_hooks.compat.prefect_client import does_not_respond

INTERVAL = 0.25
"""Seconds from the first state of a batch until it is sent."""

MOST_STATES = 100
"""States in one request. A Prefect Server takes some milliseconds for each, and a request may take 15 s."""

MOST_BYTES = 2_000_000
"""Of the states in one request; the real server accepts 5 MB."""

IDLE_SECONDS = 10.0
"""After this time without states the thread ends; the next state starts another."""

ARTIFACTS_INTERVAL = 2.0
"""Seconds from the first artifact until they are sent: nobody waits for them, so requests are few."""

MOST_ARTIFACTS = 50
"""In one request."""

NOT_RUNNING = "is not in a running state"
"""Part of the real server's message when the flow run is not Running; the embedded API has the same one."""


@dataclass(frozen=True)
class Report:
    """One state of one task run, as the API takes it; and the task run's name, if it has one of its own."""

    task_run_id: str
    state: Dict[str, Any]
    version: int | None = None
    name: str | None = None

    def size(self) -> int:
        return len(json.dumps(self.state))


@dataclass(frozen=True)
class Artifact:
    """What a task run has left for people to read. Nothing depends on it: it is sent once, or lost."""

    task_run_id: str
    data: Dict[str, Any]


class Sender(Protocol):
    """Sends the states of one request, or artifacts. Prefect's client, except in tests."""

    def send_states(self, reports: List[Report]) -> None: ...

    def send_artifacts(self, artifacts: List[Artifact]) -> None: ...


class StateReports:
    """The states of this process's task runs on their way to one API.

    Args:
        sender: sends them. Raises what `does_not_respond` recognises while the API does not respond, and
            anything else when the API refuses a state of the request.
        interval: in seconds, from the first state of a batch until it is sent.
    """

    def __init__(self, sender: Sender, interval: float = INTERVAL) -> None:
        self.sender = sender
        self.interval = interval
        self.refused: Dict[str, Exception] = {}
        """What the API said, by task run."""
        self._flow_run_ended = False
        self._queue: List[Report] = []
        self._artifacts: List[Artifact] = []
        self._artifacts_due = 0.0
        self._sending = 0
        self._flushing = 0
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def add(self, report: Report) -> None:
        """Note a state; it is sent in the background."""
        with self._changed:
            self._queue.append(report)
            self._wake()

    def add_artifact(self, artifact: Artifact) -> None:
        """Note an artifact; it is sent after the states that have been noted."""
        with self._changed:
            if not self._artifacts:
                self._artifacts_due = time.monotonic() + ARTIFACTS_INTERVAL
            self._artifacts.append(artifact)
            self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._send_all, name="kedro-prefect-states", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def is_synchronous(self, task_run_id: str) -> bool:
        """Whether this task run's next state must be reported synchronously, after a `flush`."""
        return self._flow_run_ended or task_run_id in self.refused

    def flush(self, timeout: float | None = None) -> bool:
        """Send what has been noted so far, and wait until the API has answered.

        Args:
            timeout: how long to wait, in seconds.

        Returns:
            Whether all of it was sent, or refused.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                while self._queue or self._artifacts or self._sending:
                    left = None if until is None else until - time.monotonic()
                    if left is not None and left <= 0:
                        return False
                    self._changed.wait(left)
                return True
            finally:
                self._flushing -= 1

    def _send_all(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(self._has_work, timeout=self._idle_seconds()):
                    if self._artifacts:
                        continue
                    self._thread = None
                    return
                if self._queue:
                    self._changed.wait_for(lambda: self._flushing > 0, timeout=self.interval)
                batch, self._queue = self._queue, []
                artifacts: List[Artifact] = []
                if self._artifacts_are_due():
                    artifacts, self._artifacts = self._artifacts, []
                self._sending = len(batch) + len(artifacts)
            try:
                for requested in requests_of(batch):
                    self._send(requested)
                self._send_artifacts(artifacts)
            finally:
                with self._changed:
                    self._sending = 0
                    self._changed.notify_all()

    def _has_work(self) -> bool:
        return bool(self._queue) or self._artifacts_are_due()

    def _artifacts_are_due(self) -> bool:
        if not self._artifacts:
            return False
        return self._flushing > 0 or time.monotonic() >= self._artifacts_due

    def _idle_seconds(self) -> float:
        if not self._artifacts:
            return IDLE_SECONDS
        return max(0.0, self._artifacts_due - time.monotonic())

    def _send_artifacts(self, artifacts: List[Artifact]) -> None:
        for start in range(0, len(artifacts), MOST_ARTIFACTS):
            try:
                self.sender.send_artifacts(artifacts[start : start + MOST_ARTIFACTS])
            except Exception as error:  # the run itself is not affected
                get_logger("CloudTaskRunner").warning("Artifacts of tasks could not be sent: %s", error)
                return

    def _send(self, reports: List[Report]) -> None:
        """Send one request; find the states that the API refuses, and note them."""
        reports = [report for report in reports if report.task_run_id not in self.refused]
        if not reports:
            return
        error = self._error_of(reports)
        if error is None:
            return
        if NOT_RUNNING in str(error):
            self._flow_run_ended = True
        if len(reports) == 1:
            self.refused[reports[0].task_run_id] = error
            return
        half = len(reports) // 2
        self._send(reports[:half])
        self._send(reports[half:])

    def _error_of(self, reports: List[Report]) -> Exception | None:
        while True:
            try:
                self.sender.send_states(reports)
                return None
            except Exception as error:
                if not (isinstance(error, requests.RequestException) and does_not_respond(error)):
                    return error
                # The client has tried for minutes. The nodes go on; whoever flushes decides how long to wait.
                time.sleep(self.interval)


def requests_of(batch: List[Report]) -> Iterator[List[Report]]:
    """The states of a batch, split into requests that have at most one state of each task run."""
    rounds: List[List[Report]] = []
    seen: Dict[str, int] = {}
    for report in batch:
        number = seen.get(report.task_run_id, 0)
        seen[report.task_run_id] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(report)
    for each in rounds:
        yield from _sized(each)


def _sized(reports: List[Report]) -> Iterator[List[Report]]:
    request: List[Report] = []
    size = 0
    for report in reports:
        added = report.size()
        if request and (len(request) == MOST_STATES or size + added > MOST_BYTES):
            yield request
            request, size = [], 0
        request.append(report)
        size += added
    if request:
        yield request


_all: Dict[Tuple[str, ...], StateReports] = {}
_lock = threading.Lock()

AT_EXIT_SECONDS = 10.0
"""How long a process that ends waits for its last states to be sent."""


def reports_to(key: Tuple[str, ...], make_sender: Callable[[], Sender]) -> StateReports:
    """The reports of this process to one API.

    Args:
        key: stands for the API and the flow run.
        make_sender: makes what sends them, if there are none yet.
    """
    with _lock:
        if key not in _all:
            _all[key] = StateReports(make_sender())
            # Also where `atexit` is not run, in a child of multiprocessing.
            multiprocessing.util.Finalize(None, _flush_at_exit, exitpriority=0)
        return _all[key]


def flush_all(timeout: float | None = None) -> Dict[str, str]:
    """Send all states that this process has noted; see `StateReports.flush`.

    Returns:
        Why the API refused the states of a task run, by its id.

    Raises:
        TimeoutError: they could not be sent in this time.
    """
    until = None if timeout is None else time.monotonic() + timeout
    refused: Dict[str, str] = {}
    for reports in list(_all.values()):
        if not reports.flush(None if until is None else max(0.0, until - time.monotonic())):
            raise TimeoutError("The API does not respond, and the last states of tasks are not reported.")
        refused.update({task_run_id: str(error) for task_run_id, error in reports.refused.items()})
    return refused


def _flush_at_exit() -> None:
    try:
        flush_all(AT_EXIT_SECONDS)
    except TimeoutError as error:
        get_logger("CloudTaskRunner").warning(str(error))


def _start_anew() -> None:
    """In a forked process: what the parent has noted is the parent's to send, by the parent's thread."""
    global _lock  # it may have been held when the process was forked
    _lock = threading.Lock()
    _all.clear()


atexit.register(_flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
