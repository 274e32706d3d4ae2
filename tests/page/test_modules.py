"""The page's modules apart from what they show: schedules, agents, states and the timeline."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.page.browser import Browser


@pytest.fixture
def page(browser: Browser, server: EmbeddedServer) -> Browser:
    browser.open(server.url)
    return browser


def test_schedules_are_worded_by_the_server_and_requested_once(page: Browser) -> None:
    clocks: List[Dict[str, Any]] = [
        {
            "type": "CronClock",
            "cron": "0 6 * * *",
            "start_date": {"dt": "2019-01-01T00:00:00", "tz": "Asia/Tokyo"},
        },
        {"type": "CronClock", "cron": "0 6 1 2 *", "start_date": None},
        {"type": "IntervalClock", "interval": 5400 * 10**6, "start_date": None},
        {"type": "DatesClock", "dates": [{"dt": "2030-01-01T00:00:00", "tz": "UTC"}]},
        {"type": "SomethingOfTheFuture"},
    ]
    flow = {"schedule": {"clocks": clocks}, "flow_group": {"schedule": None}}
    script = "await m.load([a[0], a[1]]); await m.load([a[0]]); return a.map(m.inWords)"
    found, none, other = page.module(
        "schedule.js", script, flow, {"schedule": None}, {"schedule": {"clocks": []}}
    )
    assert [(each["words"], each.get("code"), each["zone"]) for each in found["clocks"]] == [
        ("every day at 06:00", "0 6 * * *", "Asia/Tokyo"),
        (None, "0 6 1 2 *", "UTC"),
        ("every 90 minutes", None, None),
        ("on 2030-01-01", None, None),
        ("SomethingOfTheFuture", None, None),
    ]
    assert none is None and other is None
    assert len([each for each in page.requested() if each.endswith("/derived/schedules")]) == 1
    own = {**flow, "flow_group": {"schedule": {"clocks": []}}}
    assert page.module("schedule.js", "return m.scheduleOf(a[0])", own) == {"clocks": []}, "the group's"


@pytest.mark.parametrize(
    ("kind", "agent", "run", "accepts"),
    [
        ("LocalAgent", [], [], True),
        ("LocalAgent", ["a"], [], False),
        ("LocalAgent", [], ["a"], False),
        ("LocalAgent", ["a", "b"], ["a"], True),
        ("LocalAgent", ["a"], ["a", "b"], False),
        ("ProjectAgent", ["a"], [], True),
        ("ProjectAgent", ["a"], ["a"], True),
        ("ProjectAgent", ["a"], ["a", "b"], False),
    ],
)
def test_which_agent_accepts_which_run(
    page: Browser, kind: str, agent: List[str], run: List[str], accepts: bool
) -> None:
    script = """
        const last_queried = new Date(Date.now() - a[3]).toISOString();
        const agents = [{id: 'one', type: a[0], labels: a[1], last_queried}];
        const {running, reasons} = await m.check(agents, [a[2]]);
        return {running: [...running], reasons}"""
    now = page.module("agents.js", script, kind, agent, run, 0)
    assert now["running"] == ["one"]
    assert [reason is None for reason in now["reasons"]] == [accepts]
    silent = page.module("agents.js", script, kind, agent, run, 120_000)
    assert silent["running"] == []
    assert silent["reasons"][0].startswith("No agent")


def test_states_come_from_the_package(page: Browser) -> None:
    script = """
        const tests = {
            WAITING: m.isWaiting, FINISHED: m.isFinished, SUCCESSFUL: m.isSuccess, FAILED: m.isFailure};
        return Object.fromEntries(Object.entries(tests).map(([name, test]) => [name, a[0].filter(test)]))"""
    found = page.module("states.js", script, list(states.ALL))
    assert {name: set(members) for name, members in found.items()} == {
        "FINISHED": states.FINISHED,
        "WAITING": states.WAITING,
        "SUCCESSFUL": states.kinds_of("Success"),
        "FAILED": states.kinds_of("Failed"),
    }


def test_attempts_and_waits_are_pieces_of_a_bar(page: Browser) -> None:
    times = ["Pending", "Running", "Retrying", "Running", "Success"]
    states = [
        {"state": state, "timestamp": f"2026-01-01T00:00:{second:02}+00:00"}
        for second, state in enumerate(times)
    ]
    pieces = page.module("views/timeline.js", "return m.pieces(a[0])", states)
    assert [(each["state"], each["to"] - each["from"]) for each in pieces] == [
        ("Retrying", 1000),
        ("Retrying", 1000),
        ("Success", 1000),
    ]
    assert page.module("views/timeline.js", "return m.pieces(a[0])", states[:2])[0]["to"] is None


def test_times_in_which_nothing_ran_are_cut(page: Browser) -> None:
    hour = 3_600_000
    spans = [{"from": 0, "to": 1000}, {"from": hour, "to": hour + 1000}]
    script = (
        "const t = m.axis(a[0], a[1]); return {at: [0, 1000, a[2], a[2] + 1000].map(t.place), cuts: t.cuts}"
    )
    found = page.module("views/timeline.js", script, spans, hour + 1000, hour)
    assert found["at"] == sorted(found["at"])
    assert found["at"][1] > 0.4 and found["at"][2] < 0.6 and abs(found["at"][3] - 1) < 1e-6
    assert [cut["hidden"] for cut in found["cuts"]] == [hour - 1000]
