"""The measurements, one process each: `python -m benchmarks.probe NAME JSON` prints one line of JSON.

A probe first does everything that is not measured, then starts the clock. Seconds are wall-clock time. Memory
is the peak resident set size of the process (VmHWM), as reported by the kernel.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from statistics import median
from typing import Any, Callable, Iterator

Result = dict  # what a probe returns: name of a figure → value
PROBES: dict[str, Callable[..., Any]] = {}


def probe(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a function under its name, for the command line."""
    PROBES[function.__name__] = function
    return function


@contextlib.contextmanager
def stopwatch() -> Iterator[Any]:
    """Yield a dictionary that contains the seconds (wall-clock and CPU) after the block."""
    took: dict[str, float] = {}
    begin, own = time.perf_counter(), time.process_time()
    yield took
    took["seconds"] = time.perf_counter() - begin
    took["cpu_seconds"] = time.process_time() - own  # of this process only


def _flows(path: str) -> Any:
    """Return the project's flows, built as for a registration or a flow run."""
    from kedro_prefect_hooks import env_vars
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows
    from kedro_prefect_hooks.runs.session import open_project
    from kedro_prefect_hooks.runs.spec import ProjectRef

    _imports()
    os.chdir(path)
    os.environ[env_vars.IN_FLOW_RUN] = "bench"  # so that sessions do not register flows
    ref = ProjectRef(path=path)
    _, context = open_project(ref)
    flows = ProjectFlows(context)
    return flows


def _imports() -> None:
    """Import what every run on data needs, so that it is not measured."""
    for module in ("pandas", "dask", "prefect", "kedro.framework.session", "kedro.runner"):
        importlib.import_module(module)


def _done(state: Any) -> None:
    assert state.is_successful(), state


# --- flows -----------------------------------------------------------------------------------------


@probe
def serialise_ours(nodes: int, path: str) -> Any:
    """Build a flow from an existing pipeline, and serialise it for the API."""
    from kedro_prefect_hooks.registration.serialized import serialized

    flows = _flows(path)
    assert len(flows.pipelines["__default__"].nodes) == nodes
    with stopwatch() as took:
        parts = serialized(flows.build("bench"))
    assert len(parts["tasks"]) == nodes
    return took


@probe
def serialise_prefect(nodes: int) -> Any:
    """Do the same with Prefect only."""
    import prefect

    with stopwatch() as took:
        parts = _prefect_flow("chain", nodes).serialize()
    assert len(parts["tasks"]) == nodes, prefect
    return took


def _prefect_flow(kind: str, nodes: int) -> Any:
    from prefect import Flow, task

    @task
    def start() -> int:
        return 1

    @task
    def step(value: int) -> int:
        return value + 1

    @task
    def total(values: Any) -> int:
        return sum(values)

    flow = Flow("pure")
    value = start.copy(name="node_0")
    flow.add_task(value)
    if kind == "chain":
        for i in range(1, nodes):
            after = step.copy(name=f"node_{i}")
            flow.add_edge(value, after, key="value")
            value = after
        return flow
    last = total.copy(name="total")
    steps = []
    for i in range(nodes - 2):
        steps.append(step.copy(name=f"step_{i}"))
        flow.add_edge(value, steps[-1], key="value")
    with flow:
        last.bind(values=steps, flow=flow)
    return flow


@probe
def run_ours(path: str) -> Any:
    """Measure `flow.run`: Kedro session, catalog, hooks and all nodes."""
    flow = _flows(path).build("bench")
    with stopwatch() as took:
        state = flow.run()
    _done(state)
    return {**took, **_peak()}


@probe
def profile_ours(path: str) -> Any:
    """Return whose code takes the time of `flow.run`, as percentages of the profiled time."""
    import cProfile
    import pstats

    flow = _flows(path).build("bench")
    profile = cProfile.Profile()
    _done(profile.runcall(flow.run))
    statistics: Any = pstats.Stats(profile)
    shares: dict[str, float] = {}
    known: dict[Any, dict[str, float]] = {}
    for function, (_, _, own, *_) in statistics.stats.items():
        for owner, part in _owners(function, statistics.stats, known, depth=10).items():
            shares[owner] = shares.get(owner, 0) + own * part
    total = sum(shares.values())
    return {owner: round(100 * own / total, 1) for owner, own in shares.items()}


OWNERS = {
    "/kedro_prefect_hooks/": "kedro-prefect-hooks",
    "/prefect/": "Prefect",
    "/kedro/": "Kedro",
    "/pluggy/": "Kedro's hooks (pluggy)",
    "/logging/": "log lines",
    "/src/project_": "the nodes",
}


