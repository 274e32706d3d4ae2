"""axe-core finds nothing in any view, in light, in dark and on a phone."""

from __future__ import annotations

from tests.embedded.conftest import Seed
from tests.page.axe import LOOKS, violations
from tests.page.browser import Browser


def test_no_view_has_a_violation(browser: Browser, seed: Seed, axe: str) -> None:
    flows = [seed.flow(seed.project(f"p{number}"), f"flow {number}") for number in range(6)]
    parameters = [{"name": "rate", "slug": "rate", "required": False, "default": 0.5}]
    schedule = {
        "type": "Schedule",
        "clocks": [{"type": "CronClock", "cron": "0 6 * * *", "start_date": None}],
    }
    flow_id = seed.flow(seed.project("p"), "shown", ["a", "b", "c"], parameters=parameters, schedule=schedule)
    run_id = seed.run(flow_id)
    seed.run(flows[0])
    seed.flow_state(run_id, "Running")
    task_run = seed.task_runs(run_id)["a"]
    for state in ("Running", "Failed"):
        seed.task_state(task_run, state)
    table = {"markdown": "# Data\n\n| a | b |\n|---|---|\n| 1 | [c](https://example.org) |\n\n```\nx\n```"}
    seed.api.do(
        "create_task_run_artifact", {"task_run_id": task_run, "kind": "markdown", "data": table}, "id"
    )
    lines = [{"flow_run_id": run_id, "level": level, "message": level} for level in ("INFO", "ERROR")]
    seed.api.do("write_run_logs", {"logs": lines})
    seed.flow_state(run_id, "Failed")
    seed.api.do("register_agent", {"type": "LocalAgent", "name": "agent", "labels": ["l"]}, "id")
    views = {
        "#/": "",
        "#/runs?time=days": "",
        "#/agents": "",
        f"#/flow/{flow_id}": "",
        f"#/run/{run_id}/{task_run}": "",
        f"#/run/{run_id}?graph": "Graph",
        f"#/run/{run_id}?data": "Data",
        "#/?form": "Run shown now",
    }
    found = []
    for address, button in views.items():
        browser.open(f"{seed.api.url}/{address}")
        if button:
            browser.click(button)
        browser.until(lambda: "Loading" not in browser.text() and "Drawing" not in browser.text())
        for look, (width, dark) in LOOKS.items():
            browser.look(width, 900, dark=dark, still=True)
            found += [(address, look, *each) for each in violations(browser, axe)]
        browser.look(1280, 900)
    assert not found, "\n".join(map(str, found))
