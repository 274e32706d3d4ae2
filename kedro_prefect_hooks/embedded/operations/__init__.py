"""The mutations, and the queries that are not a table's, in one module a subject.

The function names, inputs, answers and words of errors are the real server's. Each takes a
`registry.Request` and its input, and makes its own transactions.
"""

from __future__ import annotations


def load() -> None:
    """Make all operations known to the registry."""
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
