"""What is compared with what, and the goals: the table of the benchmarks as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Mapping

from benchmarks import projects
from benchmarks.measure import Group, Probe, middle

OURS = "kedro-prefect-hooks"
PURE = "pure Prefect"
SCRIPT = "pasted script"
SEQUENTIAL = "SequentialRunner"
PARALLEL = "ParallelRunner"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: what is measured.
        against: what it is compared with.
        goal: the highest acceptable value.
        value: computes the value from the figures of the group.
        unit: `x` for a ratio, `s`, or what is counted.
    """

    what: str
    against: str
    goal: float
    value: Callable[[Group], float]
    unit: str = "x"


@dataclass(frozen=True)
class Set:
    """Competitors that are measured in turn, and the rows computed from them.

    Attributes:
        title: for the plot and for `--only`.
        competitors: creates projects in a folder, and returns name → probe.
        rows: rows of the table.
        quick: whether `--quick` includes it.
        figure: the figure shown in the plot.
        repetitions: a factor for the number of repetitions.
    """

    title: str
    competitors: Callable[[Path], Mapping[str, Probe]]
    rows: List[Row]
    quick: bool = True
    figure: str = "seconds"
    repetitions: float = 1.0


def ratio(other: str, figure: str = "seconds", ours: str = OURS) -> Callable[[Group], float]:
    """Return our median divided by the median of `other`."""
    return lambda group: middle(group, ours, figure) / middle(group, other, figure)


def absolute(figure: str = "seconds", ours: str = OURS) -> Callable[[Group], float]:
    """Return our median."""
    return lambda group: middle(group, ours, figure)


def _path(project: Any) -> dict[str, Any]:
    return {"path": str(project.path)}


def serialising(nodes: int, goal: float, pure: bool) -> Set:
    """Building and serialising a chain."""

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.shape(folder / f"chain_{nodes}", "chain", nodes))
        found = {OURS: Probe("serialise_ours", {"nodes": nodes, **path})}
        if pure:
            found[PURE] = Probe("serialise_prefect", {"nodes": nodes}, runs=1)
        return found

    against = "pure Prefect, the same shape" if pure else "linear growth from 2,000"
    row = Row(f"build + serialise a chain of {nodes:,} nodes", against, goal, absolute(), "s")
    return Set(f"serialise {nodes}", competitors, [row], quick=not pure)


def running(kind: str, nodes: int, goal: float, quick: bool) -> Set:
    """`flow.run` of trivial nodes."""

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.shape(folder / f"{kind}_{nodes}", kind, nodes))
        return {
            OURS: Probe("run_ours", path),
            PURE: Probe("run_prefect", {"kind": kind, "nodes": nodes}),
            SCRIPT: Probe("run_script", path),
            SEQUENTIAL: Probe("run_kedro", {**path, "runner": SEQUENTIAL}),
        }

    what = f"`flow.run`, LocalExecutor, {kind} of {nodes}"
    rows = [
        Row(what, "pure Prefect tasks of the same shape", goal, ratio(PURE)),
        Row(what, "the pasted script", 0.75, ratio(SCRIPT)),
    ]
    return Set(f"run {kind} {nodes}", competitors, rows, quick)


def profile(nodes: int) -> Set:
    """Where the time is spent."""

    def competitors(folder: Path) -> dict[str, Probe]:
        return {OURS: Probe("profile_ours", _path(projects.shape(folder / "profile", "chain", nodes)), 1)}

    return Set(f"profile of {nodes}, % of the time", competitors, [])


def grouped(group_by: str, nodes: int) -> Set:
    """A flow whose nodes share tasks."""

    def competitors(folder: Path) -> dict[str, Probe]:
        make = projects.namespaces if group_by == "namespace" else _chain
        path = _path(make(folder / f"grouped_{group_by}", nodes, {"group_by": group_by}))
        return {
            OURS: Probe("run_ours", path),
            SEQUENTIAL: Probe("run_kedro", {**path, "runner": SEQUENTIAL}),
        }

    def over(group: Group) -> float:
        return middle(group, OURS) - 1.5 * middle(group, SEQUENTIAL)

    what = f"{nodes} nodes with `group_by: {group_by}`"
    rows = [Row(what, "excess over 1.5 x SequentialRunner", 0.3, over, "s")]
    return Set(f"group by {group_by}", competitors, rows)


