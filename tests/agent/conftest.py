"""An embedded API, our agent in a process of its own, and flow runs in theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import prefect
import psutil
import pytest
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.web import wake_up
from tests import processes
from tests.embedded.agents import wait_for
from tests.embedded.conftest import Caller

IMPORTABLE = Path(__file__).with_name("importable")
ROOT = Path(__file__).parents[2]

LOOK = """query($id: uuid!) { flow_run_by_pk(id: $id) {
    name state state_message
    states(order_by: {version: asc}) { state timestamp }
    task_runs { id state state_message task { name } states(order_by: {version: asc}) { state timestamp } }
    logs(order_by: {timestamp: asc}) { message name level }
} }"""


class World:
    """An API, its agents, and the flow runs that they start.

    Args:
        folder: for the database, the output of the agents, and the marks of the flow runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marks = folder / "marks"
        self.marks.mkdir()
        self.server: Optional[EmbeddedServer] = None
        self.url = ""
        self._port = 0
        self._agents: List[subprocess.Popen[Any]] = []
        self._flow_ids: Dict[str, str] = {}

    def start_api(self) -> None:
        """Start the API, on the same port as before."""
        database = self.folder / "api.sqlite"
        self.server = EmbeddedServer(database, port=self._port, settings=Settings(submitted_lock=0)).start()
        self.url = self.server.url
        self._port = int(self.url.rpartition(":")[2])

    def stop_api(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def start_agent(self, *options: str) -> subprocess.Popen[Any]:
        """Start our agent, and wait until it is about to look for flow runs."""
        environment = {
            **os.environ,
            "EXAMPLE_MARKS": str(self.marks),
            "PYTHONPATH": os.pathsep.join([str(IMPORTABLE), str(ROOT)]),
        }
        command = [sys.executable, "-m", "tests.agent.agent_process", self.url, str(self.folder / "logs")]
        with (self.folder / "agent.txt").open("ab") as output:
            agent = processes.start(
                [*command, *options], env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        before = len(self._agents)
        self._agents.append(agent)
        wait_for(lambda: self.output.count("Ready.") > before or agent.poll() is not None)
        assert agent.poll() is None, self.output
        return agent

    @property
    def output(self) -> str:
        """What the agents have printed."""
        file = self.folder / "agent.txt"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @property
    def api(self) -> Caller:
        return Caller(self.url)

    def run(self, flow: Any, **parameters: Any) -> str:
        """Create a flow run; returns its id."""
        with set_temporary_config({"backend": "server", "cloud.api": self.url}):
            client = prefect.Client()
            if flow.name not in self._flow_ids:
                client.create_project("tests")
                self._flow_ids[flow.name] = flow.register("tests", no_url=True)
            return str(client.create_flow_run(flow_id=self._flow_ids[flow.name], parameters=parameters))

    def look(self, run_id: str) -> Dict[str, Any]:
        """A flow run with its task runs, states and logs."""
        found: Dict[str, Any] = self.api.data(LOOK, {"id": run_id})["flow_run_by_pk"]
        return found

    def in_state(self, run_id: str, state: str) -> Dict[str, Any]:
        """Wait until a flow run has a state; returns it."""

        def reached() -> Any:
            found = self.look(run_id)
            assert found["state"] == state or found["state"] not in ("Success", "Failed", "Cancelled"), (
                found,
                self.output,
            )
            return found if found["state"] == state else None

        return dict(wait_for(reached))

    def set_state(self, run_id: str, kind: str) -> None:
        state = {"type": kind, "message": f"now {kind}"}
        self.api.do(
            "set_flow_run_states", {"states": [{"flow_run_id": run_id, "state": state}]}, "states { status }"
        )

    def pids(self, name: str, count: int = 1) -> List[int]:
        """The numbers that tasks have written to a file, once there are enough of them."""
        path = self.marks / name

        def written() -> Any:
            lines = path.read_text(encoding="utf-8").split() if path.exists() else []
            return lines if len(lines) >= count else None

        return [int(pid) for pid in wait_for(written)]

    def close(self) -> None:
        for agent in self._agents:
            processes.stop(agent)
        self.stop_api()
        for file in self.marks.glob("*"):
            if file.is_file():
                for pid in file.read_text(encoding="utf-8").split():
                    _kill(int(pid))


def _kill(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        if "python" in process.name():
            process.kill()
    except psutil.Error:
        pass


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def gone(*pids: int) -> None:
    """Wait until processes have ended."""
    wait_for(lambda: not any(map(is_alive, pids)), 60)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module with the flows."""
    monkeypatch.syspath_prepend(str(IMPORTABLE))
    import agent_example_flows

    return agent_example_flows


@pytest.fixture
def never_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the API of this process answer an agent only when something has happened."""
    monkeypatch.setattr(wake_up, "LONGEST_WAIT", 3600.0)


@pytest.fixture
def world(tmp_path: Path, never_in_time: None) -> Iterator[World]:
    """An API without an agent."""
    created = World(tmp_path)
    created.start_api()
    yield created
    created.close()
    sys.stdout.write(created.output)


@pytest.fixture
def agent(world: World) -> World:
    """An API with an agent."""
    world.start_agent()
    return world