def _owners(function: Any, statistics: Any, known: Any, depth: int) -> dict[str, float]:
    """Attribute a function's own time to an owner; for the standard library, to its callers in proportion."""
    for part, owner in OWNERS.items():
        if part in function[0]:
            return {owner: 1.0}
    if (function, depth) in known:
        return dict(known[function, depth])
    callers = statistics[function][4] if function in statistics else {}
    times = {caller: figures[2] for caller, figures in callers.items()}
    total = sum(times.values())
    found: dict[str, float] = {} if depth and total else {"all else": 1.0}
    for caller, time_ in times.items() if not found else ():
        for owner, share in _owners(caller, statistics, known, depth - 1).items():
            found[owner] = found.get(owner, 0) + share * time_ / total
    known[function, depth] = found
    return found


@probe
def run_prefect(kind: str, nodes: int) -> Any:
    """Measure `flow.run` of plain Prefect tasks that do the same as the nodes, without Kedro."""
    _imports()
    flow = _prefect_flow(kind, nodes)
    with stopwatch() as took:
        state = flow.run()
    _done(state)
    return took


@probe
def run_script(path: str) -> Any:
    """Measure `flow.run` of the flow of the pasted script."""
    from benchmarks.script import script_flow

    flow = script_flow(path, _flows(path).pipelines["__default__"])
    with stopwatch() as took:
        state = flow.run()
    _done(state)
    return {**took, **_peak()}


@probe
def run_kedro(path: str, runner: str, workers: int = 2) -> Any:
    """Measure `KedroSession.run`, including the creation of the session, as in our `flow.run`."""
    from kedro.framework.session import KedroSession
    from kedro.runner import ParallelRunner, SequentialRunner

    _flows(path)
    made = SequentialRunner() if runner == "SequentialRunner" else ParallelRunner(max_workers=workers)
    with stopwatch() as took, KedroSession.create(project_path=path, save_on_close=False) as session:
        session.run(runner=made)
    return {**took, **_peak()}


def _peak() -> Any:
    return {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


# --- Dask ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _cluster(resources: bool = False) -> Iterator[str]:
    """Run a scheduler and two worker processes with one thread each, as a flow's executor would."""
    from distributed import LocalCluster, SpecCluster
    from distributed.nanny import Nanny
    from distributed.scheduler import Scheduler
    from prefect.executors import DaskExecutor

    from kedro_prefect_hooks.flows.dask_cluster import balanced_often

    if not resources:
        with balanced_often(DaskExecutor()), LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster:
            yield cluster.scheduler_address
        return
    workers = {
        name: {"cls": Nanny, "options": {"nthreads": 1, "resources": {name: 1}}} for name in ("A", "B")
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}}
    with SpecCluster(workers=workers, scheduler=scheduler) as cluster:
        yield cluster.scheduler_address


@probe
def dask_cpu(path: str, warm: str) -> Any:
    """Measure CPU-bound nodes on two running workers that have run the flow of another project before.

    The workers have therefore imported everything, as have the processes that ParallelRunner forks. The time
    to open the Kedro session on each worker is included. `start_seconds` is the time to start the cluster.
    """
    from prefect.executors import DaskExecutor

    flow = _flows(path).build("bench")
    begin = time.perf_counter()
    with _cluster() as address:
        up = time.perf_counter() - begin
        _done(_flows(warm).build("bench").run(executor=DaskExecutor(address=address)))
        flow = _flows(path).build("bench")
        with stopwatch() as took:
            state = flow.run(executor=DaskExecutor(address=address))
        _done(state)
    return {**took, "start_seconds": up}


@probe
def profile_dask(path: str, warm: str) -> Any:
    """Return what the workers do during the flow run of `dask_cpu`, in percent, as recorded by Dask.

    The first task on each worker opens the Kedro session, so it takes longer than the median of the others.
    """
    from distributed import Client, get_task_stream
    from prefect.executors import DaskExecutor

    with _cluster() as address, Client(address) as client:
        _done(_flows(warm).build("bench").run(executor=DaskExecutor(address=address)))
        flow = _flows(path).build("bench")
        begin = time.time()
        with get_task_stream(client) as stream:
            state = flow.run(executor=DaskExecutor(address=address))
        end = time.time()
        _done(state)
    return _shares(stream.data, begin, end)


