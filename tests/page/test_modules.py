"""The page's modules that know nothing of the page: schedules in words, agents' rule, layout, timeline."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.page.browser import Browser

CRON = {
    "* * * * *": "every minute",
    "*/15 * * * *": "every 15 minutes",
    "0 * * * *": "every hour",
    "5 * * * *": "every hour at 5 past",
    "0 */6 * * *": "every 6 hours",
    "0 6 * * *": "every day at 06:00",
    "@daily": "every day at 00:00",
    "30 6,18 * * *": "every day at 06:30 and 18:30",
    "0 6 * * 1-5": "Monday to Friday at 06:00",
    "0 6 * * MON,THU": "Mondays, Thursdays at 06:00",
    "0 6 * * 7": "Sundays at 06:00",
    "0 6 1 * *": "on day 1 of each month at 06:00",
    # The unusual is left as it is rather than said wrongly.
    "0 6 1 * 1": None,
    "0 6 1 2 *": None,
    "0-10 6 * * *": None,
    "0 6 * * 1#2": None,
    "0 6 * * 1-3": None,
    "0 0 6 * * *": None,
    "*/15 6 * * *": None,
    "nonsense": None,
}


@pytest.fixture
def page(browser: Browser, server: EmbeddedServer) -> Browser:
    browser.open(server.url)
    return browser


def test_cron_lines_in_words(page: Browser) -> None:
    said = page.module("schedule.js", "return a[0].map(m.cronInWords)", list(CRON))
    assert dict(zip(CRON, said)) == CRON


def test_schedules_of_every_kind(page: Browser) -> None:
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
    said = page.module("schedule.js", "return m.inWords({clocks: a[0]})", clocks)
    assert [(each["words"], each.get("code"), each["zone"]) for each in said] == [
        ("every day at 06:00", "0 6 * * *", "Asia/Tokyo"),
        (None, "0 6 1 2 *", "UTC"),
        ("every 90 minutes", None, None),
        ("on 1 dates", None, None),
        ("SomethingOfTheFuture", None, None),
    ]
    assert page.module("schedule.js", "return m.inWords(null)") == []


@pytest.mark.parametrize(
    ("agent", "run", "takes"),
    [
        ([], [], True),
        (["a"], [], False),
        ([], ["a"], False),
        (["a", "b"], ["a"], True),
        (["a"], ["a", "b"], False),
    ],
)
def test_which_agent_takes_which_run(page: Browser, agent: List[str], run: List[str], takes: bool) -> None:
    assert page.module("agents.js", "return m.takes({labels: a[0]}, a[1])", agent, run) is takes


@pytest.mark.parametrize("edges", ["[]", "chain", "fan", "both ways", "skips"])
def test_no_box_lies_on_another_and_lines_go_right(page: Browser, edges: str) -> None:
    script = """
        const ids = Array.from({length: 60}, (_, i) => `t${i}`);
        const rest = ids.slice(1).map((id, i) => [i, i + 1]);
        const edges = {
            '[]': [], chain: rest, fan: rest.map(([, to]) => [0, to]),
            'both ways': rest.map(([, to]) => [to % 7 < to ? to % 7 : 0, to]),
            skips: rest.flatMap(([from, to]) => [[from, to], [Math.floor(from / 2), to]]),
        }[a[0]].map(([from, to]) => [ids[from], ids[to]]);
        const size = {width: 100, height: 20, gapX: 30, gapY: 10};
        const plan = m.layout(ids, edges, size);
        return {boxes: [...plan.boxes], width: plan.width, height: plan.height,
                lines: plan.lines.map((line) => line.points), edges}"""
    plan = page.module("layout.js", script, edges)
    boxes = {id: (box["x"], box["y"]) for id, box in plan["boxes"]}
    assert len(boxes) == 60
    places = list(boxes.values())
    for index, (x, y) in enumerate(places):
        assert x >= 0 and y >= -0.001 and x + 100 <= plan["width"] and y + 20 <= plan["height"] + 0.001
        assert not [1 for other in places[:index] if abs(other[0] - x) < 100 and abs(other[1] - y) < 19.9]
    assert len(plan["lines"]) == len({tuple(edge) for edge in plan["edges"]})
    for points in plan["lines"]:
        assert all(one[0] <= other[0] for one, other in zip(points, points[1:]))
    for upstream, downstream in plan["edges"]:
        assert boxes[upstream][0] < boxes[downstream][0]


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
