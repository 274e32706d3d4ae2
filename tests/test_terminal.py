"""What is printed can be shown by any terminal, and no name in it controls the terminal."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import click
import pytest
from click.testing import CliRunner

from kedro_prefect_hooks import terminal
from kedro_prefect_hooks.cli import COMMANDS, base, prefect
from kedro_prefect_hooks.errors import ConfigError
from tests.scenarios.project_factory import Project, clean_environment
from tests.scenarios.scenarios import chain

TEXTS = {
    "as it is": ("1 → 2 …", "utf-8", "1 → 2 …"),
    "cp1252": ("1 → 2 …", "cp1252", "1 -> 2 …"),
    "ASCII": ("1 → 2 … größer 数", "ascii", "1 -> 2 ... gr\\xf6\\xdfer \\u6570"),
    "unknown encoding": ("→", "nonsense", "→"),
    "escape sequence": ("a\x1b]0;title\x07b\x1b[2Jc", "utf-8", "a\\x1b]0;title\\x07b\\x1b[2Jc"),
    "color": ("\x1b[31mred\x1b[0m", "utf-8", "\x1b[31mred\x1b[0m"),
    "direction": ("a\u202eb\u2066c", "utf-8", "a\\u202eb\\u2066c"),
    "lines": ("a\r\nb\tc\n", "utf-8", "a\nb\tc\n"),
    "carriage return": ("safe\revil", "utf-8", "safe\\revil"),
}


@pytest.mark.parametrize(("text", "encoding", "expected"), TEXTS.values(), ids=TEXTS)
def test_shown(text: str, encoding: str, expected: str) -> None:
    assert terminal.shown(text, encoding) == expected


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_an_error_is_shown_in_any_encoding(encoding: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    ConfigError("1 → 2 \x1b[2J").show(stream)
    stream.flush()
    assert written.getvalue().startswith(b"Error: 1 ")
    assert b"\x1b" not in written.getvalue()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_can_be_printed_in_ascii(name: str) -> None:
    result = CliRunner(charset="ascii").invoke(prefect, [name, "--help"])
    assert result.exit_code == 0, result.output


def test_a_closed_pipe_ends_a_command_quietly() -> None:
    @base.command(name="many")
    def many() -> None:
        for number in range(100_000):
            terminal.echo(f"line {number}")

    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    patch = pytest.MonkeyPatch()
    patch.setattr(sys, "stdout", stream)
    try:
        with pytest.raises(SystemExit) as raised:
            many.main([])
        assert raised.value.code == 1
    finally:
        patch.undo()
        with contextlib.suppress(BrokenPipeError):
            stream.close()


def test_a_line_of_the_hook_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", fail)
    terminal.echo_quietly("x")


def test_logs_do_not_mix_with_json() -> None:
    handler = logging.StreamHandler(sys.stdout)
    logger = logging.getLogger("tests.terminal")
    logger.addHandler(handler)
    try:
        terminal.send_logs_to_stderr()
        assert handler.stream is sys.stderr
    finally:
        logger.removeHandler(handler)


def run_kedro(
    project: Project, home: Path, *arguments: str, **env: str
) -> subprocess.CompletedProcess[bytes]:
    """In an interpreter of its own, whose streams have the encoding of `PYTHONIOENCODING`."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=project.path,
        env=clean_environment(home, **env),
        capture_output=True,
        check=False,
    )


def test_a_run_registers_and_goes_on_whatever_the_terminal(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"a": {"retries": {"max_retries": 1}}}})
    kedro(project, "prefect", "register", ok=True)
    project.write_conf("base", "prefect", {"flows": {"a": {"retries": {"max_retries": 2}}}})
    plan = run_kedro(project, home, "prefect", "plan", PYTHONIOENCODING="cp1252")
    assert b"1 -> 2" in plan.stdout, plan.stderr
    run = run_kedro(project, home, "run", "--env", "deploy", PYTHONIOENCODING="cp1252")
    assert run.returncode == 0, run.stderr
    assert b"retries of node_0, node_1: 1 -> 2" in run.stdout
    assert "version 2" in kedro(project, "prefect", "register", ok=True).stdout


def test_a_program_reads_only_json(tmp_path: Path, home: Path) -> None:
    """Kedro's first log line comes before any plugin is loaded; the file sends it elsewhere."""
    project = chain(tmp_path / "project", 2, prefect={"flows": {"a": {}}})
    project.write(
        "conf/logging.yml",
        "version: 1\nhandlers: {h: {class: logging.StreamHandler, stream: ext://sys.stderr}}\n"
        "root: {handlers: [h], level: INFO}\n",
    )
    for arguments in (["plan", "--json"], ["schema"]):
        done = run_kedro(project, home, "prefect", *arguments, KEDRO_LOGGING_CONFIG="conf/logging.yml")
        assert done.returncode in (0, 3), done.stderr
        assert json.loads(done.stdout), done.stdout