def _shares(tasks: list[Any], begin: float, end: float) -> dict[str, float]:
    workers: dict[str, list[Any]] = {}
    for task in tasks:
        workers.setdefault(task["worker"], []).extend(task["startstops"])
    seconds = dict.fromkeys(
        ("before the first task", "tasks", "moving data", "between tasks", "after the last"), 0.0
    )
    first = 0.0
    for spans in workers.values():
        computed = sorted((s["start"], s["stop"]) for s in spans if s["action"] == "compute")
        moved = sum(s["stop"] - s["start"] for s in spans if s["action"] != "compute")
        busy = sum(stop - start for start, stop in computed)
        usual = sorted(stop - start for start, stop in computed)[len(computed) // 2]
        first += max(0.0, computed[0][1] - computed[0][0] - usual)
        seconds["before the first task"] += computed[0][0] - begin
        seconds["tasks"] += busy
        seconds["moving data"] += moved
        seconds["between tasks"] += max(0.0, computed[-1][1] - computed[0][0] - busy - moved)
        seconds["after the last"] += end - computed[-1][1]
    seconds["tasks"] -= first
    seconds["tasks: opening the session"] = first
    total = (end - begin) * len(workers)
    return {name: round(100 * value / total, 1) for name, value in seconds.items()}


@probe
def dask_cold(path: str) -> Any:
    """Measure the same with the executor's own local cluster, including its start."""
    flow = _flows(path).build("bench")
    with stopwatch() as took:
        state = flow.run()
    _done(state)
    return took


@probe
def dask_move(path: str, megabytes: int, repeats: int) -> Any:
    """Measure a data frame created on one worker and used on the other, by nodes and by Dask's own `submit`.

    Both run in turn on one cluster and include the connection of a client. Ours includes the Kedro session.
    """
    from distributed import Client
    from prefect.executors import DaskExecutor

    flow = _flows(path).build("bench")
    ours, alone = [], []
    with _cluster(resources=True) as address:
        for _ in range(repeats + 1):  # the first repetition warms up the workers
            with stopwatch() as took:
                state = flow.run(executor=DaskExecutor(address=address))
            _done(state)
            ours.append(took["seconds"])
            with stopwatch() as took, Client(address, set_as_default=False) as client:
                frame = client.submit(_make_frame, megabytes, pure=False, resources={"A": 1})
                rows = client.submit(len, frame, pure=False, resources={"B": 1})
                assert rows.result() == megabytes * 1000 * 1000 // 80
            alone.append(took["seconds"])
            del frame, rows
    return {"seconds": median(ours[1:]), "Dask alone|seconds": median(alone[1:])}


def _make_frame(megabytes: int) -> Any:
    import numpy as np
    import pandas as pd

    return pd.DataFrame(np.ones((megabytes * 1000 * 1000 // 80, 10)))


# --- registration ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _embedded_api(counted: bool = False) -> Iterator[Any]:
    """Run an empty embedded API in a separate process; yield its URL, and its requests if `counted`."""
    from tests.registration.proxy import Proxy

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "kedro_prefect_hooks.embedded", "--port", "0"]
        command += ["--database", f"{folder}/api.sqlite"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            if not counted:
                yield url, []
                return
            proxy = Proxy(url)
            with proxy:
                yield proxy.url, proxy.requests
        finally:
            process.terminate()
            process.wait(20)


def _use(flows: Any, url: str) -> Any:
    flows.config = flows.config.model_copy(update={"api": url})
    return flows


def _discard(_: str) -> None:
    """Ignore the lines that a registration prints."""


@probe
def register_ours(path: str) -> Any:
    """Build one flow and register it with an empty embedded API in another process."""
    from kedro_prefect_hooks.registration import register_project

    with _embedded_api() as (url, _):
        flows = _use(_flows(path), url)
        with stopwatch() as took:
            register_project(flows, echo=_discard)
    return took


@probe
def register_prefect(nodes: int) -> Any:
    """Do the same with Prefect's `flow.register`."""
    import prefect

    with _embedded_api() as (url, _), prefect.utilities.configuration.set_temporary_config(
        {"backend": "server", "cloud.api": url, "cloud.graphql": f"{url}/graphql"}
    ):
        client = prefect.Client(api_server=url)
        client.create_project("bench")
        with stopwatch() as took:
            flow = _prefect_flow("chain", nodes)
            flow.storage = prefect.storage.Module("benchmarks.probes")
            flow.register("bench", no_url=True)
    return took


@probe
def register_again(path: str, flows: int) -> Any:
    """Register all flows of a project again: measure the time if none has changed, and count the requests."""
    from kedro_prefect_hooks.registration import register_project

    with _embedded_api() as (url, _):
        project = _use(_flows(path), url)
        register_project(project, echo=_discard)
        again = _use(_flows(path), url)
        with stopwatch() as took:
            summary = register_project(again, echo=_discard)
    assert len(summary.lines) == flows, summary
    with _embedded_api(counted=True) as (url, requests):
        project = _use(_flows(path), url)
        register_project(project, echo=_discard)
        first = len(requests)
        register_project(_use(_flows(path), url), echo=_discard)
        unchanged = len(requests) - first
        changed = _use(_flows(path), url)
        name = next(iter(changed.config.flows))
        described = changed.config.flows[name].model_copy(update={"labels": ["changed"]})
        changed.config = changed.config.model_copy(
            update={"flows": {**changed.config.flows, name: described}}
        )
        register_project(changed, echo=_discard)
    return {
        **took,
        "first_requests": first,
        "unchanged_requests": unchanged,
        "changed_requests": len(requests) - first - unchanged,
    }


@probe
def scheduled_flows(path: str, flows: int) -> Any:
    """Register the scheduled flows of a project with its embedded API, with whole commands and no server."""
    from pathlib import Path

    from kedro_prefect_hooks.embedded.location import database_path
    from kedro_prefect_hooks.embedded.services import scheduler
    from kedro_prefect_hooks.embedded.settings import Settings
    from kedro_prefect_hooks.embedded.storage import values
    from kedro_prefect_hooks.embedded.storage.database import Database

    database = database_path(Path(path))
    shutil.rmtree(database.parent, ignore_errors=True)
    figures = {}
    for figure, command, code in (("new", "register", 0), ("plan", "plan", 0), ("unchanged", "register", 0)):
        with children() as took:
            _prefect(path, command, code)
        figures.update({f"{figure}_{name}": value for name, value in took.items()})
    _imports()  # the scheduler of a server that is running has them
    importlib.import_module("kedro_prefect_hooks.compat.prefect_schemas")
    for figure, hours, least, most in (("pass", 0, 0, flows // 10), ("due_pass", 24, flows, 2 * flows)):
        shift = hours * 3600 * values.SECOND
        opened = Database(database, Settings(clock=lambda shift=shift: values.now() + shift))
        with stopwatch() as took:
            made = scheduler.run(opened)
        opened.close()
        assert least <= made <= most, made  # some become due meanwhile
        figures.update({f"{figure}_{name}": value for name, value in took.items()})
    return figures


def _prefect(path: str, command: str, code: int) -> None:
    """Run a `kedro prefect` command in the project, which must end with this exit code."""
    arguments = [sys.executable, "-m", "kedro", "prefect", command]
    done = subprocess.run(arguments, cwd=path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]


@contextlib.contextmanager
def children() -> Iterator[Any]:
    """Like `stopwatch`, with the CPU time of the processes that the block waits for."""
    took: dict[str, float] = {}
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    yield took
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took["seconds"] = time.perf_counter() - begin
    took["cpu_seconds"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@probe
def page_polls(flows: int, runs: int) -> Any:
    """Count the kilobytes of the responses to the page's list of flows, when it opens and later."""
    from kedro_prefect_hooks.embedded.server import EmbeddedServer
    from tests.embedded.conftest import Caller, Seed
    from tests.page.follower import Follower, flows_query

    clock = {"type": "CronClock", "cron": "0 6 * * *", "start_date": None, "end_date": None}
    schedule = {"type": "Schedule", "clocks": [clock]}
    with EmbeddedServer(None, services=False) as server:
        seed = Seed(Caller(server.url))
        project = seed.project("bench")
        flow_ids = [seed.flow(project, f"flow {i}", schedule=schedule) for i in range(flows)]
        for flow_id in flow_ids:
            for _ in range(runs):
                seed.flow_state(seed.run(flow_id), "Success")
        follower = Follower(server.url, flows_query())
        sizes = {"first": follower.ask(), "unchanged": follower.ask()}
        seed.flow_state(seed.run(flow_ids[0]), "Running")
        sizes["changed"] = follower.ask()
    return {f"{name}_kilobytes": follower.size(response) / 1000 for name, response in sizes.items()}


@probe
def kedro_run(path: str) -> Any:
    """Measure a complete `kedro run`, from the start of the command to its exit."""
    command = [sys.executable, "-m", "kedro", "run"]
    with stopwatch() as took:
        subprocess.run(command, cwd=path, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return took


def main(name: str, arguments: str) -> None:
    """Run one probe; write its logs to stderr, and its figures to stdout, as the last line."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Prefect and Kedro log to stdout
    figures = PROBES[name](**json.loads(arguments))
    print(json.dumps(figures), file=out, flush=True)
