"""The whole table of the benchmarks, in its order."""

from __future__ import annotations

from typing import List, Optional

from benchmarks import flow_run_rows, mapped_rows, rows

PASSES = {"pass": 1, "due_pass": 1}
"""Of the scheduler, in seconds."""


def table(quick: Optional[bool] = False) -> List[rows.Set]:
    """Return all sets, or with `quick` those that take seconds."""
    sets = [
        rows.serialising(2000, 1.0, pure=True),
        rows.serialising(10000, 6.0, pure=False),
        rows.running("chain", 100, 1.10, quick=True),
        rows.running("fan", 100, 1.10, quick=True),
        rows.running("chain", 500, 0.90, quick=False),
        rows.running("fan", 500, 1.10, quick=False),
        rows.profile(500),
        rows.grouped("memory", 500),
        rows.grouped("namespace", 500),
        rows.memory(10, 200),
        rows.dask_cpu(16, 0.5),
        rows.dask_move(500),
        rows.dask_fixed(16),
        rows.dask_profile(16, 0.5),
        rows.registering(1000),
        rows.registering_again(100, 10),
        rows.scheduled(1000, {**PASSES, "new": 20, "plan": 3.5, "unchanged": 3.5}, quick=False),
        rows.scheduled(100, {**PASSES, "new": 6.7, "plan": 2.2, "unchanged": 2.2}, quick=True),
        rows.page(60, 14),
        rows.hook(),
        *flow_run_rows.sets(),
        *mapped_rows.sets(),
    ]
    return [each for each in sets if each.quick or not quick]
