"""The full test suite for each supported pair of Python and Kedro (the grid).

    make test-all                    every pair whose Python is installed
    make test-all CELLS="-k 3.9"     one Python; `-k 0.19.15` one Kedro; `--list` lists all pairs
    make corners                     the oldest and the newest pair, with the tests that depend most on Kedro

Each pair has its own environment in `.nox/`, installed by uv. The results are stored in `.nox/grid/`. The
session `table` prints them, and `make grid-docs` writes them to the documentation.
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
"""Kedro versions by Python: those that run on it and mark a change in Kedro's interfaces."""

CELLS = [(python, kedro) for python, versions in GRID.items() for kedro in versions]
CORNERS = [("3.8", "0.18.1"), ("3.13", "1.7.0")]
STARTERS = [
    ("3.8", "0.17.7", "spaceflights", "0.17.7"),
    ("3.8", "0.18.2", "spaceflights", "0.18.2"),
    ("3.9", "0.18.14", "spaceflights-pandas-viz", "0.18.14"),
    ("3.11", "0.19.15", "spaceflights-pandas-viz", "0.19.15"),
    ("3.12", "1.7.0", "spaceflights-pandas", "1.2.0"),
]
"""Python, Kedro, official starter, its tag. Kedro 1.7 begins projects with the starter of 1.2."""

MORE_PINS = {"0.18.14": ("numpy<2", "mlflow>=2")}
"""Without them, the pins of 2023 allow a NumPy with which the MLflow of that time cannot be imported."""

STARTERS_REPOSITORY = os.environ.get("STARTERS", "https://github.com/kedro-org/kedro-starters.git")
END_TO_END = ("agent", "bad_configuration", "guards", "registering_run", "runner")
MEETS_KEDRO = {
    "0.18.1": ("scenarios", "flows", *(f"end_to_end/test_{name}.py" for name in END_TO_END)),
    "1.7.0": ("scenarios", "flows"),
}
"""Tests for the corners in CI, where `make test` has already run all of them with one pair."""

RESULTS = Path(".nox") / "grid"

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["suite", "plugins", "table"]
# A Python that is not installed is reported as skipped: it is neither downloaded nor an error, even in CI.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"


def _let_pyenv_show_its_pythons() -> None:
    """Enable all pyenv versions that the grid uses: pyenv's `python3.9` works only if 3.9 is enabled."""
    if shutil.which("pyenv"):
        command = ["pyenv", "versions", "--bare"]
        listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        found = [version for version in listed if ".".join(version.split(".")[:2]) in GRID]
        os.environ["PYENV_VERSION"] = ":".join(found)


_let_pyenv_show_its_pythons()
# Tests start hundreds of processes. Without this, each would compile everything that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _pairs(cells: list[tuple[str, str]]) -> Any:
    return nox.parametrize("python,kedro", [nox.param(*cell, id="-".join(cell)) for cell in cells])


@nox.session
@_pairs(CELLS)
def suite(session: nox.Session, kedro: str) -> None:
    """Run the full test suite with one pair of Python and Kedro; pass arguments to pytest after `--`."""
    python = str(session.python)
    name = f"py{python}-kedro{kedro}"
    result, report = RESULTS / f"{name}.json", RESULTS / f"{name}.xml"
    RESULTS.mkdir(parents=True, exist_ok=True)
    for old in (result, report):
        old.unlink(missing_ok=True)

    _install(session, kedro)
    session.env["EVERY_EXECUTOR"] = "1"
    packages = session.run("uv", "pip", "freeze", "--exclude-editable", silent=True, external=True)
    started = time.monotonic()
    try:
        _pytest(session, f"--junitxml={report}", *session.posargs)
    finally:
        if report.is_file() and not session.posargs:
            found = {
                "python": python,
                "kedro": kedro,
                **_counts(report),
                "seconds": round(time.monotonic() - started),
                "day": time.strftime("%Y-%m-%d"),
                "packages": str(packages).splitlines(),
            }
            result.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


@nox.session(default=False)
@_pairs(CORNERS)
def corner(session: nox.Session, kedro: str) -> None:
    """Run the tests that depend most on Kedro and Python, with the oldest and the newest of both."""
    _install(session, kedro)
    _pytest(session, *(f"tests/{path}" for path in MEETS_KEDRO[kedro]))


@nox.session(python="3.11")
def plugins(session: nox.Session) -> None:
    """Run the tests that need kedro-mlflow, kedro-viz and kedro-telemetry.

    Only these tests: kedro-mlflow affects every Kedro project, including those of the other tests.
    """
    _install(session, "1.7.0", "test,plugins")
    _pytest(session, "tests/plugins", *session.posargs)


