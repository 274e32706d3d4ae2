"""The form that starts a run: a field for each parameter, what it sends, and the keyboard alone."""

from __future__ import annotations

import pytest

from kedro_prefect_hooks.compat.kedro_params import parse_value, reads_yaml
from tests.embedded.conftest import Seed
from tests.page.browser import Browser, Keys
from tests.page.conftest import PARAMETERS

needs_yaml = pytest.mark.skipif(not reads_yaml(), reason="this Kedro reads numbers only from --params")
SQL = "select a\nfrom b -- only b\nwhere c\n"
STRINGS = [SQL, "two\n\nlines", "5", "2023-11-01", "true", "", " a", "a: b", "don't", "s3://bucket/x.csv"]


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
