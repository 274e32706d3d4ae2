"""Make the pictures of the documentation again, from the real thing: docs/assets/pictures/.

    python -m docs.pictures            all of them, in some two minutes
    python -m docs.pictures drawings   only the drawings that need no process

It needs the extra [test], Chromium and chromedriver, and port 4200. It follows the tutorial in a temporary
folder and draws what the commands print. Then it runs the flows of the example project with
`kedro prefect up`, and takes screenshots of the page.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

from docs import drawings
from tests.cli.test_tutorial import commands, steps, write_file

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "assets" / "pictures"

FIRST_RUN = {
    "init": ["kedro prefect init --settings"],
    "register": ["kedro prefect plan", "kedro prefect register"],
    "watch": ["kedro prefect run hello-flow --watch"],
}
"""The pictures of the first run, by what they show; each is one terminal."""

KEDRO_LOG_LINE = re.compile(r"\[\d\d/\d\d/\d\d |\s{25}")
"""A line of Kedro's console log, or the continuation of one: where Kedro reads its logging configuration."""

RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

MAX_LINES = 22
KEPT_AT_END = 4
COLORS = 128
SIZE = (1280, 800)
SMALL = 470


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    _write_text("architecture-light.svg", drawings.architecture(drawings.LIGHT))
    _write_text("architecture-dark.svg", drawings.architecture(drawings.DARK))
    if sys.argv[1:] == ["drawings"]:
        return
    with tempfile.TemporaryDirectory() as folder:
        _first_run(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _page(Path(folder))


# --- a first run, step by step -----------------------------------------------------------------------


def _first_run(folder: Path) -> None:
    """Follow the tutorial up to the first flow run, and draw the terminals."""
    printed: dict[str, list[str]] = {}
    with contextlib.ExitStack() as processes:
        for before, language, content in steps("first-flow.md"):
            if language in ("python", "yaml"):
                write_file(folder, before, content)
            elif language == "console":
                for command, _ in commands(content):
                    if command.startswith("$ cd "):
                        folder = folder / command[len("$ cd ") :]
                    elif command == "$ kedro prefect up":
                        processes.enter_context(_up(folder, "--port", "4200"))
                    elif command.startswith("$ kedro"):
                        printed[command[2:]] = _run(folder, command[2:])
                if FIRST_RUN["watch"][0] in printed:
                    break
            if FIRST_RUN["watch"][0] in printed:
                break
    for name, shown in FIRST_RUN.items():
        blocks = [(command, _shortened(printed[command], folder)) for command in shown]
        _write_text(f"first-run-{name}.svg", drawings.terminal(blocks))


def _shortened(lines: list[str], folder: Path) -> list[str]:
    """The lines without Kedro's own and paths of this machine; the middle of many lines is left out."""
    kept = [line for line in lines if not KEDRO_LOG_LINE.match(line)]
    lines = "\n".join(kept).replace(str(folder.parent), "/home/me").strip("\n").splitlines()
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - KEPT_AT_END - 1], "…", *lines[-KEPT_AT_END:]]
    return lines


# --- the page ----------------------------------------------------------------------------------------


def _page(folder: Path) -> None:
    """Run flows of the example project, and take pictures of the page."""
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("data", ".kedro_prefect")
    )
    shutil.copytree(ROOT / "conf_example", folder / "conf_example")
    project = folder / "examples" / "flights"
    with _up(project, "--env", "deploy", "--port", "4200") as address:
        _run(project, "kedro prefect register --env deploy")
        _run(project, "kedro prefect run delay-tables --env deploy --watch")
        _run(project, "kedro prefect run month-by-month --env deploy --watch")
        failed = _flow_run(
            "kedro prefect run model-refresh --env deploy --watch --param model.test_size=2", project, 1
        )
        finished = _flow_run("kedro prefect run flight-delays --env deploy --watch", project, 0)
        _photograph(address, finished, failed, folder)


