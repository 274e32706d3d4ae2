"""When agents should look at the API: a flow run has become due, or is to be cancelled.

Instead of asking several times a second, an agent waits until the position of this signal is no longer the
one that it knows. What another process writes to the file does not change it, so agents also look now and
then. Knows neither HTTP nor SQL.
"""

from __future__ import annotations

import threading
import uuid
from typing import Callable, List, Optional, Set

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.storage.values import SECOND

_FOR_AGENTS = states.kinds_of("Cancelling", "Cancelled")
"""States of flow runs that an agent has to act on, besides those with a time to start at."""

RETRY_BUFFER = 3 * SECOND
"""Prefect's agents leave a retry to the flow run's own process for three seconds."""


class AgentSignal:
    """Safe to use from several threads. Times are in microseconds.

    A transaction calls `flow_run_state`, `task_run_state` and `now`; the database calls `committed` or
    `rolled_back` at its end. There is one write transaction at a time.
    """

    def __init__(self) -> None:
        self.closed = False
        self._lock = threading.Lock()
        # Positions in the signal of an API that has been restarted must not look like ours.
        self._id = uuid.uuid4().hex
        self._count = 0
        self._announced: List[int] = []
        self._next_due: Optional[int] = None
        self._is_current = False
        self._listeners: Set[Callable[[], None]] = set()

    @property
    def position(self) -> str:
        """Differs from an earlier one if agents should look."""
        return f"{self._id}-{self._count}"

    def flow_run_state(self, kind: str, due: Optional[int]) -> None:
        """Announce, within a transaction, that a flow run has a new state."""
        if kind in _FOR_AGENTS:
            self.now()
        elif kind in states.SCHEDULED:
            self._announced.append(due or 0)

    def task_run_state(self, kind: str, due: Optional[int]) -> None:
        """Announce, within a transaction, that a task run has a new state."""
        if kind in states.SCHEDULED and due is not None:
            self._announced.append(due + RETRY_BUFFER)

    def now(self) -> None:
        """Announce, within a transaction, that agents should look as soon as it is committed."""
        self._announced.append(0)

    def committed(self, now: int) -> None:
        """Publish what the transaction has announced."""
        if not self._announced:
            return
        with self._lock:
            later = [due for due in self._announced if due > now]
            if len(later) < len(self._announced):
                self._count += 1
                self._is_current = False  # who announces several runs may name the first one only
            self._announced = []
            if self._next_due is not None:
                later.append(self._next_due)
            self._next_due = min(later, default=None)
        self._notify()

    def rolled_back(self) -> None:
        """Forget what the transaction has announced."""
        self._announced = []

    def next_due(self, now: int, read: Callable[[int], Optional[int]]) -> Optional[int]:
        """When the position will change next because of the time, as far as is known. It changes here.

        Args:
            now: the time.
            read: reads from the database when the first run after a time is due.
        """
        with self._lock:
            is_due = self._next_due is not None and self._next_due <= now
            self._count += is_due
            if is_due or not self._is_current:
                self._next_due = read(now)
                self._is_current = True
            return self._next_due

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener`, in any thread, whenever the position or the time of its next change may differ."""
        with self._lock:
            self._listeners.add(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Stop calling `listener`."""
        with self._lock:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Release everyone who waits: the API is being stopped."""
        self.closed = True
        self._notify()

    def _notify(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