def _chain(path: Path, nodes: int, settings: Mapping[str, Any]) -> Any:
    return projects.shape(path, "chain", nodes, settings)


def memory(count: int, megabytes: int) -> Set:
    """Peak memory of a chain of frames."""
    threads = {"executor": {"type": "LocalDaskExecutor", "scheduler": "threads"}}
    in_threads = f"{OURS}, threads"

    def competitors(folder: Path) -> dict[str, Probe]:
        local = _path(projects.frames(folder / "frames", count, megabytes))
        dask = _path(projects.frames(folder / "frames_threads", count, megabytes, threads))
        return {
            OURS: Probe("run_ours", local),
            in_threads: Probe("run_ours", dask),
            SCRIPT: Probe("run_script", local, runs=3),
            SEQUENTIAL: Probe("run_kedro", {**local, "runner": SEQUENTIAL}),
        }

    what = f"peak memory, chain of {count} frames of {megabytes} MB"
    rows = [
        Row(f"{what}, LocalExecutor", SEQUENTIAL, 1.15, ratio(SEQUENTIAL, "megabytes")),
        Row(f"{what}, threads", SEQUENTIAL, 1.15, ratio(SEQUENTIAL, "megabytes", in_threads)),
    ]
    return Set("memory", competitors, rows, quick=False, figure="megabytes", repetitions=0.6)


def dask_cpu(nodes: int, seconds: float) -> Set:
    """CPU-bound nodes on two processes."""
    cluster = {"type": "DaskExecutor", "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1}}
    cold = f"{OURS}, cluster's start counted"

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.cpu_bound(folder / "cpu", nodes, seconds, {"executor": cluster}))
        warm = projects.cpu_bound(folder / "cpu_warm", 4, 0.01)
        return {
            OURS: Probe("dask_cpu", {**path, "warm": str(warm.path)}),
            cold: Probe("dask_cold", path, runs=3),
            PARALLEL: Probe("run_kedro", {**path, "runner": PARALLEL}),
            SEQUENTIAL: Probe("run_kedro", {**path, "runner": SEQUENTIAL}),
        }

    what = f"{nodes} CPU-bound nodes of {seconds} s, Dask with two processes"
    rows = [
        Row(what, "ParallelRunner", 1.08, ratio(PARALLEL)),
        Row(what, "SequentialRunner", 0.60, ratio(SEQUENTIAL)),
    ]
    return Set("Dask, CPU-bound", competitors, rows, quick=False)


def dask_profile(nodes: int, seconds: float) -> Set:
    """What the two Dask workers do while the CPU-bound nodes run."""

    def competitors(folder: Path) -> dict[str, Probe]:
        slow = projects.cpu_bound(folder / "profiled", nodes, seconds)
        warm = projects.cpu_bound(folder / "profiled_warm", 4, 0.0)
        return {OURS: Probe("profile_dask", {**_path(slow), "warm": str(warm.path)}, 1)}

    title = f"profile of Dask's two workers, {nodes} CPU-bound nodes of {seconds} s, % of the time"
    return Set(title, competitors, [], quick=False)


def dask_move(megabytes: int) -> Set:
    """Moving a data frame from one worker to another."""
    alone = "Dask alone"

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.transfer(folder / "transfer", megabytes))
        return {OURS: Probe("dask_move", {**path, "megabytes": megabytes, "repeats": 7}, runs=5)}

    row = Row(f"a {megabytes} MB frame between two Dask workers", "Dask alone moving it", 1.3, ratio(alone))
    return Set("Dask, a frame moves", competitors, [row], quick=False)


