"""What one request may take: time, memory, conditions. Knows nothing of what spends it.

The budget of a request belongs to the thread that answers it. Whoever loops over what a client has sent or
stored spends from it, and SQLite asks it now and then whether to go on.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Callable, Iterator, List

MAX_CHARACTERS = 64_000_000
"""Of what a request reads and of its answer, roughly: each takes several times as much memory meanwhile."""

MAX_CONDITIONS = 1_000
"""Of all filters of a request. SQLite's expressions cannot be nested more deeply either."""


class OverBudget(ValueError):
    """The request takes too much and is not answered."""


class Budget:
    """What is left for one request.

    Args:
        seconds: how long it may take.
        is_stopped: whether the API is being stopped, so that no request can go on.
    """

    def __init__(self, seconds: float, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self.problem: str | None = None
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._is_stopped = is_stopped
        self._characters = MAX_CHARACTERS
        self._conditions = MAX_CONDITIONS
        self._at_end: List[Callable[[], None]] = []

    @property
    def seconds_left(self) -> float:
        return 0.0 if self._is_stopped() else self._deadline - time.monotonic()

    def is_over(self) -> bool:
        """Whether the request must end now."""
        if self.problem is None and self._is_stopped():
            self.problem = "The API is being stopped."
        elif self.problem is None and time.monotonic() > self._deadline:
            self.problem = f"The request takes too long: more than {self._seconds:g} seconds."
        return self.problem is not None

    def check(self) -> None:
        """Raise OverBudget if the request must end now."""
        if self.is_over():
            raise OverBudget(self.problem)

    def spend(self, characters: int) -> None:
        """Account for characters that have been read, or will be part of the answer."""
        self._characters -= characters
        if self._characters < 0 and self.problem is None:
            self.problem = (
                f"The answer is too large: more than {MAX_CHARACTERS // 1_000_000} MB. Ask for fewer rows, "
                "with `limit`, or for fewer columns."
            )
        self.check()

    def spend_conditions(self, count: int) -> None:
        """Account for the conditions of a filter."""
        self._conditions -= count
        if self._conditions < 0 and self.problem is None:
            self.problem = f"The request has too many conditions: more than {MAX_CONDITIONS}."
        self.check()

    def at_end(self, function: Callable[[], None]) -> None:
        """Call `function` when the request has been answered."""
        self._at_end.append(function)

    def close(self) -> None:
        """Release what the request has used."""
        while self._at_end:
            self._at_end.pop()()


_threads = threading.local()


def current() -> Budget | None:
    """The budget of the request that this thread answers, if it answers one."""
    found: Budget | None = getattr(_threads, "budget", None)
    return found


@contextmanager
def active(budget: Budget) -> Iterator[Budget]:
    """Answer a request in this thread: one at a time."""
    _threads.budget = budget
    try:
        yield budget
    finally:
        _threads.budget = None
        budget.close()


def spend(characters: int) -> None:
    """Account for characters if this thread answers a request."""
    budget = current()
    if budget is not None:
        budget.spend(characters)


def spend_conditions(count: int) -> None:
    """Account for conditions if this thread answers a request."""
    budget = current()
    if budget is not None:
        budget.spend_conditions(count)
