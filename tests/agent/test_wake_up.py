"""The endpoint at which agents wait: what it answers at once, what wakes it up, and what it does not hold."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
import requests

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.storage import values
from kedro_prefect_hooks.embedded.web import wake_up
from tests.embedded.conftest import Caller, Seed

pytestmark = pytest.mark.usefixtures("never_in_time")


class Waiting:
    """A request that waits in a thread."""

    def __init__(self, url: str, position: str, **headers: str) -> None:
        self.status = 0
        self.answer: Dict[str, Any] = {}
        self._request = (f"{url}{wake_up.PATH}", {"after": position}, headers)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        url, parameters, headers = self._request
        response = requests.get(url, params=parameters, headers=headers, timeout=120)
        self.status, self.answer = response.status_code, response.json()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Dict[str, Any]:
        """Its answer; waits for it, but not as long as the API would without a reason to answer."""
        self._thread.join(60)
        assert self.is_over
        return self.answer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "state" / "api.sqlite", services=False) as running:
        yield running


@pytest.fixture
def api(server: EmbeddedServer) -> Caller:
    return Caller(server.url)


@pytest.fixture
def seed(api: Caller) -> Seed:
    return Seed(api)


@pytest.fixture
def flow(seed: Seed) -> str:
    return seed.flow(seed.project("tests"), "flow")


@pytest.fixture
def wait(server: EmbeddedServer) -> Callable[[], Waiting]:
    """Begins to wait from now on, and returns when the API has the request."""

    def begin() -> Waiting:
        signal = server.database.agent_signal
        position = requests.get(server.url + wake_up.PATH, timeout=60).json()["position"]
        before = len(signal._listeners)
        waiting = Waiting(server.url, position)
        while len(signal._listeners) == before:
            time.sleep(0.005)
        return waiting

    return begin


def later() -> str:
    return values.format_timestamp(values.now() + 3600 * values.SECOND)


@pytest.mark.parametrize("position", [None, "", "of an API that was restarted"])
def test_whoever_knows_another_position_is_answered_at_once(server: EmbeddedServer, position: Any) -> None:
    answer = requests.get(server.url + wake_up.PATH, params={"after": position}, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["position"] == server.database.agent_signal.position
    assert abs(answer.json()["time"] - time.time()) < 60


def test_a_new_run_wakes_agents_up(wait: Callable[[], Waiting], seed: Seed, flow: str) -> None:
    waiting = wait()
    seed.run(flow, scheduled_start_time=later())
    assert not waiting.is_over
    seed.run(flow)
    first = waiting.result()
    # One that is created between an agent's question and its next wait is not missed.
    seed.run(flow)
    assert Waiting(seed.api.url, first["position"]).result()["position"] != first["position"]


@pytest.mark.parametrize("kind", ["Scheduled", "Cancelling", "Cancelled"])
def test_a_state_for_agents_wakes_them_up(
    wait: Callable[[], Waiting], seed: Seed, flow: str, kind: str
) -> None:
    run_id = seed.run(flow)
    waiting = wait()
    for other in ("Submitted", "Running", "Failed"):
        seed.flow_state(run_id, other)
    task_run_id = seed.task_runs(run_id)["a"]
    seed.task_state(task_run_id, "Failed")
    seed.api.do("update_flow_run_heartbeat", {"flow_run_id": run_id})
    assert "Invalid" in seed.api.fails("cancel_flow_run", {"flow_run_id": values.new_id()}, "state")
    assert not waiting.is_over
    seed.flow_state(run_id, kind)
    waiting.result()


def test_new_labels_wake_agents_up(wait: Callable[[], Waiting], seed: Seed, flow: str) -> None:
    run_id = seed.run(flow)
    waiting = wait()
    seed.api.do("set_flow_run_labels", {"flow_run_id": run_id, "labels": ["other"]})
    waiting.result()


def test_agents_are_woken_up_when_a_run_is_due(wait: Callable[[], Waiting], seed: Seed, flow: str) -> None:
    due = values.now() + 2 * values.SECOND
    seed.run(flow, scheduled_start_time=later())
    run_id = seed.run(flow, scheduled_start_time=values.format_timestamp(due))
    answer = wait().result()
    assert values.now() >= due
    assert answer["time"] >= due / values.SECOND
    queue = {"tenant_id": seed.tenant_id, "labels": ["here"], "before": values.format_timestamp(values.now())}
    assert seed.api.do("get_runs_in_queue", queue, "flow_run_ids") == [run_id]


def test_a_run_that_became_due_unobserved_is_not_missed(
    server: EmbeddedServer, seed: Seed, flow: str
) -> None:
    due = values.now() + values.SECOND
    seed.run(flow, scheduled_start_time=values.format_timestamp(due))
    position = requests.get(server.url + wake_up.PATH, timeout=60).json()["position"]
    while values.now() <= due:
        time.sleep(0.05)
    assert Waiting(server.url, position).result()["position"] != position


def test_a_retry_that_its_process_has_not_begun_wakes_agents_up(
    wait: Callable[[], Waiting], seed: Seed, flow: str
) -> None:
    run_id = seed.run(flow)
    seed.flow_state(run_id, "Running")
    due = values.now() + values.SECOND
    waiting = wait()
    task_run_id = seed.task_runs(run_id)["a"]
    seed.task_state(task_run_id, "Retrying", start_time=values.format_timestamp(due), run_count=1)
    waiting.result()
    assert values.now() >= due + 3 * values.SECOND


def test_stopping_the_api_ends_the_wait(server: EmbeddedServer, wait: Callable[[], Waiting]) -> None:
    waiting = wait()
    server.stop()
    waiting.result()
    assert waiting.status == 503


def test_the_wait_requires_the_token(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, token="sesame") as server:
        url = server.url + wake_up.PATH
        assert requests.get(url, timeout=60).status_code == 401
        headers = {"Authorization": "Bearer sesame"}
        assert requests.get(url, headers=headers, timeout=60).status_code == 200


def test_waiting_agents_hold_nothing_that_others_need(
    wait: Callable[[], Waiting], seed: Seed, flow: str
) -> None:
    # More than the threads and the connections that there are.
    waiting: List[Waiting] = [wait() for _ in range(60)]
    assert seed.api.data("{ hello }")
    seed.run(flow)
    for each in waiting:
        each.result()


def test_a_polling_agent_writes_only_now_and_then(server: EmbeddedServer, seed: Seed) -> None:
    agent_id = seed.api.do(
        "register_agent", {"type": "LocalAgent", "tenant_id": seed.tenant_id, "labels": []}, "id"
    )
    queue = {"tenant_id": seed.tenant_id, "labels": []}
    asked = {"X_Prefect_Agent_Id": agent_id}
    connection = sqlite3.connect(str(server.database.path))
    seed.api.do("get_runs_in_queue", queue, "flow_run_ids", **asked)
    version = connection.execute("PRAGMA data_version").fetchone()
    for _ in range(3):
        seed.api.do("get_runs_in_queue", queue, "flow_run_ids", **asked)
    assert connection.execute("PRAGMA data_version").fetchone() == version
    connection.close()


def test_an_agent_that_asks_again_after_a_while_is_recorded(tmp_path: Path) -> None:
    now = [values.now()]
    settings = Settings(clock=lambda: now[0])
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=settings) as server:
        api = Caller(server.url)
        tenant_id = api.data("{ tenant { id } }")["tenant"][0]["id"]
        agent_id = api.do(
            "register_agent", {"type": "LocalAgent", "tenant_id": tenant_id, "labels": []}, "id"
        )
        seen = set()
        for _ in range(3):
            now[0] += 11 * values.SECOND
            api.do("get_runs_in_queue", {"tenant_id": tenant_id}, "flow_run_ids", X_Prefect_Agent_Id=agent_id)
            seen.add(
                api.data(f'{{ agent_by_pk(id: "{agent_id}") {{ last_queried }} }}')["agent_by_pk"][
                    "last_queried"
                ]
            )
        assert len(seen) == 3
