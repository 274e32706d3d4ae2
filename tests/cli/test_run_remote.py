"""`run`: a flow run that an agent runs, followed with `--watch` until it has finished."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from tests import processes
from tests.cli.conftest import TIMEOUT, Background, wait_until
from tests.scenarios.project_factory import Project, clean_environment
from tests.scenarios.scenarios import chain, failing, slow

Up = Callable[..., Background]
Kedro = Callable[..., Any]


def test_what_is_missing_is_reported_with_the_next_step(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    stopped = kedro(project, "prefect", "run", "chain", "--watch")
    assert stopped.returncode == 1
    assert "`kedro prefect up`" in stopped.stdout and "--local" in stopped.stdout

    unregistered = kedro(project, "prefect", "run", "chain")
    assert unregistered.returncode == 1
    assert "Register it first: kedro prefect register" in unregistered.stdout

    kedro(project, "prefect", "register", ok=True)
    waiting = kedro(project, "prefect", "run", "chain", ok=True).stdout
    assert "The flow run waits until the API and an agent are running.\nNext: kedro prefect up\n" in waiting
    up(project)  # its agent runs the waiting flow run
    wait_until((project.data / "end.json").exists, "the waiting flow run")


def test_watch_prints_states_log_lines_and_a_table(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = failing(tmp_path / "project", prefect={"flows": {"good": {"parameters": []}, "other": {}}})
    process = up(project)
    kedro(project, "prefect", "register", ok=True)
    output = kedro(project, "prefect", "run", "good", "--watch", "--name", "my run", ok=True).stdout
    assert "Flow run 'my run' of 'good', version 1, is Scheduled." in output
    for state in ("Scheduled", "Submitted", "Running", "Success"):
        assert re.search(rf"\d\d:\d\d:\d\d  STATE     {state}", output), output
    assert re.search(r"INFO      Running node: second: ", output), (
        "Kedro's own log lines arrive through the API"
    )
    times = [line[:8] for line in output.splitlines() if re.match(r"\d\d:\d\d:\d\d  STATE", line)]
    assert times == sorted(times)
    assert re.search(r"  third   Success +\d+\.\d+ s +\d+\.\d+ s  \| *=+ *\|\n", output)
    assert re.search(r"Flow run 'my run' ended in Success after \d+\.\d+ s\.", output)
    assert "\x1b" not in output and "\r" not in output
    assert re.search(r"Started flow run 'my run' of 'good' \(process \d+\)\.\n", process.output)

    project.break_node("third")
    failed = kedro(project, "prefect", "run", "good", "--name", "broken third", "--watch")
    assert failed.returncode == 1
    assert "To restart it where it failed: kedro prefect restart 'broken third'\n" in failed.stdout
    assert "ended in Failed" in failed.stdout
    assert "  third: Error during execution of task: ValueError('third is broken')" in failed.stdout


def test_parameters_reach_the_flow_run(tmp_path: Path, kedro: Kedro, up: Up) -> None:
    project = slow(tmp_path / "project", 3600, prefect={"flows": {"slow": {"parameters": ["seconds"]}}})
    up(project)
    kedro(project, "prefect", "register", ok=True)
    result = kedro(project, "prefect", "run", "slow", "--watch", "--param", "seconds=0.01")
    assert result.returncode == 0, result.stdout


def _interrupt_at_a_terminal(project: Project, home: Path, choice: str) -> str:
    """Watch a run of the slow flow at a terminal, press Ctrl+C while it is running, and make a choice."""
    import pty

    terminal, end_of_child = pty.openpty()
    with processes.running(
        [sys.executable, "-m", "kedro", "prefect", "run", "slow", "--watch"],
        cwd=str(project.path),
        env=clean_environment(home),
        stdin=end_of_child,
        stdout=end_of_child,
        stderr=end_of_child,
        start_new_session=True,
        close_fds=True,
    ) as process:
        os.close(end_of_child)
        output = b""

        def read() -> bytes:
            ready, _, _ = select.select([terminal], [], [], TIMEOUT)
            assert ready, f"nothing was printed for {TIMEOUT} s after: {output.decode()}"
            try:
                return os.read(terminal, 4096)
            except OSError:  # the terminal has closed with the process
                return b""

        def read_until(text: bytes) -> None:
            nonlocal output
            while text not in output:
                chunk = read()
                assert chunk, output.decode()
                output += chunk

        read_until(b"STATE     Running")
        wait_until((project.data / "started.txt").exists, "the slow node")
        process.send_signal(signal.SIGINT)
        read_until(b"Cancel the flow run (c)")
        os.write(terminal, choice.encode() + b"\n")
        while True:
            chunk = read()
            if not chunk:
                break
            output += chunk
        process.wait(60)
        os.close(terminal)
        output += f"\nexit code {process.returncode}".encode()
    return output.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_offers_to_cancel_or_to_detach(tmp_path: Path, kedro: Kedro, up: Up, home: Path) -> None:
    project = slow(tmp_path / "project", 3600, prefect={"flows": {"slow": {}}})
    up(project)
    kedro(project, "prefect", "register", ok=True)

    cancelled = _interrupt_at_a_terminal(project, home, "c")
    assert "Requested cancellation" in cancelled
    assert "ended in Cancelled" in cancelled
    assert "exit code 1" in cancelled

    (project.data / "started.txt").unlink()
    detached = _interrupt_at_a_terminal(project, home, "d")
    assert re.search(r"Detached: flow run '[\w-]+' keeps running\.", detached)
    assert "exit code 1" in detached
    assert not (project.data / "end.json").exists()
    (project.data / "go.txt").write_text("")
    wait_until((project.data / "end.json").exists, "the detached flow run")
