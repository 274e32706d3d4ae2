"""The page without agents: keys, phones, colours, an unreachable API, tokens, hostile text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List

import pytest

from kedro_prefect_hooks.compat.kedro_params import parse_value, reads_yaml
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.storage import tables, values
from kedro_prefect_hooks.embedded.web import derived
from kedro_prefect_hooks.labels import SILENT_AFTER_SECONDS
from tests.embedded.conftest import Caller, Seed, edge, task
from tests.page.browser import Browser, Keys

PARAMETERS = [
    {"name": "rate", "slug": "rate", "required": False, "default": 0.5},
    {"name": "verbose", "slug": "verbose", "required": False, "default": False},
    {"name": "title", "slug": "title", "required": False, "default": "a title"},
    {"name": "options", "slug": "options", "required": False, "default": {"depth": 2}},
    {"name": "nothing", "slug": "nothing", "required": False, "default": None},
    {"name": "must", "slug": "must", "required": True, "default": None},
]
needs_yaml = pytest.mark.skipif(not reads_yaml(), reason="this Kedro reads numbers only from --params")
NASTY = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def _latest_run(seed: Seed) -> dict[str, object]:
    query = "{ flow_run(order_by: {created: desc}, limit: 1) { id name parameters labels state } }"
    found = seed.api.data(query)["flow_run"]
    return dict(found[0]) if found else {}


def test_each_parameter_has_a_field_of_its_kind(browser: Browser, seed: Seed) -> None:
    seed.flow(seed.project("p"), "with-parameters", parameters=PARAMETERS)
    browser.open(seed.api.url)
    browser.click("Run with-parameters now")
    browser.click("Start the run")
    browser.find("dialog .error", "Enter a value")
    assert browser.focused().startswith("must")
    browser.find("textarea[name=must]").send_keys("[1, 2")
    browser.click("Start the run")
    browser.find("dialog .error", "This cannot be read: ")
    browser.find("textarea[name=must]").send_keys("]")
    browser.find("input[name=verbose]").click()
    rate = browser.find("input[name=rate]")
    rate.clear()
    rate.send_keys("12345678901234567890")
    browser.click("Start the run")
    browser.find("dialog .error", "lose digits")
    rate.clear()
    rate.send_keys("2")
    browser.find("summary").click()
    labels = browser.find("#run-labels")
    assert labels.get_attribute("value") == "here"
    labels.clear()
    labels.send_keys("big, fast")
    browser.find("#run-name").send_keys("my-run")
    browser.click("Start the run")
    browser.find("h1", "my-run")
    run = _latest_run(seed)
    # Values that nobody changed are not sent; the API fills in those defaults that are truthy.
    assert run["parameters"] == {
        "must": [1, 2],
        "verbose": True,
        "rate": 2,
        "title": "a title",
        "options": {"depth": 2},
    }
    assert run["labels"] == ["big", "fast"]


SQL = "select a\nfrom b -- only b\nwhere c\n"
STRINGS = [SQL, "two\n\nlines", "5", "2023-11-01", "true", "", " a", "a: b", "don't", "s3://bucket/x.csv"]


def _started_with(browser: Browser, seed: Seed, name: str, edits: dict[str, str]) -> dict[str, object]:
    """Start a run with these texts typed into its fields; the parameters that the page sent."""
    browser.open(seed.api.url)
    browser.run(
        """
        const own = window.fetch;
        window.sent = [];
        window.fetch = (path, options) => {
            const {query, variables} = JSON.parse(options.body);
            if (query?.includes('create_flow_run')) window.sent.push(variables.input.parameters);
            return own(path, options);
        }"""
    )
    browser.click(f"Run {name} now")
    for parameter, text in edits.items():
        field = browser.find(f"dialog [name={parameter}]")
        field.clear()
        field.send_keys(text)
    browser.click("Start the run")
    found: list[dict[str, object]] = browser.until(lambda: browser.run("return window.sent"), "a new run")
    browser.find(".state-box", "Scheduled")
    return found[0]


def test_what_nobody_touched_is_not_sent(browser: Browser, seed: Seed) -> None:
    parameters = [{**each, "required": False} for each in PARAMETERS]
    parameters.append({"name": "sql", "slug": "sql", "required": False, "default": SQL})
    seed.flow(seed.project("p"), "untouched", parameters=parameters)
    assert _started_with(browser, seed, "untouched", {}) == {}


@needs_yaml
def test_what_was_typed_is_sent_as_the_command_line_would(browser: Browser, seed: Seed) -> None:
    parameters = [{**each, "required": False} for each in PARAMETERS]
    seed.flow(seed.project("p"), "typed", parameters=parameters)
    edits = {"rate": "1e-3", "title": "2023-11-01", "options": "{depth: 3, names: [a]}", "nothing": "yes"}
    expected = {
        "rate": 0.001,
        "title": "2023-11-01",
        "options": {"depth": 3, "names": ["a"]},
        "nothing": True,
    }
    # A value that equals the default was given all the same.
    edits["must"], expected["must"] = "null ", None
    assert _started_with(browser, seed, "typed", edits) == expected


@needs_yaml
def test_strings_are_shown_as_they_would_be_read(browser: Browser, seed: Seed) -> None:
    parameters = [
        {"name": f"s{place}", "slug": f"s{place}", "required": False, "default": string}
        for place, string in enumerate(STRINGS)
    ]
    seed.flow(seed.project("p"), "strings", parameters=parameters)
    browser.open(seed.api.url)
    browser.click("Run strings now")
    browser.until(lambda: browser.find("[name=s2]").get_attribute("value") == '"5"')
    shown = [browser.find(f"[name=s{place}]").get_attribute("value") or "" for place in range(len(STRINGS))]
    assert shown[0] == "|\n  select a\n  from b -- only b\n  where c\n"
    assert shown[-2:] == STRINGS[-2:], "no quotes where none are needed"
    assert [parse_value(text) for text in shown] == STRINGS


def test_a_run_is_started_with_the_keyboard_alone(browser: Browser, seed: Seed) -> None:
    parameters = [{"name": "rows", "slug": "rows", "required": False, "default": 7}]
    seed.flow(seed.project("p"), "by-keys", parameters=parameters)
    browser.open(seed.api.url)
    browser.find(".flow")
    seen = []
    for _ in range(20):
        browser.keys(Keys.TAB)
        seen.append(browser.focused())
        outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"no visible focus on {seen[-1]}"
        if seen[-1] == "Run by-keys now":
            break
    assert seen[0] == "Skip to content"
    assert seen[-1] == "Run by-keys now", seen
    browser.keys(Keys.ENTER)
    browser.find("dialog h2", "Run by-keys")

    inside = set()
    for _ in range(12):
        browser.keys(Keys.TAB)
        inside.add(
            browser.run("return Boolean(document.activeElement.closest('dialog, body:not(:has(*:focus))'))")
        )
    assert inside == {True}, "the focus leaves the dialog"
    browser.keys(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog"))
    assert browser.focused() == "Run by-keys now"

    browser.keys(Keys.ENTER)
    browser.find("dialog h2", "Run by-keys")
    for _ in range(8):
        if browser.focused().startswith("rows"):
            break
        browser.keys(Keys.TAB)
    browser.select_all()
    browser.keys("9", Keys.ENTER)
    browser.find(".state-box", "Scheduled")
    run = _latest_run(seed)
    assert run["parameters"] == {"rows": 9}
    # A screen reader starts at the heading of the new view.
    browser.until(lambda: browser.focused() == run["name"], "the focus on the heading")


def test_the_skip_link_leads_past_the_navigation(browser: Browser, seed: Seed) -> None:
    browser.open(f"{seed.api.url}/#/agents")
    browser.keys(Keys.TAB, Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "main"
    assert browser.hash == "#/agents"


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


def test_text_from_the_api_is_never_markup(browser: Browser, seed: Seed) -> None:
    flow_id = seed.flow(seed.project(NASTY), NASTY, [NASTY, "b"], description=NASTY)
    run_id = seed.run(flow_id, flow_run_name=NASTY, labels=[NASTY], parameters={NASTY: NASTY})
    seed.flow_state(run_id, "Running", message=NASTY)
    seed.task_state(seed.task_runs(run_id)[NASTY], "Running")
    seed.task_state(seed.task_runs(run_id)[NASTY], "Failed", message=NASTY)
    seed.api.do("write_run_logs", {"logs": [{"flow_run_id": run_id, "name": NASTY, "message": NASTY}]})
    seed.api.do("register_agent", {"type": NASTY, "name": NASTY, "labels": [NASTY]}, "id")
    for address in ("#/", f"#/flow/{flow_id}", f"#/run/{run_id}", "#/agents"):
        browser.open(f"{seed.api.url}/{address}")
        browser.find("main", NASTY)
        assert not browser.all("main img, main script"), address
        assert browser.run("return document.title") != "owned"
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.find(".line .message", NASTY)
    browser.click("Graph")
    browser.find(".graph [data-task]")
    browser.open(seed.api.url)
    browser.click("Run ")
    browser.find("dialog h2", NASTY)
    assert browser.run("return document.title") != "owned"


def test_nothing_is_asked_of_another_host(browser: Browser, seed: Seed) -> None:
    url = seed.api.url
    run_id = seed.run(seed.flow(seed.project("p"), "alone"))
    for address in ("#/", "#/agents", f"#/run/{run_id}"):
        browser.open(f"{url}/{address}")
        requested = browser.requested()
        assert f"{url}/page/app.js" in requested
        assert [each for each in requested if not each.startswith(f"{url}/")] == []
    # And if it tried to, the policy would not let it.
    refused = """
        const done = arguments[0];
        document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
        fetch('http://127.0.0.1:9/').catch(() => {});"""
    assert browser.driver.execute_async_script(refused) == "connect-src"
    markup = "try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (error) { return error.name }"
    assert browser.run(markup) == "TypeError"
    browser.expected_errors += ["Content Security Policy", "TrustedHTML"]


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


def test_the_token_is_requested_and_kept_until_signing_out(browser: Browser, tmp_path: Path) -> None:
    browser.expected_errors += ["401 (Unauthorized)"]
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, token="s3cret") as server:
        browser.open(f"{server.url}/#/agents")
        browser.find("h1", "Sign in")
        assert "Token" in browser.focused()
        browser.keys("wrong", Keys.ENTER)
        browser.find(".error", "That is not the token")
        browser.keys("s3cret", Keys.ENTER)
        browser.find("h1", "Agents")
        assert "s3cret" not in browser.run(
            "return document.cookie + JSON.stringify(sessionStorage) + location.href"
        )
        browser.driver.refresh()
        browser.find("h1", "Agents")
        browser.click("Sign out")
        browser.find("h1", "Sign in")


def test_the_printed_url_signs_in_once_and_for_all(browser: Browser, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, token="s3cret") as server:
        browser.open(f"{server.url}/#token=s3cret")
        browser.find("h1", "Flows")
        assert "s3cret" not in browser.run("return document.cookie + location.href")
        browser.open(f"{server.url}/#/agents")
        browser.find("h1", "Agents")


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


def _layout_requests(browser: Browser) -> int:
    return len([address for address in browser.requested() if address.endswith("/derived/layout")])


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