def _flow_run(command: str, project: Path, code: int) -> str:
    """Run a command that starts a flow run, and return the flow run's id."""
    lines = _run(project, command, code)
    return next(found[0] for line in lines if (found := RUN_ID.search(line)))


def _photograph(address: str, finished: str, failed: str, folder: Path) -> None:
    from tests.page.browser import Browser

    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        sys.exit(
            "Chromium or chromedriver is not installed (Debian: apt-get install chromium chromium-driver)"
        )
    browser = Browser(program, driver, folder / "profile")
    try:
        browser.look(*SIZE, still=True)
        browser.open(address)
        browser.find("h1", "Flows")
        for mode in ("light", "dark"):
            browser.look(*SIZE, dark=mode == "dark", still=True)
            _visit(browser, address.partition("#")[0], finished, failed, mode)
    finally:
        browser.quit()


def _visit(browser: Any, url: str, finished: str, failed: str, mode: str) -> None:
    """Take pictures of each view of the page, in the order of the guide that shows them."""

    def whole(name: str) -> None:
        _save(browser.driver.get_screenshot_as_png(), f"page-{name}-{mode}.png")

    def part(name: str, css: str) -> None:
        _save(browser.find(css).screenshot_as_png, f"{name}-{mode}.png")

    def show(view: str, css: str, text: str) -> None:
        browser.driver.get(f"{url}#/{view}")
        browser.find(css, text)
        time.sleep(2)  # the page draws what it has fetched

    show("", "h1", "Flows")
    whole("flows")
    browser.look(SIZE[0], SMALL, dark=mode == "dark", still=True)
    show("runs", "h1", "Runs")
    whole("runs")
    browser.look(*SIZE, dark=mode == "dark", still=True)
    show(f"run/{failed}", ".state-box", "Failed")
    whole("failed")
    show(f"run/{finished}", "h2", "Tasks")
    whole("run")
    browser.run("document.getElementById('tasks').closest('section').scrollIntoView()")
    part("timeline", "#panel")
    browser.click("Graph")
    time.sleep(2)
    part("page-graph", "#panel")
    browser.click("Data")
    time.sleep(2)
    part("page-data", "[aria-label='Artifact of delays_by_carrier']")
    browser.run("document.getElementById('logs').closest('section').scrollIntoView()")
    part("page-log", ".logs")
    browser.run("scrollTo(0, 0)")
    browser.click("Run again")
    time.sleep(1)
    part("page-form", "dialog")
    browser.keys("\ue00c")  # Escape


# --- processes and files -----------------------------------------------------------------------------


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "KEDRO"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PREFECT__HOME_DIR": str(folder / ".prefect"),
        "KEDRO_DISABLE_TELEMETRY": "1",
        "COLUMNS": "100",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def _run(folder: Path, command: str, *codes: int) -> list[str]:
    """Run a command, and return the lines that it printed.

    Its exit code must be one of `codes`; without them 0, or that of `plan` with something to register: 3.
    """
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode not in (codes or (0, 3)):
        sys.exit(f"{command} failed:\n{done.stdout}")
    print(command, flush=True)
    return done.stdout.splitlines()


@contextlib.contextmanager
def _up(folder: Path, *arguments: str) -> Iterator[str]:
    """`kedro prefect up` in the background; yields the address of the page, with its token."""
    output = folder / "up.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["kedro", "prefect", "up", *arguments],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        while "Press Ctrl+C" not in output.read_text(encoding="utf-8"):
            if process.poll() is not None:
                sys.exit(output.read_text(encoding="utf-8"))
            time.sleep(0.2)
        found = re.search(r"http://127\.0\.0\.1:\d+/\S*#\S+", output.read_text(encoding="utf-8"))
        yield found[0] if found else "http://127.0.0.1:4200/"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _write_text(name: str, content: str) -> None:
    (PICTURES / name).write_text(content, encoding="utf-8")


def _save(picture: Any, name: str) -> None:
    """Save a screenshot with few colours, as the page has, which makes it a fraction of the size."""
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    main()
