"""The page without agents: phones, colours, hints, schedules, an unreachable API."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.storage import tables, values
from kedro_prefect_hooks.labels import SILENT_AFTER_SECONDS
from tests.embedded.conftest import Caller, Seed
from tests.page.browser import Browser, Keys
from tests.page.conftest import PARAMETERS


def test_the_skip_link_leads_past_the_navigation(browser: Browser, seed: Seed) -> None:
    browser.open(f"{seed.api.url}/#/agents")
    browser.keys(Keys.TAB, Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "main"
    assert browser.hash == "#/agents"


def test_nothing_is_wider_than_a_phone(browser: Browser, seed: Seed) -> None:
    names = ["a_very_long_name_of_a_node_without_any_break_in_it_" * 3, "short"]
    schedule = {
        "type": "Schedule",
        "clocks": [{"type": "CronClock", "cron": "0 6 * * 1-5", "start_date": None}],
        "filters": [],
    }
    long = "flow_" * 20
    flow_id = seed.flow(
        seed.project("a_project_" * 9), long, names, parameters=PARAMETERS[:-1], schedule=schedule
    )
    run_id = seed.run(flow_id, parameters={"title": "x" * 300})
    seed.flow_state(run_id, "Running")
    first = seed.task_runs(run_id)[names[0]]
    seed.task_state(first, "Running")
    seed.task_state(first, "Failed", message="E" * 400)
    logs = [{"flow_run_id": run_id, "level": "ERROR", "name": "n" * 90, "message": "m" * 500}]
    seed.api.do("write_run_logs", {"logs": logs})
    seed.api.do("register_agent", {"type": "LocalAgent", "name": "agent_" * 15, "labels": ["l" * 80]}, "id")
    group = seed.api.data(f'{{ flow_by_pk(id: "{flow_id}") {{ flow_group_id }} }}')["flow_by_pk"][
        "flow_group_id"
    ]
    for dark in (False, True):
        browser.look(360, 740, dark=dark, still=True)
        for address in ("#/", "#/agents", f"#/flow/{group}", f"#/run/{run_id}", "#/nowhere"):
            browser.open(f"{seed.api.url}/{address}")
            assert browser.overflow() <= 0, (address, dark)
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.click("Graph")
    browser.find(".graph [data-task].failed")
    assert browser.overflow() <= 0
    browser.open(f"{seed.api.url}/#/")
    browser.click(f"Run {long}")
    browser.find("dialog h2", long)
    assert browser.overflow() <= 0
    box = browser.find("dialog").rect
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360


LINES = """
    return [...document.querySelectorAll(arguments[0])].map((element) => {
        const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        const lines = [], range = new Range();
        let top = null;
        while (texts.nextNode()) for (let at = 0; at < texts.currentNode.length; at += 1) {
            range.setStart(texts.currentNode, at);
            range.setEnd(texts.currentNode, at + 1);
            const place = range.getBoundingClientRect().top;
            if (place !== top) lines.push('');
            top = place;
            lines[lines.length - 1] += texts.currentNode.data[at];
        }
        return lines;
    })"""


def test_long_names_are_broken_after_underscores(browser: Browser, seed: Seed) -> None:
    names = ["delays_by_month_and_hour_of_departure", "_private__name_of_a_node_that_has_failed", "short"]
    run_id = seed.run(seed.flow(seed.project("p"), "flow_of_delays_" * 5 + "end", names))
    seed.flow_state(run_id, "Running")
    failed = seed.task_runs(run_id)[names[1]]
    seed.task_state(failed, "Running")
    seed.task_state(failed, "Failed", message="an error")
    browser.open(f"{seed.api.url}/#/run/{run_id}/{failed}")
    browser.find(".failures")
    assert sorted("".join(lines) for lines in browser.run(LINES, ".row-name .name")) == sorted(names)
    browser.look(360, 740)
    places = [".row-name .name", ".failures strong", ".task-panel h3", ".crumbs a"]
    found = [lines for place in places for lines in browser.run(LINES, place)]
    assert sum(len(lines) > 1 for lines in found) >= 3, "long names need more than one line"
    assert [line for lines in found for line in lines[:-1] if not line.endswith("_")] == []
    browser.open(f"{seed.api.url}/#/")
    (lines,) = browser.run(LINES, ".flow h2")
    assert len(lines) > 1 and all(line.endswith("_") for line in lines[:-1])


def test_dark_mode_and_reduced_motion_are_respected(browser: Browser, seed: Seed) -> None:
    run_id = seed.run(seed.flow(seed.project("p"), "moving"))
    seed.flow_state(run_id, "Running")
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.find(".state-box", "Running")
    light = browser.run(style, "body", "backgroundColor")
    assert browser.run(style, ".state-box > .icon", "animationName") == "breathe"
    browser.look(1280, 900, dark=True, still=True)
    assert browser.run(style, "body", "backgroundColor") != light
    assert browser.run(style, ".state-box > .icon", "animationName") == "none"


def _polling_agent(seed: Seed, kind: str, labels: List[str]) -> None:
    """Register an agent that has just asked for flow runs."""
    given = {"type": kind, "name": kind.lower(), "labels": labels, "tenant_id": seed.tenant_id}
    agent_id = seed.api.do("register_agent", given, "id")
    queue = {"tenant_id": seed.tenant_id, "before": "2000-01-01T00:00:00Z", "labels": labels}
    seed.api.do("get_runs_in_queue", queue, "flow_run_ids", x_prefect_agent_id=agent_id)


def test_a_waiting_run_says_which_agent_it_lacks(
    browser: Browser, seed: Seed, server: EmbeddedServer
) -> None:
    project = seed.project("p")
    labelled, plain = (
        seed.flow(project, "labelled"),
        seed.flow(project, "plain", run_config={"type": "LocalRun"}),
    )
    labelled_run, plain_run = (f"{seed.api.url}/#/run/{seed.run(flow)}" for flow in (labelled, plain))
    demanding_run = f"{seed.api.url}/#/run/{seed.run(labelled, labels=['here', 'big'])}"

    browser.open(seed.api.url)
    browser.find(".hint-box", "kedro prefect agent")
    browser.open(labelled_run)
    browser.find(".hint-box", "No agent with the label here is running.")
    assert "kedro prefect up" in browser.find(".hint-box").text
    browser.open(plain_run)
    browser.find(".hint-box", "No agent is running.")

    # Prefect's rule: an agent with labels accepts no runs without labels.
    _polling_agent(seed, "LocalAgent", ["here"])
    browser.find(".hint-box", "Prefect's agents with labels accept only runs that have labels too.")
    hint = browser.find(".hint-box").text
    assert "No running agent accepts runs without labels" in hint
    assert "Labels of the running agents: here." in hint
    assert "kedro prefect up" not in hint
    browser.open(labelled_run)
    browser.find(".state-box", "Scheduled")
    browser.until(lambda: not browser.all(".hint-box"), "no hint")
    browser.open(demanding_run)
    browser.find(".hint-box", "No running agent has all of the labels big, here.")
    browser.open(seed.api.url)
    browser.find(".agent-count", "1 agent running")
    hints = [each.text for each in browser.all(".flow-hint")]
    assert len(hints) == 1 and "without labels" in hints[0], "only the flow without labels"

    # The project's own agent asks for runs without labels too, and may have more labels than a run.
    _polling_agent(seed, "ProjectAgent", ["big", "here", "there"])
    browser.until(lambda: not browser.all(".flow-hint"), "no hint")
    for run in (plain_run, demanding_run):
        browser.open(run)
        browser.find(".state-box", "Scheduled")
        browser.until(lambda: not browser.all(".hint-box"), "no hint")

    # An agent that has stopped asking accepts nothing.
    minutes_ago = values.now() - 2 * SILENT_AFTER_SECONDS * values.SECOND
    with server.database.write() as connection:
        connection.execute(tables.agent.update().values(last_queried=minutes_ago))
    browser.find(".hint-box", "No agent with the labels big, here is running.")
    browser.open(f"{seed.api.url}/#/agents")
    browser.find(".hint-box", "No agent is running")
    assert len(browser.all(".dot.gone")) == 2


def test_a_schedule_is_shown_with_its_code_and_details(browser: Browser, seed: Seed) -> None:
    clocks = [
        {"type": "CronClock", "cron": "0 6 * * 1-5", "start_date": None},
        {"type": "CronClock", "cron": "0 6 1 2 *", "start_date": None, "labels": ["big"]},
        {
            "type": "IntervalClock",
            "interval": 5400 * 10**6,
            "start_date": None,
            "parameter_defaults": {"a": 1},
        },
    ]
    seed.flow(seed.project("p"), "timed", schedule={"type": "Schedule", "clocks": clocks, "filters": []})
    browser.open(seed.api.url)
    browser.find(".schedule .clock", "Monday to Friday at 06:00")
    texts = [each.text.lower() for each in browser.all(".schedule .clock")]
    assert texts == [
        "monday to friday at 06:00 0 6 * * 1-5 utc",
        "0 6 1 2 * utc on agents labelled big",
        "every 90 minutes with a=1",
    ]
    time.sleep(3.5)
    requested = [each for each in browser.requested() if each.endswith("/derived/schedules")]
    assert len(requested) == 1, "the words are requested once"


def test_states_are_announced_and_the_view_is_not_rebuilt(browser: Browser, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "spoken")
    run_id = seed.run(flow_id)
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.find(".state-box", "Scheduled")
    browser.run(
        "document.querySelector('.state-box').marked = document.querySelector('#tab-graph').marked = true"
    )
    browser.run("document.querySelector('#tab-graph').focus()")
    seed.flow_state(run_id, "Running")
    browser.find(".state-box", "Running")
    assert ": Running" in browser.run("return document.getElementById('announcer').textContent")
    assert browser.run("return document.querySelector('#tab-graph').marked === true")
    assert browser.focused() == "Graph"


def test_an_unreachable_api_is_reported_until_it_responds_again(browser: Browser, tmp_path: Path) -> None:
    database = tmp_path / "api.sqlite"
    with EmbeddedServer(database, services=False) as server:
        port = int(server.url.rsplit(":", 1)[1])
        seed = Seed(Caller(server.url))
        run_id = seed.run(seed.flow(seed.project("p"), "steady"))
        browser.open(f"{server.url}/#/run/{run_id}")
        browser.find(".state-box", "Scheduled")
        assert not browser.find("body").find_elements("css selector", "#banner:not([hidden])")
    browser.find("#banner", "does not respond")
    assert "Scheduled" in browser.text()
    with EmbeddedServer(database, services=False, port=port) as server:
        browser.until(lambda: not browser.all("#banner:not([hidden])"), "the banner goes", 30)
        Seed(Caller(server.url)).flow_state(run_id, "Running")
        browser.find(".state-box", "Running")
        browser.open(f"{server.url}/#/agents")
