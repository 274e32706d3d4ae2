"""What the page must not do: run text of the API, ask other hosts, keep a token where others can read it."""

from __future__ import annotations

from pathlib import Path

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.embedded.conftest import Seed
from tests.page.browser import Browser, Keys

NASTY = "_<img src=x_y onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


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
