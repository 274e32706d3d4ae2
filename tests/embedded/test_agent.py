"""Flows run by a real agent in real processes: success, retry, restart, cancellation, sudden death."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pendulum
import prefect
import pytest
from prefect.engine.state import Pending, Scheduled
from prefect.schedules import Schedule
from prefect.schedules.clocks import DatesClock
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.settings import Settings
from tests.embedded.agents import IMPORTABLE, Agent, environment, wait_for
from tests.embedded.conftest import Caller

QUICK = Settings(
    submitted_lock=1, heartbeat_timeout=20, zombie_killer_interval=1, lazarus_interval=2, scheduler_interval=5
)


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="module")
def running(marks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("agent")
    with EmbeddedServer(folder / "api.sqlite", settings=QUICK) as server:
        agent = Agent(environment(server.url, marks), folder / "agent.log")
        with set_temporary_config({"backend": "server", "cloud.api": server.url}):
            prefect.Client().create_project("tests")
            try:
                yield server
            finally:
                agent.stop()
                sys.stdout.write(agent.output.read_text(encoding="utf-8"))


@pytest.fixture
def flows(running: EmbeddedServer, marks: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(IMPORTABLE))
    monkeypatch.setenv("EXAMPLE_MARKS", str(marks))
    import embedded_example_flows

    return embedded_example_flows


@pytest.fixture
def run(running: EmbeddedServer, flows: Any) -> Callable[..., str]:
    """Registers a flow and starts a run of it; returns the run's id."""

    def start(name: str, **parameters: Any) -> str:
        flow_id = getattr(flows, name).register("tests", no_url=True)
        return str(prefect.Client().create_flow_run(flow_id=flow_id, parameters=parameters))

    return start


@pytest.fixture
def look(running: EmbeddedServer) -> Callable[[str], Dict[str, Any]]:
    """Reads a flow run with its task runs, states and logs."""

    def read(run_id: str) -> Dict[str, Any]:
        query = """query($id: uuid!) { flow_run_by_pk(id: $id) {
            state state_message times_resurrected agent { name }
            states(order_by: {version: asc}) { state }
            task_runs(order_by: {map_index: asc}) {
                id state map_index version task { name } states(order_by: {version: asc}) { state }
            }
            logs(order_by: {timestamp: asc}) { message name level }
        } }"""
        found: Dict[str, Any] = Caller(running.url).data(query, {"id": run_id})["flow_run_by_pk"]
        return found

    return read


def task_run(found: Dict[str, Any], name: str) -> Dict[str, Any]:
    return next(each for each in found["task_runs"] if each["task"]["name"] == name)


def history(found: Dict[str, Any]) -> str:
    return " ".join(state["state"] for state in found["states"])


def times(marks: Path, name: str) -> int:
    path = marks / name
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def in_state(look: Callable[[str], Dict[str, Any]], run_id: str, *wanted: str) -> Dict[str, Any]:
    def reached() -> Any:
        found = look(run_id)
        assert found["state"] in wanted or found["state"] not in ("Success", "Failed", "Cancelled"), found
        return found if found["state"] in wanted else None

    return dict(wait_for(reached))


def test_a_flow_runs_to_success_and_its_logs_arrive(run: Any, look: Any) -> None:
    run_id = run("plain", x=2)
    found = in_state(look, run_id, "Success")
    assert history(found) == "Scheduled Submitted Running Success"
    assert found["agent"] == {"name": "tester"}
    mapped = [each for each in found["task_runs"] if each["task"]["name"] == "double"]
    assert [(each["map_index"], each["state"]) for each in mapped] == [
        (-1, "Mapped"),
        *[(i, "Success") for i in range(4)],
    ]
    messages = wait_for(
        lambda: (
            [m for m in (line["message"] for line in look(run_id)["logs"]) if "SUCCESS" in m]
            and [line["message"] for line in look(run_id)["logs"]]
        )
    )
    assert "extracting 2" in messages
    assert any(message.startswith("Submitted for execution: PID: ") for message in messages)


def test_a_task_is_retried(run: Any, look: Any, marks: Path) -> None:
    found = in_state(look, run("retried"), "Success")
    assert history(task_run(found, "flaky")) == "Pending Running Failed Retrying Running Success"
    assert times(marks, "flaky") == 2


def test_a_restart_from_failed_skips_tasks_that_succeeded(run: Any, look: Any, marks: Path) -> None:
    before = times(marks, "extract")
    run_id = run("restarted")
    failed = in_state(look, run_id, "Failed")
    assert task_run(failed, "double")["state"] == "TriggerFailed"
    client = prefect.Client()
    # What the UI of Prefect Server does on "restart".
    for name in ("broken_once", "double"):
        each = task_run(failed, name)
        client.set_task_run_state(each["id"], state=Pending("restart"), version=each["version"])
    client.set_flow_run_state(run_id, state=Scheduled("restarted"))
    found = in_state(look, run_id, "Success")
    assert times(marks, "extract") == before + 1
    assert times(marks, "broken_once") == 2
    assert history(found).endswith("Failed Scheduled Submitted Running Success")


def test_a_cancelled_run_ends_with_its_process(run: Any, look: Any, marks: Path) -> None:
    run_id = run("slow")
    wait_for(lambda: times(marks, "sleep"))
    pid = int((marks / "sleep").read_text(encoding="utf-8").split()[-1])
    assert (
        Caller(prefect.config.cloud.api).do("cancel_flow_run", {"flow_run_id": run_id}, "state")
        == "Cancelling"
    )
    found = in_state(look, run_id, "Cancelled")
    # Prefect's runner may set the state twice: when it is cancelled, and when it exits.
    assert history(found).startswith("Scheduled Submitted Running Cancelling Cancelled")
    assert task_run(found, "double")["state"] == "Cancelled"
    wait_for(lambda: not _alive(pid))


def test_a_scheduled_flow_runs_until_it_is_paused(run: Any, running: EmbeddedServer, flows: Any) -> None:
    # Prefect registers no interval below a minute; dates can be as near as required.
    now = pendulum.now("UTC")
    flows.ticking.schedule = Schedule(
        clocks=[DatesClock([now.add(seconds=s) for s in (10, 13, 16, 900, 960)])]
    )
    flow_id = flows.ticking.register("tests", no_url=True)
    api = Caller(running.url)
    query = f'''{{ flow_run(where: {{flow_id: {{_eq: "{flow_id}"}}, auto_scheduled: {{_eq: true}}}},
        order_by: {{scheduled_start_time: asc}}) {{ state start_time }} }}'''

    def states() -> Any:
        return [row["state"] for row in api.data(query)["flow_run"]]

    wait_for(lambda: states().count("Success") >= 3)
    assert api.do("set_schedule_inactive", {"flow_id": flow_id}) is True
    assert states() == ["Success"] * 3
    # Longer than the intervals of the scheduler and the agent.
    time.sleep(12)
    assert states() == ["Success"] * 3


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_run_is_found_and_finished(run: Any, look: Any, marks: Path) -> None:
    before = times(marks, "extract")
    run_id = run("killed")
    wait_for(lambda: times(marks, "dies_once"))
    os.kill(int((marks / "dies_once").read_text(encoding="utf-8").split()[-1]), signal.SIGKILL)
    found = in_state(look, run_id, "Success")
    assert "Running Retrying" in history(task_run(found, "dies_once"))
    assert times(marks, "extract") == before + 1
    assert any("No heartbeat detected from the remote task" in line["message"] for line in found["logs"])


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        return "\nState:\tZ" not in status.read_text(encoding="utf-8")
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
