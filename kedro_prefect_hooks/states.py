"""Prefect's states: their hierarchy, which are finished, and in which a run waits for an agent.

Copied here because importing Prefect takes a second, which the embedded API need not spend; a test compares
the copy with Prefect.
"""

from __future__ import annotations

from typing import Dict, FrozenSet

PARENTS: Dict[str, str] = {
    "Pending": "State",
    "Scheduled": "Pending",
    "Paused": "Scheduled",
    "_MetaState": "State",
    "ClientFailed": "_MetaState",
    "Submitted": "_MetaState",
    "Queued": "_MetaState",
    "Resume": "Scheduled",
    "Retrying": "Scheduled",
    "Running": "State",
    "Cancelling": "Running",
    "Finished": "State",
    "Looped": "Finished",
    "Success": "Finished",
    "Cached": "Success",
    "Mapped": "Success",
    "Skipped": "Success",
    "Failed": "Finished",
    "TimedOut": "Failed",
    "TriggerFailed": "Failed",
    "ValidationFailed": "Failed",
    "Cancelled": "Finished",
}

ALL = ("State", *PARENTS)


def is_a(state: str | None, kind: str) -> bool:
    """Whether a state of type `state` is, in Prefect's hierarchy, also a `kind`."""
    while state is not None:
        if state == kind:
            return True
        state = PARENTS.get(state)
    return False


def kinds_of(*kinds: str) -> FrozenSet[str]:
    """Every type that is one of `kinds`."""
    return frozenset(state for state in ALL if any(is_a(state, kind) for kind in kinds))


FINISHED = kinds_of("Finished")
"""States after which nothing more happens."""

SCHEDULED = kinds_of("Scheduled", "Queued")
"""States in which a run has a time to start at, and the API offers it to agents once that has come."""

WAITING = (SCHEDULED - {"Paused"}) | {"Pending"}
"""States in which a flow run waits for an agent."""

REPORTED_AT = "kedro_prefect_reported_at"
"""In a state's `context`: when it was reached, as text, since `flows.state_reports` sends it later."""
