"""The rows for mapped nodes: what is compared with what, and the goals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import projects
from benchmarks.measure import Group, Probe, middle
from benchmarks.rows import OURS, SEQUENTIAL, Row, Set, ratio


def _settings(per_task: int) -> dict[str, Any]:
    return {"nodes": {"work": {"map": "raw", "partitions_per_task": per_task}}}


def mapped_on_dask(partitions: int, seconds: float) -> Set:
    """CPU-bound partitions on two processes, one task each."""

    def competitors(folder: Path) -> dict[str, Probe]:
        path = str(projects.partitions(folder / "mapped_cpu", partitions, seconds, _settings(1)).path)
        warm = str(projects.partitions(folder / "mapped_warm", 4, 0.01, _settings(1)).path)
        return {
            OURS: Probe("dask_cpu", {"path": path, "warm": warm}),
            SEQUENTIAL: Probe("run_kedro", {"path": path, "runner": SEQUENTIAL}),
        }

    what = f"{partitions} mapped partitions of {seconds} CPU seconds, Dask with two processes"
    return Set("mapped, Dask", competitors, [Row(what, SEQUENTIAL, 0.60, ratio(SEQUENTIAL))], quick=False)


def many_partitions(partitions: int, per_task: int) -> Set:
    """What a mapped task costs beside its node's own time."""

    def competitors(folder: Path) -> dict[str, Probe]:
        path = str(projects.partitions(folder / "mapped_many", partitions, 0, _settings(per_task)).path)
        return {
            OURS: Probe("run_ours", {"path": path}),
            SEQUENTIAL: Probe("run_kedro", {"path": path, "runner": SEQUENTIAL}),
        }

    def milliseconds_a_task(group: Group) -> float:
        return 1000 * (middle(group, OURS) - middle(group, SEQUENTIAL)) / (partitions / per_task)

    what = f"{partitions:,} partitions, `partitions_per_task: {per_task}`, a task beside its node's own time"
    return Set("mapped, many", competitors, [Row(what, SEQUENTIAL, 10, milliseconds_a_task, "ms")])


def sets() -> list[Set]:
    """All of them, in the order of the table."""
    return [mapped_on_dask(200, 0.1), many_partitions(10_000, 100)]
