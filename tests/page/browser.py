"""Drives Chromium as a person does: by what is visible, by keys, and with patience."""

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


SERVER_ENDED = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET_NOT_CONNECTED",
)
"""Console errors when a test's server ends before the page is left."""

# In the browser, because asking for each of hundreds of elements is slow.
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
        profile: a new folder for its profile.
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
        """Leave the page; fails the test for errors in the console that it does not expect."""
        try:
            errors = [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]
        finally:
            self.driver.execute_script(
                "try { sessionStorage.clear(); localStorage.clear() } catch (error) {}"
            )
            self.driver.get("about:blank")
        unexpected = [
            error
            for error in errors
            if not any(known in error for known in (*SERVER_ENDED, *self.expected_errors))
        ]
        assert not unexpected, unexpected

    def look(self, width: int, height: int, *, dark: bool = False, still: bool = False) -> None:
        """Set the size in CSS pixels, the colour scheme, and whether motion is reduced (`still`)."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url: str) -> None:
        """Load a URL afresh, even if it differs from the current one only after the `#`."""
        self.driver.get("about:blank")
        self.driver.get(url)
        self.find("h1")

    @property
    def hash(self) -> str:
        return str(self.driver.execute_script("return location.hash"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def module(self, name: str, body: str, *arguments: Any) -> Any:
        """What the JavaScript `body` returns; `m` is a module of the page and `a` the arguments."""
        script = f"""
            const done = arguments[arguments.length - 1], a = [...arguments].slice(0, -1);
            import('/page/{name}').then(async (m) => {{ {body} }}).then(
                (value) => done({{value}}), (error) => done({{error: String(error)}}))"""
        answer = self.driver.execute_async_script(script, *arguments)
        assert "error" not in answer, answer
        return answer.get("value")

    def until(self, look: Callable[[], Found], what: str = "", timeout: float = 30) -> Found:
        """What `look` returns, as soon as it is true; meanwhile, elements may come and go."""
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
        text = self.driver.execute_script("return document.body.innerText")
        raise AssertionError(f"Not found within {timeout} s: {what or look}; {problem}\n{text[:3000]}")

    def all(self, css: str) -> List[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css: str, text: str = "", timeout: float = 30) -> WebElement:
        """The first visible element that matches and contains the text, as soon as there is one."""

        def look() -> WebElement | None:
            found: WebElement | None = self.driver.execute_script(_FIND, css, text)
            return found

        found = self.until(look, f"{css} {text!r}", timeout)
        assert found is not None
        return found

    def button(self, name: str) -> WebElement:
        """The enabled button whose visible or accessible name starts with `name`."""

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
        """The accessible name or text of the focused element."""
        script = """
            const e = document.activeElement;
            return e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || e.tagName"""
        return str(self.driver.execute_script(script))

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def requested(self) -> List[str]:
        """The URLs of everything that the page has loaded."""
        script = (
            "return performance.getEntries().map((entry) => entry.name).filter((name) => /^\\w+:/.test(name))"
        )
        return [str(url) for url in self.driver.execute_script(script)]

    def overflow(self) -> int:
        """How many pixels the page is wider than the window."""
        script = "const e = document.documentElement; return e.scrollWidth - e.clientWidth"
        return int(self.driver.execute_script(script))
