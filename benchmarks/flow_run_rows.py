"""The rows for flow runs through an API: what is compared with what, and the goals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import projects
from benchmarks.measure import Group, Probe, middle
from benchmarks.rows import OURS, PURE, Row, Set, absolute, ratio

THREADS = {"executor": {"type": "LocalDaskExecutor", "scheduler": "threads", "num_workers": 2}}
LATE = 0.02
"""Seconds by which each request is late: a server on the network."""

KEDRO = "kedro run"


def _path(project: Any) -> dict[str, Any]:
    return {"path": str(project.path)}


def through_api(kind: str, nodes: int, goal: float, late: float = 0, quick: bool = False) -> Set:
    """A flow run of trivial nodes, from Running to Success."""
    settings = THREADS if kind == "fan" else {}

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.shape(folder / f"api_{kind}_{nodes}_{bool(late)}", kind, nodes, settings))
        return {
            OURS: Probe("flow_run_ours", {**path, "nodes": nodes, "late": late}),
            PURE: Probe("flow_run_prefect", {"kind": kind, "nodes": nodes, "late": late}),
        }

    executor = "LocalDaskExecutor, threads" if kind == "fan" else "LocalExecutor"
    what = f"flow run through the embedded API, {kind} of {nodes}, {executor}"
    if late:
        what += f", each request {late * 1000:.0f} ms late"
    rows = [Row(what, "pure Prefect tasks of the same shape", goal, ratio(PURE))]
    if late:
        rows.append(Row(f"requests a task, {kind} of {nodes}", "3", 0.2, absolute("requests_a_task"), ""))
    title = f"API {kind} {nodes}" + (", late" if late else "")
    return Set(title, competitors, rows, quick, repetitions=0.6)


def short_run(nodes: int) -> Set:
    """A short flow run: the whole process, and its part from Running to Success."""

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.shape(folder / f"short_{nodes}", "chain", nodes))
        return {
            OURS: Probe("flow_run_ours", {**path, "nodes": nodes}),
            PURE: Probe("flow_run_prefect", {"kind": "chain", "nodes": nodes}),
            KEDRO: Probe("kedro_run", path),
        }

    def whole(group: Group) -> float:
        return middle(group, OURS, "whole_seconds") / middle(group, KEDRO)

    what = f"flow run of {nodes} trivial nodes, embedded API"
    rows = [
        Row(f"{what}: the whole process", "`kedro run` of that project", 1.4, whole),
        Row(f"{what}: Running to Success", f"pure Prefect, {nodes} tasks", 0.9, ratio(PURE)),
    ]
    return Set(f"API, short run of {nodes}", competitors, rows)


def watched(nodes: int) -> Set:
    """`kedro prefect run --watch`, as a person uses it."""

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.shape(folder / f"watched_{nodes}", "chain", nodes))
        return {OURS: Probe("watched_run", path), KEDRO: Probe("kedro_run", path)}

    what = f"`kedro prefect run --watch` of {nodes} trivial nodes, whole command"
    rows = [
        Row(what, "`kedro run` of that project", 2.3, ratio(KEDRO)),
        Row(
            "under `kedro prefect up`, from Scheduled to Running",
            "",
            0.9,
            absolute("seconds_to_running"),
            "s",
        ),
    ]
    return Set(f"watch {nodes}", competitors, rows)


def long_run(nodes: int, fewer: int) -> Set:
    """Whether the cost of a task, and the API's memory, depend on the length of the flow run."""
    short = f"{fewer} tasks"

    def competitors(folder: Path) -> dict[str, Probe]:
        long = _path(projects.shape(folder / f"long_{nodes}", "chain", nodes))
        few = _path(projects.shape(folder / f"long_{fewer}", "chain", fewer))
        return {
            OURS: Probe("flow_run_ours", {**long, "nodes": nodes}),
            short: Probe("flow_run_ours", {**few, "nodes": fewer}),
        }

    what = f"{nodes:,} tasks in one flow run, embedded API"
    rows = [
        Row(f"{what}: time a task", short, 1.2, ratio(short, "task_milliseconds")),
        Row(f"{what}: peak memory of the API", short, 1.3, ratio(short, "server_megabytes")),
    ]
    return Set(f"API, {nodes} tasks", competitors, rows, False, "task_milliseconds", 0.6)


def sets() -> list[Set]:
    """All of them, in the order of the table."""
    return [
        through_api("chain", 300, 0.25, quick=True),
        through_api("fan", 300, 0.35),
        through_api("chain", 300, 0.15, late=LATE),
        short_run(10),
        watched(10),
        long_run(3000, 300),
    ]
