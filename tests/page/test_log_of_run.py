"""The log of a run: new lines, lines being read, levels and search."""

from __future__ import annotations

import time

from tests.embedded.conftest import Seed
from tests.page.browser import Browser


def test_new_log_lines_do_not_move_those_being_read(browser: Browser, seed: Seed) -> None:
    run_id = seed.run(seed.flow(seed.project("p"), "talks"))
    seed.flow_state(run_id, "Running")

    def write(numbers: range, level: str = "INFO") -> None:
        lines = [
            {
                "flow_run_id": run_id,
                "level": level,
                "message": f"line {number} ends",
                "timestamp": f"2026-01-01T00:00:00.{number:06}+00:00",
            }
            for number in numbers
        ]
        seed.api.do("write_run_logs", {"logs": lines})

    write(range(1200))
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.find(".line", "line 1199 ends")
    place = (
        "const e = document.querySelector('.lines'); return [e.scrollTop, e.scrollHeight - e.clientHeight]"
    )
    top, end = browser.run(place)
    assert end - top < 30, "begins at the newest line"
    write(range(1200, 1203))
    browser.find(".line", "line 1202 ends")
    top, end = browser.run(place)
    assert end - top < 30, "follows"

    browser.run("document.querySelector('.lines').scrollTop = 400")
    write(range(1203, 1210), "WARNING")
    browser.find(".newest")
    messages = "return [...document.querySelectorAll('.line .message')].map((e) => e.innerText)"
    browser.until(lambda: browser.run(messages)[-1] == "line 1209 ends")
    assert browser.run(place)[0] == 400

    # Those before are requested when a person scrolls up.
    def scrolled_up() -> int:
        count = len(browser.run(messages))
        if count < 1210:
            browser.run("document.querySelector('.lines').scrollTop = 100")
        return count

    browser.until(lambda: scrolled_up() == 1210)
    assert browser.run(place)[0] > 100, "what is being read does not move"
    assert browser.run(messages) == [f"line {number} ends" for number in range(1210)]

    browser.run("const s = document.querySelector('#log-level'); s.value = 'warning'; s.onchange()")
    browser.find(".log-tools", "7 of 1,210 lines")
    browser.find("#log-search").send_keys("1205")
    browser.find(".log-tools", "1 of 1,210 lines")
    browser.find("mark", "1205")

    # Only new lines are requested.
    time.sleep(2.5)
    sizes = """
        const asked = performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/graphql'));
        return asked.slice(-6).map((e) => e.encodedBodySize)"""
    assert max(browser.run(sizes)) < 20_000