@nox.session(default=False)
@nox.parametrize(
    "python,kedro,starter,tag", [nox.param(*cell, id=f"{cell[0]}-{cell[1]}") for cell in STARTERS]
)
def starters(session: nox.Session, kedro: str, starter: str, tag: str) -> None:
    """Run an official starter as a flow, beside the packages that it pins, kedro-viz and kedro-mlflow.

    The starters are cloned from GitHub, or from the Git repository in the variable STARTERS.
    """
    folder = Path(session.create_tmp()).resolve()
    project = folder / "project"
    shutil.rmtree(folder, ignore_errors=True)
    name = f"py{session.python}-kedro{kedro}-starter"
    RESULTS.mkdir(parents=True, exist_ok=True)
    result = RESULTS / f"{name}.json"
    result.unlink(missing_ok=True)
    script = ("python", "tests/starters/check_starter.py")
    session.install(f"kedro=={kedro}", "setuptools<81")
    session.run(*script, "new", str(folder), starter, tag, STARTERS_REPOSITORY)
    pins = next(each for each in (project / "src", project) if (each / "requirements.txt").is_file())
    started = time.monotonic()
    session.install(
        *("--requirement", str(pins / "requirements.txt")),
        *(f"kedro=={kedro}", "kedro-mlflow", *MORE_PINS.get(kedro, ()), "--editable", ".[embedded]"),
    )
    session.run(*script, "run", str(project))
    packages = session.run("uv", "pip", "freeze", "--exclude-editable", silent=True, external=True)
    shown = ("kedro-viz==", "kedro-mlflow==", "kedro-datasets==", "pydantic==", "sqlalchemy==")
    found = {
        "python": str(session.python),
        "kedro": kedro,
        "starter": f"{starter} {tag}",
        "beside": [line for line in str(packages).splitlines() if line.startswith(shown)],
        "seconds": round(time.monotonic() - started),
        "day": time.strftime("%Y-%m-%d"),
    }
    result.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _install(session: nox.Session, kedro: str, extras: str = "test") -> None:
    session.install("--compile-bytecode", "--editable", f".[{extras}]", f"kedro=={kedro}")


def _pytest(session: nox.Session, *arguments: str) -> None:
    workers = os.environ.get("WORKERS", "auto")
    session.run("python", "-m", "pytest", "-q", "-n", workers, "--dist=worksteal", *arguments)


@nox.session(python=False)
def table(session: nox.Session) -> None:
    """Print the result of each pair, and fail if one of them has failures."""
    rows = [_last_result(python, kedro) for python, kedro in CELLS]
    print(f"{'Python':8}{'Kedro':10}{'passed':>8}{'failed':>8}{'skipped':>9}{'minutes':>9}")
    for row in rows:
        start = f"{row['python']:8}{row['kedro']:10}"
        if "passed" in row:
            minutes = row["seconds"] / 60
            print(f"{start}{row['passed']:>8}{row['failed']:>8}{row['skipped']:>9}{minutes:>9.1f}")
        else:
            print(f"{start}   not run: is Python {row['python']} installed?")
    if any(row.get("failed") for row in rows):
        session.error("some pairs have failures")


@nox.session(python=False, default=False)
def record(session: nox.Session) -> None:
    """Write the last results to docs/reference/grid.json, and the installed packages to constraints.txt."""
    rows = [_last_result(python, kedro) for python, kedro in CELLS]
    # GRID is ordered, so the last entry of each Python is its newest Kedro.
    newest = {row["python"]: row.get("packages", []) for row in rows}
    for row in rows:
        row.pop("packages", None)
    Path("docs/reference/grid.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    found = [RESULTS / f"py{cell[0]}-kedro{cell[1]}-starter.json" for cell in STARTERS]
    projects = [json.loads(file.read_text(encoding="utf-8")) for file in found if file.is_file()]
    if projects:
        text = json.dumps(projects, indent=1) + "\n"
        Path("docs/reference/starters.json").write_text(text, encoding="utf-8")
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
    """Return one file for all Pythons: each package's versions, with the Pythons they were tested on."""
    pythons: dict[str, list[str]] = {}
    for python, pins in packages.items():
        for pin in pins:
            if "==" in pin:
                pythons.setdefault(pin, []).append(python)
    covered = [python for python, pins in packages.items() if pins]
    lines = [
        "# Packages installed for the last run of the full test suite, with the newest Kedro of each Python.",
        f"# Covers Python {', '.join(covered)}. Generated by `make grid-docs`.",
    ]
    for pin, where in sorted(pythons.items(), key=lambda item: item[0].lower()):
        marks = " or ".join(f"python_version == '{python}'" for python in where)
        lines.append(pin if len(where) == len(GRID) else f"{pin} ; {marks}")
    return "\n".join(lines) + "\n"
