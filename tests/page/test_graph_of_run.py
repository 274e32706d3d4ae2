"""The graph of a run: large ones, keys, when it is laid out, and what is shown if it cannot be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.web import derived
from tests.embedded.conftest import Caller, Seed, edge, task
from tests.page.browser import Browser, Keys


def _layout_requests(browser: Browser) -> int:
    return len([address for address in browser.requested() if address.endswith("/derived/layout")])


def test_arrow_keys_walk_along_the_graph(browser: Browser, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "walk", ["a", "b", "c"])
    run_id = seed.run(flow_id)
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.click("Timeline")
    browser.keys(Keys.ARROW_RIGHT)
    assert browser.focused() == "Graph"
    browser.find(".graph [data-task]")
    for _ in range(6):
        browser.keys(Keys.TAB)
        if browser.focused() == "a, Pending":
            break
    browser.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.focused() == "c, Pending"
    browser.keys(Keys.ARROW_LEFT, Keys.ENTER)
    browser.find(".task-panel h3", "b")
    assert browser.focused() == "b, Pending"


def test_hundreds_of_tasks_are_shown_and_updated(browser: Browser, seed: Seed) -> None:
    slugs = [f"task_{number}" for number in range(400)]
    edges = [edge(slugs[number // 3], slugs[number]) for number in range(1, 400)]
    flow_id = seed.flow(seed.project("p"), "large", [task(slug) for slug in slugs], edges=edges)
    run_id = seed.run(flow_id)
    seed.flow_state(run_id, "Running")
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.click("Graph")
    browser.find(".graph [data-task]")
    assert len(browser.all(".graph [data-task]")) == 400
    assert len(browser.all(".graph .line")) == 399
    seed.task_state(seed.task_runs(run_id)["task_399"], "Running")
    browser.until(lambda: browser.all(".graph [data-task].running"))
    width = "return document.querySelector('.graph svg').getBoundingClientRect().width"
    before = browser.run(width)
    browser.click("Zoom in")
    assert browser.run(width) > before * 1.2
    browser.click("Timeline")
    browser.until(lambda: len(browser.all(".timeline .row")) == 200)
    browser.click("Show more of 400 tasks")
    browser.until(lambda: len(browser.all(".timeline .row")) == 400)
    browser.find("#task-search").send_keys("task_39")
    browser.until(lambda: len(browser.all(".timeline .row")) == 11)


def test_a_graph_is_laid_out_once_and_not_rebuilt(browser: Browser, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "once", ["a", "b", "c"])
    run_id = seed.run(flow_id)
    seed.flow_state(run_id, "Running")
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.find(".timeline")
    assert _layout_requests(browser) == 0, "the graph is not shown"
    browser.click("Graph")
    browser.find(".graph [data-task]")
    browser.run("document.querySelector('.graph svg').marked = true")
    browser.click("Timeline")
    browser.click("Graph")
    seed.task_state(seed.task_runs(run_id)["a"], "Running")
    browser.until(lambda: browser.all(".graph [data-task].running"))
    time.sleep(2.5)
    assert browser.run("return document.querySelector('.graph svg').marked === true")
    # Another view of the same graph needs no new layout either.
    browser.run("location.hash = arguments[0]", f"#/flow/{flow_id}")
    browser.find("h1", "once")
    assert len(browser.until(lambda: browser.all(".graph [data-task]"))) == 3
    assert _layout_requests(browser) == 1


def test_a_graph_that_cannot_be_drawn_says_why(
    browser: Browser, seed: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.expected_errors += ["413"]
    monkeypatch.setattr(derived, "MAX_BOXES", 2)
    run_id = seed.run(seed.flow(seed.project("p"), "large", ["a", "b", "c"]))
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.click("Graph")
    browser.find(".graph-message", "Too many boxes: 3, and at most 2 are accepted.")
    seed.flow_state(run_id, "Running")
    browser.find(".state-box", "Running")
    assert _layout_requests(browser) == 1
    browser.click("Timeline")
    browser.until(lambda: len(browser.all(".timeline .row")) == 3)


def test_a_graph_is_drawn_once_the_api_responds_again(browser: Browser, tmp_path: Path) -> None:
    database = tmp_path / "api.sqlite"
    with EmbeddedServer(database, services=False) as server:
        port = int(server.url.rsplit(":", 1)[1])
        seed = Seed(Caller(server.url))
        run_id = seed.run(seed.flow(seed.project("p"), "steady"))
        browser.open(f"{server.url}/#/run/{run_id}")
        browser.find(".state-box", "Scheduled")
    browser.click("Graph")
    browser.find(".graph-message", "Drawing the graph")
    with EmbeddedServer(database, services=False, port=port) as server:
        browser.find(".graph [data-task]")
        assert len(browser.all(".graph [data-task]")) == 2
        browser.open(f"{server.url}/#/agents")
