"""What the embedded API does without a request: services, which are functions called at intervals.

They run one after the other in one thread. Each keeps the database consistent whenever the process dies, and
several processes that serve the same file may run them at the same time.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Callable, List

from kedro_prefect_hooks.embedded.services import lazarus, retention, scheduler, zombies
from kedro_prefect_hooks.embedded.storage.database import Database

_log = logging.getLogger(__name__)


class Services:
    """The services of one database, from `start` to `stop`."""

    def __init__(self, database: Database) -> None:
        settings = database.settings
        self._database = database
        self._jobs: List[_Job] = [
            _Job(scheduler.run, settings.scheduler_interval),
            _Job(zombies.run, settings.zombie_killer_interval),
            _Job(lazarus.run, settings.lazarus_interval),
            _Job(retention.run, settings.retention_interval),
        ]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="embedded-prefect-services", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def signal_stop(self) -> None:
        """Begin no more of them."""
        self._stopped.set()

    def join(self, seconds: float | None = None) -> None:
        """Wait for the one that is running."""
        self._thread.join(seconds)

    def problem(self) -> str | None:
        """Why schedules and dead runs are not looked at, or None."""
        if not self._thread.is_alive():
            return "The services have ended."
        failed = [job.error for job in self._jobs if job.error is not None]
        return failed[0] if failed else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            for job in self._jobs:
                if not self._stopped.is_set():
                    job.run_if_due(self._database)
            self._stopped.wait(max(0.05, min(job.due for job in self._jobs) - time.monotonic()))


class _Job:
    def __init__(self, function: Callable[[Database], int], interval: float) -> None:
        self._function = function
        self._interval = interval
        self.due = time.monotonic()
        self.error: str | None = None

    def run_if_due(self, database: Database) -> None:
        if time.monotonic() < self.due:
            return
        try:
            self._function(database)
            self.error = None
        except Exception as error:
            name = self._function.__module__.rpartition(".")[2]
            self.error = f"The last run of the service {name!r} failed: {error}"
            # It may succeed the next time; the other services go on meanwhile.
            _log.exception("A service of the embedded API failed")
        self.due = time.monotonic() + self._interval