def dask_fixed(nodes: int) -> Set:
    """The fixed cost of the Dask rows: nodes that do almost nothing, and a small frame."""

    def competitors(folder: Path) -> dict[str, Probe]:
        empty = projects.cpu_bound(folder / "empty", nodes, 0.0)
        warm = projects.cpu_bound(folder / "empty_warm", 4, 0.0)
        small = projects.transfer(folder / "small", 1)
        return {
            f"{nodes} empty nodes": Probe("dask_cpu", {**_path(empty), "warm": str(warm.path)}),
            f"{nodes} empty nodes, ParallelRunner": Probe("run_kedro", {**_path(empty), "runner": PARALLEL}),
            "a 1 MB frame": Probe("dask_move", {**_path(small), "megabytes": 1, "repeats": 7}),
        }

    return Set("Dask, the fixed part", competitors, [], quick=False, repetitions=0.6)


def registering(nodes: int) -> Set:
    """The first registration of a long flow."""

    def competitors(folder: Path) -> dict[str, Probe]:
        return {
            OURS: Probe("register_ours", _path(projects.shape(folder / f"reg_{nodes}", "chain", nodes))),
            "flow.register": Probe("register_prefect", {"nodes": nodes}, runs=3),
        }

    row = Row(f"registering a flow of {nodes:,} nodes, embedded API", "`flow.register`", 1.5, absolute(), "s")
    return Set(f"register {nodes}", competitors, [row], quick=False)


def registering_again(flows: int, nodes: int) -> Set:
    """Registering all flows of a project again, unchanged."""

    def competitors(folder: Path) -> dict[str, Probe]:
        many = projects.many_flows(folder / "many", flows, nodes)
        few = projects.many_flows(folder / "few", 10, nodes)
        return {
            OURS: Probe("register_again", {**_path(many), "flows": flows}),
            "10 flows": Probe("register_again", {**_path(few), "flows": 10}),
        }

    def grown(group: Group) -> float:
        return middle(group, OURS, "changed_requests") - middle(group, "10 flows", "changed_requests")

    what = f"re-registering {flows} unchanged flows of {nodes} nodes"
    rows = [
        Row(what, "", 1, absolute("unchanged_requests"), "queries"),
        Row(f"{what}, after Kedro's own start", "", 0.5, absolute(), "s"),
        Row(f"requests for one changed of {flows} flows", "one changed of 10", 0, grown, "more"),
    ]
    return Set("register again", competitors, rows)


def scheduled(flows: int, goals: Mapping[str, float], quick: bool) -> Set:
    """Many scheduled flows: whole commands, and the scheduler."""

    def competitors(folder: Path) -> dict[str, Probe]:
        path = _path(projects.scheduled_flows(folder / f"scheduled_{flows}", flows, 10))
        return {OURS: Probe("scheduled_flows", {**path, "flows": flows})}

    what = f"{flows:,} flows of 10 nodes, all scheduled"
    named = {
        "new": f"{what}: `kedro prefect register`, all new",
        "plan": f"{what}: `kedro prefect plan`, nothing changed",
        "unchanged": f"{what}: `kedro prefect register`, nothing changed",
        "pass": f"{what}: one pass of the scheduler",
        "due_pass": f"{what}: the same when each flow needs a run",
    }
    rows = [Row(text, "", goals[name], absolute(f"{name}_seconds"), "s") for name, text in named.items()]
    return Set(f"{flows} scheduled flows", competitors, rows, quick, "new_seconds", 0.6)


def page(flows: int, runs: int) -> Set:
    """What a refresh of the page transfers."""

    def competitors(_: Path) -> dict[str, Probe]:
        return {OURS: Probe("page_polls", {"flows": flows, "runs": runs}, 1)}

    what = f"page, list of {flows} flows: a poll"
    rows = [
        Row(f"{what} after a run has started", "", 15, absolute("changed_kilobytes"), "KB"),
        Row(f"{what} when nothing has changed", "", 0, absolute("unchanged_kilobytes"), "KB"),
    ]
    return Set("page", competitors, rows, figure="changed_kilobytes")


def hook() -> Set:
    """`kedro run` that registers nothing."""
    without = "without the hook"

    def competitors(folder: Path) -> dict[str, Probe]:
        return {
            OURS: Probe("kedro_run", _path(projects.plain(folder / "with_hook", True))),
            without: Probe("kedro_run", _path(projects.plain(folder / "without_hook", False))),
        }

    row = Row("`kedro run` with the hook, not registering", without, 1.02, ratio(without))
    return Set("hook", competitors, [row], repetitions=3)
