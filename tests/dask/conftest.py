"""A Dask cluster as on several machines: a scheduler and workers that the `dask` command starts.

Workers can import only installed packages: their working directory is empty, and the project is not on their
import path. (PYTHONPATH makes this plugin look installed.)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from tests import processes
from tests.scenarios.project_factory import clean_environment


@dataclass
class Cluster:
    """The scheduler's and the workers' processes, and the scheduler's address."""

    folder: Path
    home: Path
    processes: List[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: Dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The file to which the scheduler writes its address."""
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def start(self, command: str, *options: str, **env: str) -> subprocess.Popen[bytes]:
        """Start `dask COMMAND OPTIONS`, with `env` added to its environment."""
        folder = self.folder / f"process_{len(self.processes)}"
        folder.mkdir()
        with (folder / "log.txt").open("wb") as log:
            process = processes.start(
                [sys.executable, "-m", "dask", command, "--scheduler-file", str(self.file), *options],
                cwd=folder,
                env=clean_environment(self.home, **env),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def start_scheduler(self) -> None:
        """Start the scheduler, and wait until it is reachable."""
        process = self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        end = time.monotonic() + 60
        while not self.file.exists() or not self.file.read_text():
            assert process.poll() is None, self.logs()
            assert time.monotonic() < end, self.logs()
            time.sleep(0.1)

    def start_worker(self, name: str, resources: Optional[str] = None, **env: str) -> None:
        """Start a worker with one thread, and without a nanny that would restart it."""
        options = ["--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        if resources:
            options += ["--resources", resources]
        self.workers[name] = self.start("worker", *options, **env)

    def wait_for_workers(self) -> None:
        """Wait until all workers have connected."""
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout="60s") as client:
            client.wait_for_workers(len(self.workers), timeout=90)

    def pids(self) -> Dict[int, str]:
        """The names of the workers by process id."""
        return {process.pid: name for name, process in self.workers.items()}

    def kill(self, pid: int) -> str:
        """Kill the worker with this process id, as if its machine had failed; return its name."""
        name = self.pids()[pid]
        os.kill(pid, signal.SIGKILL)
        self.workers.pop(name).wait(20)
        return name

    def logs(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.folder.glob("process_*/log.txt")))

    def stop(self) -> None:
        """Stop all processes, the workers first."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            processes.stop(process)


@pytest.fixture
def cluster(tmp_path: Path, home: Path) -> Iterator[Callable[..., Cluster]]:
    """`cluster(a=None, b="GPU=1")`: starts a scheduler, and workers with these names and resources."""
    clusters: List[Cluster] = []

    def make(**workers: Optional[str]) -> Cluster:
        folder = tmp_path / f"cluster_{len(clusters)}"
        folder.mkdir()
        cluster = Cluster(folder, home)
        clusters.append(cluster)
        cluster.start_scheduler()
        for name, resources in workers.items():
            cluster.start_worker(name, resources)
        if workers:
            cluster.wait_for_workers()
        return cluster

    yield make
    for started in clusters:
        started.stop()


@pytest.fixture
def run_flow(kedro: Callable[..., Any]) -> Callable[..., Any]:
    """`run_flow(project, "name")` runs `kedro prefect run NAME --local`, with all log lines."""

    def run(project: Any, name: str = "flow", ok: bool = True) -> Any:
        return kedro(project, "prefect", "run", name, "--local", "--verbose", ok=ok)

    return run
