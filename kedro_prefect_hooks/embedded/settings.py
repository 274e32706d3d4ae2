"""The intervals and limits of the embedded API, by default the real server's. All times are in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from kedro_prefect_hooks.embedded.storage import values


@dataclass(frozen=True)
class Settings:
    """Tests set shorter times, and a clock of their own.

    ``submitted_lock``: how long after a flow run was submitted a second submission is refused, so that two
    agents cannot both start it. An agent looks ahead ten seconds. (The server recorded in
    ``tests/embedded/conversations`` still refused after 13 seconds: it was set to 30.)

    ``retention``: how long finished flow runs are kept; None for ever.

    ``query_seconds`` and ``mutation_seconds``: how long a request may take before it is refused.
    """

    submitted_lock: float = 10
    query_seconds: float = 10
    mutation_seconds: float = 60
    scheduler_interval: float = 30
    runs_ahead: int = 10
    zombie_killer_interval: float = 120
    lazarus_interval: float = 600
    heartbeat_timeout: float = 600
    max_resurrections: int = 3
    retention: Optional[float] = 90 * 86_400
    retention_interval: float = 60
    clock: Callable[[], int] = values.now
