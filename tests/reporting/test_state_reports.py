"""The states that a process has still to report, without an API: order, refusals, outages."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from types import SimpleNamespace
from typing import Any, Callable, Dict, List

import prefect
import pytest
import requests
from prefect.engine.state import ClientFailed, Mapped, Success
from prefect.executors import LocalExecutor

from kedro_prefect_hooks.flows import reported_tasks, state_reports
from kedro_prefect_hooks.flows.session_executor import opening_session
from kedro_prefect_hooks.flows.state_reports import Artifact, Report, StateReports, requests_of


def report(run: str, kind: str, **more: Any) -> Report:
    return Report(run, {"type": kind, **more})


class Api:
    """What was sent, request by request; `refuses` raises what an API would answer."""

    def __init__(self, refuses: Callable[[List[Report]], None] = lambda reports: None) -> None:
        self.refuses = refuses
        self.requests: List[List[Report]] = []
        self.artifacts: List[List[Artifact]] = []
        self.refuses_artifacts = False

    def send_states(self, reports: List[Report]) -> None:
        self.refuses(reports)
        self.requests.append(reports)

    def send_artifacts(self, artifacts: List[Artifact]) -> None:
        self.artifacts.append(artifacts)
        if self.refuses_artifacts:
            raise ValueError("no artifacts here")

    def states(self, run: str) -> List[str]:
        """The states of a task run, in the order in which they were sent."""
        return [
            each.state["type"] for request in self.requests for each in request if each.task_run_id == run
        ]


def test_a_request_has_one_state_of_each_task_run_in_order() -> None:
    batch = [report("a", "Running"), report("a", "Failed"), report("b", "Running"), report("a", "Retrying")]
    types = [[(each.task_run_id, each.state["type"]) for each in request] for request in requests_of(batch)]
    assert types == [[("a", "Running"), ("b", "Running")], [("a", "Failed")], [("a", "Retrying")]]


def test_requests_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_reports, "MOST_STATES", 3)
    monkeypatch.setattr(state_reports, "MOST_BYTES", 1000)
    many = [report(f"run{number}", "Running") for number in range(7)]
    assert [len(request) for request in requests_of(many)] == [3, 3, 1]
    large = [report(f"run{number}", "Failed", message="x" * 600) for number in range(3)]
    assert [len(request) for request in requests_of(large)] == [1, 1, 1]


def test_states_are_sent_in_the_background_and_in_few_requests() -> None:
    api = Api()
    reports = StateReports(api, interval=0.2)
    for number in range(100):
        reports.add(report(f"run{number}", "Running"))
        reports.add(report(f"run{number}", "Success"))
    assert reports.flush(10)
    assert len(api.requests) <= 4
    assert all(api.states(f"run{number}") == ["Running", "Success"] for number in range(100))


def test_without_a_flush_they_arrive_too() -> None:
    api = Api()
    reports = StateReports(api, interval=0.05)
    reports.add(report("a", "Running"))
    end = time.monotonic() + 10
    while not api.requests and time.monotonic() < end:
        time.sleep(0.01)
    assert api.states("a") == ["Running"]


def test_only_the_refused_state_is_left_out() -> None:
    def refuses(reports: List[Report]) -> None:
        if any(each.task_run_id == "run17" for each in reports):
            raise ValueError("State payload is too large.")

    api = Api(refuses)
    reports = StateReports(api, interval=0.01)
    for number in range(50):
        reports.add(report(f"run{number}", "Success"))
    assert reports.flush(10)
    sent = sorted(each.task_run_id for request in api.requests for each in request)
    assert sent == sorted(f"run{number}" for number in range(50) if number != 17)
    assert str(reports.refused["run17"]) == "State payload is too large."
    assert reports.is_synchronous("run17")
    assert not reports.is_synchronous("run18")


def test_after_a_refused_state_the_later_ones_of_that_task_run_are_not_sent() -> None:
    def refuses(reports: List[Report]) -> None:
        if any(each.state["type"] == "Running" for each in reports):
            raise ValueError("locked")

    api = Api(refuses)
    reports = StateReports(api, interval=0.01)
    reports.add(report("a", "Running"))
    reports.add(report("a", "Success"))
    assert reports.flush(10)
    assert api.states("a") == []


def test_when_the_flow_run_is_no_longer_running_every_task_run_asks_first() -> None:
    def refuses(reports: List[Report]) -> None:
        raise ValueError("State update failed: the associated flow run is not in a running state.")

    reports = StateReports(Api(refuses), interval=0.01)
    reports.add(report("a", "Running"))
    assert reports.flush(10)
    assert reports.is_synchronous("another task run")


def test_nothing_is_lost_while_the_api_does_not_respond() -> None:
    away = threading.Event()
    away.set()

    def refuses(reports: List[Report]) -> None:
        if away.is_set():
            raise requests.ConnectionError("refused")

    api = Api(refuses)
    reports = StateReports(api, interval=0.01)
    reports.add(report("a", "Running"))
    assert not reports.flush(0.2)
    reports.add(report("a", "Success"))
    away.clear()
    assert reports.flush(10)
    assert api.states("a") == ["Running", "Success"]
    assert not reports.refused


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_sends_only_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_reports, "_all", {})
    api = Api()
    reports = state_reports.reports_to(("api",), lambda: api)
    reports.interval = 60  # so that the parent's state waits while the child is there
    reports.add(report("of the parent", "Running"))
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def child() -> None:
        own = Api(lambda reports: sender.send([each.task_run_id for each in reports]))
        state_reports.reports_to(("api",), lambda: own).add(report("of the child", "Running"))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    assert receiver.poll(20), "the child flushes when it ends"
    assert receiver.recv() == ["of the child"]
    process.join(20)
    assert not receiver.poll(0)
    assert reports.flush(10)
    assert api.states("of the parent") == ["Running"]


@pytest.mark.parametrize("away", [False, True], ids=["answers", "away"])
def test_at_the_end_of_a_flow_run_states_are_flushed_once_for_all_that_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    flushed = []

    def flush_all(timeout: float) -> Dict[str, str]:
        flushed.append(timeout)
        if away:
            raise TimeoutError("The API does not respond.")
        return {}

    monkeypatch.setattr(reported_tasks, "flush_all", flush_all)
    flow: Any = SimpleNamespace(report="batches", own_session=False, current_spec=lambda: None)
    executor = opening_session(LocalExecutor(), flow)
    mapped, slices = Mapped(n_map_states=2), [Success(), Success()]
    with executor.start():
        executor._reported = reported_tasks.ReportedTasks()
        (last,) = executor.wait({prefect.Task(name="mapped"): mapped}).values()
        if last.is_mapped():
            assert executor.wait(slices) == slices
    assert len(flushed) == (1 if away else 2)
    assert isinstance(last, ClientFailed if away else Mapped)


def test_artifacts_are_sent_together_after_the_states_and_cost_nothing_if_refused() -> None:
    api = Api()
    api.refuses_artifacts = True
    reports = StateReports(api, interval=0.01)
    for number in range(60):
        reports.add_artifact(Artifact(f"run{number}", {"markdown": "x"}))
    reports.add(report("run0", "Success"))
    assert reports.flush(10)
    assert api.states("run0") == ["Success"]
    assert [len(each) for each in api.artifacts] == [50], "nothing is tried again"
    api.refuses_artifacts = False
    reports.add_artifact(Artifact("run1", {"markdown": "y"}))
    assert reports.flush(10)
    assert [each.data for each in api.artifacts[-1]] == [{"markdown": "y"}]
    assert not reports.refused
