"""What tasks have left for people to read, and running a run again with the values that it had."""

from __future__ import annotations

from typing import Any

from tests.embedded.conftest import Seed
from tests.page.browser import Browser

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MARKDOWN = f"""# Report

| | Dataset | Where |
|---|---|---:|
| wrote | **daily\\_prices** | `data/a\\|b.csv` |
| read | [page](https://example.org/x) | [bad](javascript:alert(1)) |

<img src=x onerror="document.title='owned'"> and \\*no emphasis\\*

- one
- two

```json
{{"a": [1]}}
```

![plot](data:image/png;base64,{PIXEL})"""


def _artifact(seed: Seed, task_run: str, kind: str, data: Any) -> None:
    seed.api.do("create_task_run_artifact", {"task_run_id": task_run, "kind": kind, "data": data}, "id")


def test_artifacts_are_shown_with_their_tasks_and_never_as_markup(browser: Browser, seed: Seed) -> None:
    run_id = seed.run(seed.flow(seed.project("p"), "leaves"))
    seed.flow_state(run_id, "Running")
    runs = seed.task_runs(run_id)
    _artifact(seed, runs["a"], "markdown", {"markdown": MARKDOWN})
    _artifact(seed, runs["b"], "link", {"link": "https://example.org/report"})
    _artifact(seed, runs["b"], "link", {"link": "javascript:alert(1)"})
    _artifact(seed, runs["b"], "other", {"number": 12345})
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.click("Data")
    browser.find(".artifact", "Report")
    assert len(browser.all(".artifact")) == 4
    cells = browser.run(
        "return [...document.querySelectorAll('table.data td')].map((each) => each.innerText)"
    )
    assert cells == ["wrote", "daily_prices", "data/a|b.csv", "read", "page", "bad (javascript:alert(1))"]
    links = browser.run(
        "return [...document.querySelectorAll('.artifact p a, td a')].map((each) => each.href)"
    )
    assert links == ["https://example.org/x", "https://example.org/report"]
    browser.until(lambda: browser.run("return document.querySelector('.artifact img').naturalWidth") == 1)
    assert "*no emphasis*" in browser.text() and "onerror" in browser.text()
    browser.find(".artifact pre", "12345")
    assert browser.run("return document.title") != "owned"

    browser.find(".artifact h3 a", "b").click()
    browser.find(".task-panel .artifact", "https://example.org/report")
    assert browser.hash == f"#/run/{run_id}/{runs['b']}"
    assert browser.run("return document.querySelectorAll('.task-panel .artifact').length") == 3


SQL = "select a\nfrom b -- only b\nwhere c\n"
DEFAULTS = {"sql": SQL, "empty": "", "none": None, "zero": 0, "items": [], "rate": 0.5}
EARLIER = {"sql": "select 1\n-- two lines\n", "empty": "", "rate": 0.25, "items": [1, "2"], "old": 1}


def test_run_again_opens_the_form_with_the_values_of_the_run(browser: Browser, seed: Seed) -> None:
    parameters = [
        {"name": name, "slug": name, "required": False, "default": value} for name, value in DEFAULTS.items()
    ]
    flow_id = seed.flow(seed.project("p"), "again", parameters=parameters)
    run_id = seed.run(flow_id, parameters=EARLIER, labels=["big"])
    for state in ("Running", "Success"):
        seed.flow_state(run_id, state)
    browser.open(f"{seed.api.url}/#/run/{run_id}")
    browser.find(".state-box", "Success")
    shown = browser.run(
        "return Object.fromEntries([...document.querySelectorAll('.parameters li')].map("
        "(each) => [each.children[0].innerText, each.children[1].innerText]))"
    )
    assert {name: shown[name] for name in ("empty", "none", "zero")} == {
        "empty": '""',
        "none": "null",
        "zero": "0",
    }
    assert shown["items"] == '[1,"2"]'
    browser.click("Run again")
    browser.find("dialog h2", "Run again again")
    browser.find("dialog", "No longer parameters of the flow: old.")
    assert browser.find("dialog [name=rate]").get_attribute("value") == "0.25"
    browser.click("Start the run")
    browser.until(lambda: run_id not in browser.hash, "another run")
    query = "{ flow_run(order_by: {created: desc}, limit: 1) { parameters labels } }"
    found = seed.api.data(query)["flow_run"][0]
    assert found["labels"] == ["big"]
    assert {name: found["parameters"][name] for name in ("sql", "rate", "items")} == {
        "sql": EARLIER["sql"],
        "rate": 0.25,
        "items": [1, "2"],
    }
    assert "old" not in found["parameters"] and "none" not in found["parameters"]
