"""`run`: a flow run in the API, taken by an agent, and followed to its end with `--watch`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.cli.conftest import Background, wait_until
from tests.scenarios.project_factory import Project, clean_environment
from tests.scenarios.scenarios import chain, failing, slow

Up = Callable[..., Background]
Kedro = Callable[..., Any]


def test_what_is_missing_is_said_with_the_next_step(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    alone = kedro(project, "prefect", "run", "chain", "--watch")
    assert alone.returncode == 1
    assert "`kedro prefect up`" in alone.stdout and "--local" in alone.stdout

    unregistered = kedro(project, "prefect", "run", "chain")
    assert unregistered.returncode == 1
    assert "Register it first: kedro prefect register" in unregistered.stdout

    kedro(project, "prefect", "register", ok=True)
    waits = kedro(project, "prefect", "run", "chain", ok=True).stdout
    assert "Next: kedro prefect up. The run waits until it is started." in waits
    up(project)  # whose agent takes the run that has waited
    wait_until((project.data / "end.json").exists, "the run that waited")


def test_watch_shows_states_log_lines_and_times(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = failing(tmp_path / "project", prefect={"flows": {"good": {"parameters": []}, "other": {}}})
    process = up(project)
    kedro(project, "prefect", "register", ok=True)
    output = kedro(project, "prefect", "run", "good", "--watch", "--name", "my run", ok=True).stdout
    assert "Flow run 'my run' of 'good', version 1, is Scheduled." in output
    for state in ("Scheduled", "Submitted", "Running", "Success"):
        assert re.search(rf"\d\d:\d\d:\d\d  STATE     {state}", output), output
    assert re.search(r"INFO      Running node: second: ", output), "Kedro's own lines come through the API"
    times = [line[:8] for line in output.splitlines() if re.match(r"\d\d:\d\d:\d\d  STATE", line)]
    assert times == sorted(times)
    assert re.search(r"  third   Success +\d+\.\d+ s +\d+\.\d+ s\n", output)
    assert re.search(r"Flow run 'my run' ended in Success after \d+\.\d+ s\.", output)
    assert "\x1b" not in output and "\r" not in output
    assert "of 'good' starts (process" in process.printed

    project.break_node("third")
    failed = kedro(project, "prefect", "run", "good", "--watch")
    assert failed.returncode == 1
    assert "ended in Failed" in failed.stdout
    assert "  third: Error during execution of task: ValueError('third is broken')" in failed.stdout


def test_parameters_reach_the_flow_run(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = slow(tmp_path / "project", 3600, prefect={"flows": {"slow": {"parameters": ["seconds"]}}})
    up(project)
    kedro(project, "prefect", "register", ok=True)
    result = kedro(project, "prefect", "run", "slow", "--watch", "--param", "seconds=0.01")
    assert result.returncode == 0, result.stdout


def _at_a_terminal(project: Project, home: Path, answer: str) -> str:
    """Watches a run of the slow flow at a terminal, presses Ctrl-C once it runs, and answers."""
    import pty

    mine, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "kedro", "prefect", "run", "slow", "--watch"],
        cwd=str(project.path),
        env=clean_environment(home),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        close_fds=True,
    ) as process:
        os.close(its)
        printed = b""

        def read_until(text: bytes) -> None:
            nonlocal printed
            while text not in printed:
                try:
                    piece = os.read(mine, 4096)
                except OSError:  # the terminal has closed with the process
                    piece = b""
                assert piece, printed.decode()
                printed += piece

        read_until(b"STATE     Running")
        wait_until((project.data / "started.txt").exists, "the slow node")
        process.send_signal(signal.SIGINT)
        read_until(b"Cancel the flow run (c)")
        os.write(mine, answer.encode() + b"\n")
        try:
            while True:
                piece = os.read(mine, 4096)
                if not piece:
                    break
                printed += piece
        except OSError:
            pass
        process.wait(60)
        os.close(mine)
        printed += f"\nexit code {process.returncode}".encode()
    return printed.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_offers_to_cancel_or_to_detach(tmp_path: Path, kedro: Kedro, up: Up, home: Path) -> None:
    project = slow(tmp_path / "project", 3600, prefect={"flows": {"slow": {}}})
    up(project)
    kedro(project, "prefect", "register", ok=True)

    cancelled = _at_a_terminal(project, home, "c")
    assert "Asked to cancel" in cancelled
    assert "ended in Cancelled" in cancelled
    assert "exit code 1" in cancelled

    (project.data / "started.txt").unlink()
    detached = _at_a_terminal(project, home, "d")
    assert "goes on without being watched" in detached
    assert "exit code 1" in detached
    assert not (project.data / "end.json").exists()
    (project.data / "go.txt").write_text("")
    wait_until((project.data / "end.json").exists, "the run that was left alone")
