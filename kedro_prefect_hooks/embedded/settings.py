"""The times by which the embedded API acts, with the real server's values as defaults. All in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from kedro_prefect_hooks.embedded.storage import values


@dataclass(frozen=True)
class Settings:
    """How long the embedded API waits before it does what; tests give it shorter times and their own clock.

    ``submitted_lock``: how long after a flow run was submitted a second submission is refused, so that two
    agents cannot both start it. Ten seconds is as long as an agent looks ahead. (The server whose traffic is
    in ``tests/embedded/conversations`` still refused after 13 seconds: it was set to 30.)
    """

    submitted_lock: float = 10
    scheduler_every: float = 30
    runs_ahead: int = 10
    zombie_killer_every: float = 120
    lazarus_every: float = 600
    heartbeat_timeout: float = 600
    resurrections: int = 3
    clock: Callable[[], int] = values.now
