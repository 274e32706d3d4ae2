"""A Dask cluster as on several machines: a scheduler and workers started with the `dask` command line.

Workers know the installed packages only: their working directory is empty, and nothing of the project is on
their path. (The plugin stands for an installed one, by PYTHONPATH.)
"""

from __future__ import annotations

import contextlib
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

from tests.scenarios.project_factory import clean_environment


@dataclass
class Cluster:
    """The processes, and where the scheduler listens."""

    folder: Path
    home: Path
    processes: List[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: Dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """Where the scheduler writes down where it listens."""
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def start(self, command: str, *options: str, **env: str) -> subprocess.Popen[bytes]:
        """`dask COMMAND OPTIONS` in a process of its own, with `env` in its environment."""
        folder = self.folder / f"process_{len(self.processes)}"
        folder.mkdir()
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", command, "--scheduler-file", str(self.file), *options],
                cwd=folder,
                env=clean_environment(self.home, **env),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def start_scheduler(self) -> None:
        """Start it, and wait until it can be reached."""
        process = self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        end = time.monotonic() + 60
        while not self.file.exists() or not self.file.read_text():
            assert process.poll() is None, self.logs()
            assert time.monotonic() < end, self.logs()
            time.sleep(0.1)

    def start_worker(self, name: str, resources: Optional[str] = None, **env: str) -> None:
        """One worker with one thread, and no nanny that would start it again."""
        options = ["--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        if resources:
            options += ["--resources", resources]
        self.workers[name] = self.start("worker", *options, **env)

    def wait_for_workers(self) -> None:
        """Until all that were started are there."""
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout="60s") as client:
            client.wait_for_workers(len(self.workers), timeout=90)

    def pids(self) -> Dict[int, str]:
        """Process id → the worker's name."""
        return {process.pid: name for name, process in self.workers.items()}

    def kill(self, pid: int) -> str:
        """Kill the worker with this process id as a machine's failure would; its name."""
        name = self.pids()[pid]
        os.kill(pid, signal.SIGKILL)
        self.workers.pop(name).wait(20)
        return name

    def logs(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.folder.glob("process_*/log.txt")))

    def stop(self) -> None:
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def cluster(tmp_path: Path, home: Path) -> Iterator[Callable[..., Cluster]]:
    """`cluster(a=None, b="GPU=1")`: starts a scheduler and workers of these names and resources."""
    made: List[Cluster] = []

    def make(**workers: Optional[str]) -> Cluster:
        folder = tmp_path / f"cluster_{len(made)}"
        folder.mkdir()
        found = Cluster(folder, home)
        made.append(found)
        found.start_scheduler()
        for name, resources in workers.items():
            found.start_worker(name, resources)
        if workers:
            found.wait_for_workers()
        return found

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def run_flow(kedro: Callable[..., Any]) -> Callable[..., Any]:
    """`run_flow(project, "name")`: `kedro prefect run NAME --local`, with all log lines."""

    def run(project: Any, name: str = "flow", ok: bool = True) -> Any:
        return kedro(project, "prefect", "run", name, "--local", "--verbose", ok=ok)

    return run
