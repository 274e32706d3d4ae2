"""Drives Chromium as a person would: by what is on the page, by keys, with patience."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, List, TypeVar

import pytest

pytest.importorskip("selenium", reason="selenium is not installed (it comes with the extra `test`)")

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

__all__ = ["Browser", "Keys"]

Found = TypeVar("Found")

OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


ENDED = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_SOCKET_NOT_CONNECTED")
"""What the console says when a test's server ends before the page is left."""

# In the browser, because asking for each element is slow where there are hundreds.
_FIND = """
    return [...document.querySelectorAll(arguments[0])].find(
        (each) => each.checkVisibility() && (each.textContent.includes(arguments[1])
            || (each.innerText ?? '').includes(arguments[1])))"""
_BUTTON = """
    const within = [...document.querySelectorAll('dialog')].at(-1) ?? document;
    const names = (each) => [each.innerText, each.getAttribute('aria-label') ?? ''];
    return [...within.querySelectorAll('button:enabled')].find(
        (each) => each.checkVisibility() && names(each).some((name) => name.startsWith(arguments[0])))"""


class Browser:
    """A Chromium with one tab.

    Args:
        program, driver: Chromium and its chromedriver.
        profile: a new folder for what it keeps.
    """

    def __init__(self, program: str, driver: str, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for option in [*OPTIONS, f"--user-data-dir={profile}"]:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.expected_errors: List[str] = []

    def quit(self) -> None:
        self.driver.quit()

    def reset(self) -> None:
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.expected_errors = []
        self.look(1280, 900)

    def leave(self) -> None:
        """Fails the test for errors in the console, but those that the test expects."""
        try:
            errors = [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]
        finally:
            self.driver.execute_script("try { sessionStorage.clear() } catch (error) {}")
            self.driver.get("about:blank")
        unexpected = [
            error for error in errors if not any(known in error for known in (*ENDED, *self.expected_errors))
        ]
        assert not unexpected, unexpected

    def look(self, width: int, height: int, *, dark: bool = False, still: bool = False) -> None:
        """Set the window's size in CSS pixels, the colours, and whether the person wants little motion."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url: str) -> None:
        """Load an address anew, even when only what follows its `#` differs from the present one."""
        self.driver.get("about:blank")
        self.driver.get(url)
        self.find("h1")

    @property
    def hash(self) -> str:
        return str(self.driver.execute_script("return location.hash"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def module(self, name: str, body: str, *arguments: Any) -> Any:
        """What `body` returns, in which `m` is a module of the page and `a` are the arguments."""
        script = f"""
            const done = arguments[arguments.length - 1], a = [...arguments].slice(0, -1);
            import('/page/{name}').then(async (m) => {{ {body} }}).then(
                (value) => done({{value}}), (error) => done({{error: String(error)}}))"""
        answer = self.driver.execute_async_script(script, *arguments)
        assert "error" not in answer, answer
        return answer.get("value")

    def until(self, look: Callable[[], Found], what: str = "", timeout: float = 30) -> Found:
        """What `look` gives as soon as it is true; elements may come and go meanwhile."""
        end = time.monotonic() + timeout
        problem: Any = None
        while time.monotonic() < end:
            try:
                found = look()
                if found:
                    return found
            except (StaleElementReferenceException, WebDriverException) as error:
                problem = error
            time.sleep(0.05)
        seen = self.driver.execute_script("return document.body.innerText")
        raise AssertionError(f"Not seen within {timeout} s: {what or look}; {problem}\n{seen[:3000]}")

    def all(self, css: str) -> List[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css: str, text: str = "", timeout: float = 30) -> WebElement:
        """The first visible element that fits and contains the text, as soon as there is one."""

        def look() -> WebElement | None:
            found: WebElement | None = self.driver.execute_script(_FIND, css, text)
            return found

        found = self.until(look, f"{css} {text!r}", timeout)
        assert found is not None
        return found

    def button(self, name: str) -> WebElement:
        """The enabled button whose visible or spoken name begins so."""

        def look() -> WebElement | None:
            found: WebElement | None = self.driver.execute_script(_BUTTON, name)
            return found

        found = self.until(look, f"button {name!r}")
        assert found is not None
        return found

    def click(self, name: str) -> None:
        self.until(lambda: self.button(name).click() or True, f"a click on {name!r}")

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def select_all(self) -> None:
        ActionChains(self.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).perform()

    def focused(self) -> str:
        """What has the focus: its text, or its spoken name."""
        script = """
            const e = document.activeElement;
            return e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || e.tagName"""
        return str(self.driver.execute_script(script))

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def requested(self) -> List[str]:
        """The addresses of all that the page has loaded."""
        script = (
            "return performance.getEntries().map((entry) => entry.name).filter((name) => /^\\w+:/.test(name))"
        )
        return [str(address) for address in self.driver.execute_script(script)]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        script = "const e = document.documentElement; return e.scrollWidth - e.clientWidth"
        return int(self.driver.execute_script(script))
