"""A run with a mapped task: one row that unfolds, with counts by state, and its box in the graph."""

from __future__ import annotations

from typing import Any, Dict, List

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.embedded.conftest import Seed, edge, task
from tests.page.browser import Browser

CHILDREN = 250
SLUGS = ["clean: partitions", "clean", "clean: all"]


def mapped_run(seed: Seed) -> tuple[str, List[str]]:
    """A flow run of which a task has children; their ids."""
    edges = [{**edge(SLUGS[0], SLUGS[1]), "mapped": True}, edge(SLUGS[1], SLUGS[2])]
    flow_id = seed.flow(seed.project("p"), "mapped", [task(slug) for slug in SLUGS], edges=edges)
    run_id = seed.run(flow_id)
    seed.flow_state(run_id, "Running")
    seed.task_state(seed.task_runs(run_id)["clean"], "Mapped")
    tasks = seed.api.data(f'{{ flow_by_pk(id: "{flow_id}") {{ tasks {{ id slug }} }} }}')["flow_by_pk"][
        "tasks"
    ]
    (task_id,) = [each["id"] for each in tasks if each["slug"] == "clean"]
    given = f'flow_run_id: "{run_id}", task_id: "{task_id}"'
    asked = [
        f"r{index}: get_or_create_task_run_info(input: {{{given}, map_index: {index}}}) {{id}}"
        for index in range(CHILDREN)
    ]
    runs = seed.api.data(f"mutation {{ {' '.join(asked)} }}")
    ids = [runs[f"r{index}"]["id"] for index in range(CHILDREN)]
    inputs = [f'{{task_run_id: "{each}", name: "clean [p{index:03}]"}}' for index, each in enumerate(ids)]
    names = [f"n{index}: set_task_run_name(input: {each}) {{success}}" for index, each in enumerate(inputs)]
    seed.api.data(f"mutation {{ {' '.join(names)} }}")
    return run_id, ids


def set_states(seed: Seed, ids: List[str], kind: str) -> None:
    states = [{"task_run_id": each, "state": {"type": kind, "message": f"now {kind}"}} for each in ids]
    seed.api.do("set_task_run_states", {"states": states}, "states { status }")


def test_children_are_one_row_that_unfolds(browser: Browser, seed: Seed) -> None:
    run_id, ids = mapped_run(seed)
    set_states(seed, ids, "Running")
    set_states(seed, [each for each in ids if each != ids[217]][:247], "Success")
    set_states(seed, [ids[217]], "Failed")
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    fold = browser.find(".timeline .fold")
    assert fold.get_attribute("aria-label") == "250 tasks of clean: 1 Failed, 2 Running, 247 Success"
    assert len(browser.all(".timeline .row")) == 3
    assert 0 < len(browser.all(".mapped > .row .bar")) < 20, "one bar for all of them"
    fold.click()
    browser.until(lambda: len(browser.all(".mapped li .row")) == 100)
    first = [each.text for each in browser.all(".mapped li .name")[:4]]
    assert first == ["p217", "p248", "p249", "p000"], "first what a person looks for"
    browser.click("Show 100 more of 250")
    browser.until(lambda: len(browser.all(".mapped li .row")) == 200)
    browser.run("document.querySelector('.mapped li .row').click()")
    browser.find(".task-panel h3", "clean [p217]")
    assert "now Failed" in browser.find(".task-panel .history").text
    browser.find(".chip", "clean [p217]")
    set_states(seed, [ids[248]], "Success")
    browser.until(lambda: "1 Running" in str(browser.find(".timeline .fold").get_attribute("aria-label")))
    assert len(browser.all(".mapped li .row")) == 200, "it stays unfolded"
    browser.run("document.getElementById('tab-graph').click()")
    browser.find(".graph [data-task]")
    boxes = {
        each.get_attribute("aria-label"): len(each.find_elements("css selector", ".behind"))
        for each in browser.all(".graph [data-task]")
    }
    assert boxes == {
        "clean: partitions, Pending": 0,
        "clean, mapped, Failed, 249/250": 2,
        "clean: all, Pending": 0,
    }
    for dark in (False, True):
        browser.look(390, 800, dark=dark, still=True)
        browser.run("document.getElementById('tab-timeline').click()")
        browser.find(".mapped li .row")
        assert browser.overflow() <= 0


STATES = [
    ({"Success": 3}, False, "Success"),
    ({"Success": 3, "Pending": 1}, False, "Running"),
    ({"Success": 3, "Pending": 1}, True, "Pending"),
    ({"Pending": 3}, False, "Pending"),
    ({"Success": 1, "Running": 1}, False, "Running"),
    ({"Success": 1, "Running": 1, "TimedOut": 1}, False, "TimedOut"),
    ({"Pending": 1, "Retrying": 1}, False, "Retrying"),
    ({"Success": 1, "Cancelled": 1}, True, "Cancelled"),
    ({"Success": 1, "Skipped": 1}, True, "Success"),
    ({}, True, "Mapped"),
]


def test_the_state_of_the_whole(browser: Browser, server: EmbeddedServer) -> None:
    browser.open(f"{server.url}/")
    entries: List[Any] = [
        [{"run": {"state": "Mapped"}, "children": _children(states)}, is_over]
        for states, is_over, _ in STATES
    ]
    found = browser.module(
        "mapped.js", "return a[0].map(([entry, isOver]) => m.stateOf(entry, isOver))", entries
    )
    assert found == [expected for _, _, expected in STATES]


def _children(states: Dict[str, int]) -> List[Dict[str, str]]:
    return [{"state": state} for state, count in states.items() for _ in range(count)]
