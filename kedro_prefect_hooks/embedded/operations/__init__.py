"""The mutations, and the queries that do not read a table: one module per subject.

Names, arguments, answers and error messages are the real server's. Each function accepts a `registry.Request`
and its arguments, and opens its own transactions.
"""

from __future__ import annotations


def load() -> None:
    """Import every operation, which registers it."""
    from kedro_prefect_hooks.embedded.operations import (  # noqa: F401
        agents,
        artifacts,
        flow_groups,
        flow_versions,
        logs,
        projects,
        reference,
        run_records,
        scheduled_runs,
        state_changes,
    )
