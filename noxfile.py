"""The grid: the whole test suite on each pair of Python and Kedro that we support.

    make test-all                    every pair whose Python this machine has
    make test-all CELLS="-k 3.9"     one Python; `-k 0.19.15` one Kedro; `--list` names them all
    make corners                     oldest with oldest and newest with newest, the part that meets Kedro

Each pair has an environment of its own below `.nox/`, installed by uv. What came of a pair is kept in
`.nox/grid/`; the session `table` prints it, and `make grid-docs` takes it into the documentation.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nox

GRID = {
    "3.8": ("0.17.6", "0.17.7", "0.18.1", "0.18.2", "0.18.14", "0.19.0"),
    "3.9": ("0.18.2", "0.19.15", "1.0.0"),
    "3.10": ("0.18.14", "0.19.15", "1.7.0"),
    "3.11": ("0.18.14", "0.19.15", "1.7.0"),
    "3.12": ("0.19.15", "1.7.0"),
    "3.13": ("0.19.15", "1.7.0"),
}
"""Kedro versions by Python: those which run on it, and mark where Kedro's interfaces change."""

CELLS = [(python, kedro) for python, versions in GRID.items() for kedro in versions]
CORNERS = [("3.8", "0.18.1"), ("3.13", "1.7.0")]
MEETS_KEDRO = ("scenarios", "flows", "end_to_end")
"""Folders of tests for the corners in CI, where `make test` has run all of them on one pair."""

RESULTS = Path(".nox") / "grid"

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["suite", "plugins", "table"]
# A Python that is not here is said to be skipped: not downloaded and no error, in CI either.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"


def _let_pyenv_show_its_pythons() -> None:
    """pyenv's `python3.9` answers only while version 3.9 is switched on: switch on all that we can use."""
    if shutil.which("pyenv"):
        command = ["pyenv", "versions", "--bare"]
        listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        found = [version for version in listed if ".".join(version.split(".")[:2]) in GRID]
        os.environ["PYENV_VERSION"] = ":".join(found)


_let_pyenv_show_its_pythons()
# Tests start hundreds of processes, each of which would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _pairs(cells: list[tuple[str, str]]) -> Any:
    return nox.parametrize("python,kedro", [nox.param(*cell, id="-".join(cell)) for cell in cells])


@nox.session
@_pairs(CELLS)
def suite(session: nox.Session, kedro: str) -> None:
    """The whole test suite with one pair of Python and Kedro; what follows `--` goes to pytest."""
    python = str(session.python)
    name = f"py{python}-kedro{kedro}"
    result, report = RESULTS / f"{name}.json", RESULTS / f"{name}.xml"
    RESULTS.mkdir(parents=True, exist_ok=True)
    for old in (result, report):
        old.unlink(missing_ok=True)

    _install(session, kedro)
    packages = session.run("uv", "pip", "freeze", "--exclude-editable", silent=True, external=True)
    begun = time.monotonic()
    try:
        _pytest(session, f"--junitxml={report}", *session.posargs)
    finally:
        if report.is_file() and not session.posargs:
            found = {
                "python": python,
                "kedro": kedro,
                **_counts(report),
                "seconds": round(time.monotonic() - begun),
                "day": time.strftime("%Y-%m-%d"),
                "packages": str(packages).splitlines(),
            }
            result.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


@nox.session(default=False)
@_pairs(CORNERS)
def corner(session: nox.Session, kedro: str) -> None:
    """What meets Kedro and Python most, with the oldest and the newest of both."""
    _install(session, kedro)
    _pytest(session, *(f"tests/{folder}" for folder in MEETS_KEDRO))


@nox.session(python="3.11")
def plugins(session: nox.Session) -> None:
    """The tests with kedro-mlflow, kedro-viz and kedro-telemetry installed; without them they are skipped.

    They alone: kedro-mlflow acts in every Kedro project there is, those of the other tests too.
    """
    _install(session, "1.7.0", "test,plugins")
    _pytest(session, "tests/plugins", *session.posargs)


def _install(session: nox.Session, kedro: str, extras: str = "test") -> None:
    session.install("--compile-bytecode", "--editable", f".[{extras}]", f"kedro=={kedro}")


def _pytest(session: nox.Session, *arguments: str) -> None:
    workers = os.environ.get("WORKERS", "auto")
    session.run("python", "-m", "pytest", "-q", "-n", workers, "--dist=worksteal", *arguments)


@nox.session(python=False)
def table(session: nox.Session) -> None:
    """Print what came of each pair, and fail when one is not green."""
    rows = [_last_result(python, kedro) for python, kedro in CELLS]
    print(f"{'Python':8}{'Kedro':10}{'passed':>8}{'failed':>8}{'skipped':>9}{'minutes':>9}")
    for row in rows:
        start = f"{row['python']:8}{row['kedro']:10}"
        if "passed" in row:
            minutes = row["seconds"] / 60
            print(f"{start}{row['passed']:>8}{row['failed']:>8}{row['skipped']:>9}{minutes:>9.1f}")
        else:
            print(f"{start}   not run: is there a Python {row['python']} on this machine?")
    if any(row.get("failed") for row in rows):
        session.error("not every pair is green")


@nox.session(python=False, default=False)
def record(session: nox.Session) -> None:
    """Take the last results into docs/reference/grid.json, and the sets of packages into constraints.txt."""
    rows = [_last_result(python, kedro) for python, kedro in CELLS]
    # GRID is in order, so the last of a Python is its newest Kedro.
    newest = {row["python"]: row.get("packages", []) for row in rows}
    for row in rows:
        row.pop("packages", None)
    Path("docs/reference/grid.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    Path("constraints.txt").write_text(_constraints(newest), encoding="utf-8")


def _counts(report: Path) -> dict[str, int]:
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    return {"passed": int(suite.get("tests", 0)) - failed - skipped, "failed": failed, "skipped": skipped}


def _last_result(python: str, kedro: str) -> dict[str, Any]:
    file = RESULTS / f"py{python}-kedro{kedro}.json"
    if not file.is_file():
        return {"python": python, "kedro": kedro}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _constraints(packages: dict[str, list[str]]) -> str:
    """One file for all Pythons: each package's versions, with the Pythons that they were tested on."""
    pythons: dict[str, list[str]] = {}
    for python, pins in packages.items():
        for pin in pins:
            if "==" in pin:
                pythons.setdefault(pin, []).append(python)
    covered = [python for python, pins in packages.items() if pins]
    lines = [
        "# What the last run of the whole test suite had installed, with the newest Kedro of each Python.",
        f"# Covers Python {', '.join(covered)}. Written by `make grid-docs`.",
    ]
    for pin, where in sorted(pythons.items(), key=lambda item: item[0].lower()):
        marks = " or ".join(f"python_version == '{python}'" for python in where)
        lines.append(pin if len(where) == len(GRID) else f"{pin} ; {marks}")
    return "\n".join(lines) + "\n"
