"""60 flows, 3,000 runs, a run of 3,000 tasks and one of 100,000 lines: found by filters and addresses.

How long the views take is in ``docs/explanation/embedded-api.md``; nothing is timed here.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Iterator, List, NamedTuple

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.web.page import Place
from tests.page.browser import Browser, Keys
from tests.page.large_history import LargeHistory, write_large_history


class Large(NamedTuple):
    url: str
    ids: LargeHistory


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    file = tmp_path_factory.mktemp("large") / "state" / "api.sqlite"
    with EmbeddedServer(file, services=False, place=Place("spaceflights", "deploy")) as server:
        yield Large(server.url, write_large_history(server.database))


def _texts(browser: Browser, css: str) -> List[str]:
    found: List[str] = browser.run(
        "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText.trim())", css
    )
    return found


def _names(browser: Browser) -> List[str]:
    return _texts(browser, "table.runs th a")


def test_all_runs_are_found_by_filters_and_each_view_has_an_address(browser: Browser, large: Large) -> None:
    browser.open(f"{large.url}/#/runs")
    browser.find(".pages", "1\u201350 of 3,003")
    assert "next-0" not in _names(browser)
    browser.find(".place", "spaceflights")
    assert browser.run("return document.title") == "Runs · spaceflights · deploy"
    browser.find(".pages a", "Older").click()
    browser.find(".pages", "51\u2013100 of 3,003")
    assert browser.hash == "#/runs?page=2"
    browser.driver.back()
    browser.find(".pages", "1\u201350 of 3,003")

    browser.run("const s = document.querySelector('#filter-state'); s.value = 'failed'; s.onchange()")
    browser.until(lambda: set(_texts(browser, "table.runs .badge")) == {"Failed"})
    browser.find("#filter-text").send_keys("run-00")
    browser.until(lambda: browser.hash == "#/runs?text=run-00&state=failed")
    few = browser.until(lambda: [name for name in _names(browser) if name.startswith("run-00")])
    # The address is all that is needed to see the same.
    browser.open(f"{large.url}/{browser.hash}")
    browser.find("table.runs")
    assert _names(browser) == few
    assert browser.find("#filter-text").get_attribute("value") == "run-00"

    for address, names in {
        "#/runs?state=late": ["late"],
        "#/runs?state=upcoming": [f"next-{number}" for number in range(10)],
        "#/runs?text=%25": [],
        "#/runs?label=nobody": [],
        f"#/runs?flow={large.ids.flow_group}&time=24h": ["run-0000", "talkative", "run-0060"],
        "#/runs?time=days&from=2020-01-01&to=2020-01-02": [],
        f"#/runs?text={large.ids.wide_run}": ["wide-run"],
        "#/runs?text=reference+tasks+failed&state=success": [],
    }.items():
        browser.open(f"{large.url}/{address}")
        browser.find("table.runs" if names else ".none")
        assert sorted(_names(browser)) == sorted(names), address


def test_one_line_says_what_failed_is_late_and_comes_next(browser: Browser, large: Large) -> None:
    browser.open(large.url)
    line = browser.find(".overview").text
    assert "failed in 24 hours, last wide" in line
    assert "1 late: report_11, due 10 min ago" in line
    assert "Next: ingest_00 in 1 h" in line or "Next: ingest_00 in 60 min" in line
    browser.find(".overview a", "failed").click()
    browser.find("h1", "Runs")
    assert browser.hash == "#/runs?state=failed&time=24h"


def test_flows_are_searched_and_filtered(browser: Browser, large: Large) -> None:
    browser.open(large.url)
    browser.find(".view", "61 flows")
    browser.find("#filter-text").send_keys("training")
    browser.find(".view", "15 of 61 flows")
    assert browser.hash == "#/?text=training"
    browser.open(f"{large.url}/#/?show=scheduled&text=_0")
    browser.find(".view", "10 of 61 flows")
    assert len(_texts(browser, "li.flow")) == 10


def test_a_run_of_3000_tasks_is_usable_and_asked_for_once(browser: Browser, large: Large) -> None:
    browser.open(f"{large.url}/#/run/{large.ids.wide_run}")
    browser.find(".tally", "2,993")
    assert len(_texts(browser, ".timeline .row")) == 200
    browser.find(".tally button", "Failed").click()
    browser.until(lambda: len(_texts(browser, ".timeline .row")) == 7)
    names = _texts(browser, ".row-name .name")
    assert names[0].replace("\n", "") == "node_0000_of_a_pipeline_with_long_names"
    assert browser.run(
        "const e = document.querySelector('.row-name .name'); return e.scrollWidth <= e.clientWidth"
    )
    browser.find(".timeline .row").click()
    browser.find(".task-panel h3", "node_0000")
    address = f"#/run/{large.ids.wide_run}/{large.ids.wide_task_run}"
    assert browser.hash == address
    browser.open(f"{large.url}/{address}")
    browser.find(".task-panel h3", "node_0000")
    browser.run("scrollTo(0, 0)")
    browser.click("Graph")
    browser.find(".graph [data-task].failed", timeout=60)
    assert len(browser.all(".graph [data-task]")) == 3_000
    seen = """
        const frame = document.querySelector('.graph-scroll').getBoundingClientRect();
        const box = document.querySelector('.graph [data-task].failed').getBoundingClientRect();
        return box.top >= frame.top && box.bottom <= frame.bottom"""
    browser.until(lambda: browser.run(seen), "the first failed task is in the visible part")
    browser.find("#task-search").send_keys("node_2999")
    browser.until(lambda: len(browser.all(".graph [data-task]:not(.dim)")) == 1)


def test_100000_lines_are_paged_searched_and_downloaded(
    browser: Browser, large: Large, tmp_path: Path
) -> None:
    browser.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    browser.open(f"{large.url}/#/run/{large.ids.talkative_run}")
    browser.find(".log-tools", "100,000 lines")
    browser.find(".line", "row 099999")
    assert len(browser.all(".line")) <= 1_000
    browser.click("First line")
    browser.find(".line", "row 000000")
    browser.run("document.querySelector('.lines').scrollTop = 1e6")
    browser.find(".line", "row 000900")
    browser.click("Jump to newest")
    browser.find(".line", "row 099999")
    browser.find("#log-search").send_keys("UNUSUAL")
    browser.find(".log-tools", "1 of 100,000 lines")
    browser.find(".line mark", "unusual")
    browser.click("Download")
    saved = browser.until(lambda: list(tmp_path.glob("*.log")), "the file")
    assert "INFO kedro.runner: An unusual line, long ago\n" in saved[0].read_text()
    browser.find("#log-search").send_keys(Keys.BACKSPACE * len("UNUSUAL"))
    browser.find(".log-tools", "100,000 lines")
    browser.run("const s = document.querySelector('#log-level'); s.value = 'warning'; s.onchange()")
    browser.find(".log-tools", "100 of 100,000 lines")


# Timers that are twenty times as fast.
HURRY = "const own = setTimeout; window.setTimeout = (call, time) => own(call, time / 20)"
SIZES = """
    return performance.getEntriesByType('resource').filter((e) => e.decodedBodySize > 20_000)
        .map((e) => [e.encodedBodySize, e.decodedBodySize])"""


def test_nothing_is_asked_for_again_once_a_run_has_ended(browser: Browser, large: Large) -> None:
    added = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HURRY})
    try:
        browser.open(f"{large.url}/#/run/{large.ids.talkative_run}")
        browser.until(lambda: browser.find(".log-tools [role=status]").text == "100,000 lines")
        sizes: List[List[int]] = browser.run(SIZES)
        before = len(browser.requested())
        time.sleep(0.5)  # 10 seconds
        assert len(browser.requested()) == before
        assert sizes and all(sent < size / 2 for sent, size in sizes), "compressed"
        # Runs that may still come are asked for.
        browser.open(f"{large.url}/#/runs")
        before = len(browser.requested())
        browser.until(lambda: len(browser.requested()) > before)
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_everything_fits_a_phone(browser: Browser, large: Large) -> None:
    browser.look(390, 844, still=True)
    for address in ("#/", "#/runs", f"#/run/{large.ids.wide_run}", f"#/run/{large.ids.talkative_run}"):
        browser.open(f"{large.url}/{address}")
        assert browser.overflow() <= 0, address
        for link in ("#nav-flows", "#nav-runs", "#nav-agents"):
            box = browser.find(link).rect
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390, link
    browser.open(f"{large.url}/#/runs")
    browser.find("table.runs time")
    right = """
        return Math.max(...[...document.querySelectorAll('table.runs time')].map(
            (each) => each.getBoundingClientRect().right))"""
    assert browser.run(right) <= 390
