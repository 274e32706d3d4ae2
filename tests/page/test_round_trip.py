"""The page in a browser, with a real agent and real flow runs: what a person clicks happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from tests import prefect_api
from tests.page.browser import Browser
from tests.prefect_api import graphql
from tests.scenarios import scenarios
from tests.scenarios.project_factory import Project

SCHEDULED = """
query($name: String!) {
    flow(where: {name: {_eq: $name}, archived: {_eq: false}}) {
        is_schedule_active
        flow_runs(where: {state: {_eq: "Scheduled"}}) { id }
    }
}"""


def _registered(kedro: Callable[..., Any], project: Project, *arguments: str) -> None:
    project.write_conf("deploy", "parameters", {})
    kedro(project, "run", "--env", "deploy", *arguments, ok=True)
    project.clean()


def _attempts(project: Project) -> list[str]:
    return (project.data / "attempts.txt").read_text().split()


def test_a_schedule_is_paused_and_resumed(
    browser: Browser, tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    schedule = {"cron": "30 6 * * 1-5", "timezone": "Europe/Paris"}
    project = scenarios.chain(tmp_path / "chain", 2, prefect={"flows": {"daily": {"schedule": schedule}}})
    with prefect_api.api(project) as url:
        _registered(kedro, project)
        browser.open(url)
        words = browser.find(".schedule", "Monday to Friday at 06:30").text
        assert "30 6 * * 1-5" in words and "Europe/Paris" in words
        browser.until(lambda: "next" in browser.find(".schedule").text)
        switch = browser.find("button[role=switch]")
        assert switch.get_attribute("aria-checked") == "true"
        assert len(graphql(url, SCHEDULED, {"name": "daily"})["flow"][0]["flow_runs"]) == 10

        browser.click("Schedule of daily")
        browser.find(".schedule", "paused")
        assert browser.find("button[role=switch]").get_attribute("aria-checked") == "false"
        flow = graphql(url, SCHEDULED, {"name": "daily"})["flow"][0]
        assert flow == {"is_schedule_active": False, "flow_runs": []}

        browser.click("Schedule of daily")
        browser.until(lambda: "next" in browser.find(".schedule").text)
        flow = graphql(url, SCHEDULED, {"name": "daily"})["flow"][0]
        assert flow["is_schedule_active"] is True
        assert len(flow["flow_runs"]) == 10


def test_a_run_with_parameters_is_followed_and_cancelled_and_run_again(
    browser: Browser, tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = scenarios.slow(
        tmp_path / "slow", seconds=0, prefect={"flows": {"training": {"parameters": ["seconds"]}}}
    )
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        _registered(kedro, project)
        with prefect_api.agent(url, home, log):
            browser.open(url)
            browser.find(".agent-count", "1 agent running")
            browser.click("Run training now")
            field = browser.find("dialog input[name=seconds]")
            assert field.get_attribute("value") == "0"
            field.clear()
            field.send_keys("a while")
            browser.click("Start the run")
            browser.find("dialog .error", "Enter a number")
            assert browser.focused().startswith("seconds")
            field.clear()
            field.send_keys("600")
            browser.click("Start the run")

            browser.find(".state-box", "Running")
            browser.find(".row.running", "slow")
            browser.find(".row.success", "quick")
            browser.find(".row.pending", "after")
            browser.find(".bar.live")
            browser.find(".line", "Task 'slow': Starting task run")
            run_id = browser.hash.rsplit("/", 1)[1]
            assert prefect_api.read_run(url, run_id)["parameters"] == {"seconds": 600}

            browser.click("Cancel")
            browser.click("Keep running")
            browser.until(lambda: not browser.all("dialog"))
            assert prefect_api.read_run(url, run_id)["state"] == "Running"
            browser.click("Cancel")
            browser.click("Cancel the run")
            browser.find(".state-box", "Cancelled")
            assert prefect_api.finished_run(url, run_id, log)["state"] == "Cancelled"

            (project.data / "go.txt").write_text("go")
            browser.click("Run again")
            assert browser.find("dialog input[name=seconds]").get_attribute("value") == "600"
            browser.click("Start the run")
            browser.until(lambda: browser.hash.rsplit("/", 1)[1] != run_id, "another run")
            browser.find(".state-box", "Success")
            second = prefect_api.read_run(url, browser.hash.rsplit("/", 1)[1])
            assert (second["state"], second["parameters"]) == ("Success", {"seconds": 600})

            browser.open(url)
            ticks = [each.get_attribute("aria-label") for each in browser.all(".tick")]
            assert ["Cancelled" in (ticks[0] or ""), "Success" in (ticks[1] or "")] == [True, True]


def test_a_failed_run_is_restarted_where_it_failed(
    browser: Browser, tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    result = {"type": "LocalResult", "dir": str(tmp_path / "results")}
    project = scenarios.failing(tmp_path / "failing", prefect={"flows": {"nightly": {"result": result}}})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        _registered(kedro, project)
        project.break_node("third")
        with prefect_api.agent(url, home, log):
            browser.open(url)
            browser.click("Run nightly now")
            browser.click("Start the run")
            browser.find(".state-box", "Failed")
            run_id = browser.hash.rsplit("/", 1)[1]
            browser.find(".failures button", "third is broken")
            browser.find(".row.failed", "third")
            browser.find(".row.blocked", "Not run")
            browser.find(".line.level-error", "ValueError: third is broken")
            assert _attempts(project) == ["first", "second", "third"]

            browser.click("third")
            browser.find(".task-panel", "third is broken")
            browser.until(lambda: browser.all(".line") and not browser.find(".lines").text.count("'first'"))
            browser.click("Close third")
            browser.click("Graph")
            box = browser.find(".graph [data-task].failed")
            assert box.get_attribute("aria-label") == "third, Failed"

            project.fix_node("third")
            browser.click("Restart from failed")
            browser.find(".state-box", "Success", timeout=120)
            assert _attempts(project) == ["first", "second", "third", "third", "last"]
            assert len(browser.all(".graph [data-task].success")) == 4
            browser.find("table.states", "Restarted from the page.")
            browser.click("Timeline")
            browser.find(".row.success", "2 attempts")
            run = prefect_api.read_run(url, run_id)
            assert run["state"] == "Success"
            assert json.loads((project.data / "end.json").read_text()) == 4


def test_a_graph_of_many_kinds_of_nodes(
    browser: Browser, tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = scenarios.traps(tmp_path / "traps", prefect={"flows": {"everything": {}}})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        _registered(kedro, project)
        with prefect_api.agent(url, home, log):
            run_id = prefect_api.start_run(url, "everything")
            tasks = prefect_api.finished_run(url, run_id, log)["task_runs"]
        browser.open(f"{url}/#/flow-run/{run_id}")  # as the command line prints it
        browser.click("Graph")
        browser.find(".graph [data-task].success")
        names = {each.get_attribute("aria-label") for each in browser.all(".graph [data-task]")}
        assert names == {f"{task['task']['name']}, Success" for task in tasks}
        lines = graphql(url, f'{{ log(where: {{flow_run_id: {{_eq: "{run_id}"}}}}) {{ id }} }}')["log"]
        browser.find(".log-tools", f"{len(lines)} line")
        assert all(address.startswith((url, "about:", "data:")) for address in browser.requested())
