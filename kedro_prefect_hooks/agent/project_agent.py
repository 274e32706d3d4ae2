"""Prefect's LocalAgent for one project: the API that prefect.yml means, its flows' labels, its code.

What Prefect's own leaves open is settled here: a flow run's process is in a process group of its own, so that
Ctrl-C in the agent's terminal does not hit it; what it prints goes to a file of its own; and the runs can be
ended in good order.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import click
from prefect.agent.local import LocalAgent
from prefect.engine.state import Cancelled
from prefect.run_configs import LocalRun
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks.errors import ApiError

PATIENCE_SECONDS = 10.0
"""How long the processes of ended flow runs may take before they are killed."""

KEPT_LOGS = 100
"""Files of flow runs' output that are kept."""


@contextlib.contextmanager
def pointing_at(url: str, token: str | None = None) -> Iterator[None]:
    """Prefect's own configuration, as far as agents read it, set to an API.

    Agents take no API as an argument. Environment variables would have to be set before Prefect is imported,
    which the project's code may have done long ago.
    """
    settings: dict[str, Any] = {"backend": "server", "cloud.api": url, "server.endpoint": url}
    if token:
        settings["cloud.api_key"] = token
    with set_temporary_config(settings):
        yield


class ProjectAgent(LocalAgent):
    """An agent that runs the flows of one project on this machine.

    Args:
        logs: a folder for what flow runs print.
        end_runs: whether the agent's end is the end of its flow runs.
        takes_unlabelled: whether to take runs without labels, although the agent may have some.
        on_ready: called once it is about to ask for work.
        **kwargs: `LocalAgent`'s own.
    """

    # Prefect's grow to 10 s, for thousands of agents at one API; this one is near.
    _loop_intervals = {0: 0.25, 1: 0.5, 2: 1.0}

    def __init__(
        self,
        logs: Path,
        *,
        end_runs: bool,
        takes_unlabelled: bool,
        on_ready: Callable[[], Any] = lambda: None,
        **kwargs: Any,
    ) -> None:
        self.logs = logs
        self.end_runs = end_runs
        self.takes_unlabelled = takes_unlabelled
        self.on_ready = on_ready
        self.runs: dict[str, subprocess.Popen[bytes]] = {}
        self._away = False
        super().__init__(**kwargs)
        self.logger.setLevel(logging.WARNING)  # each deployment is told of below, in one line

    def _show_startup_display(self) -> None:
        self.on_ready()

    def _get_ready_flow_runs(self, prefetch_seconds: int = 1) -> set[str]:
        # Prefect's 10 s fit its pause between questions; a run fetched early would delay Ctrl-C as long.
        self._bury()
        try:
            found: set[str] = super()._get_ready_flow_runs(prefetch_seconds)
            if self.labels and self.takes_unlabelled:
                # Prefect gives runs without labels only to agents without labels: ask as one of those too.
                unlabelled = copy.copy(self)
                unlabelled.labels = []
                found |= LocalAgent._get_ready_flow_runs(unlabelled, prefetch_seconds)
        except Exception as error:
            if not self._away:
                self._say(f"The API does not answer; asking again until it does: {error}")
            self._away = True
            return set()
        if self._away:
            self._say("The API is back.")
        self._away = False
        return found

    def deploy_flow(self, flow_run: Any) -> str:
        """Start a flow run's process; returns a line for its log.

        Raises:
            TypeError: its run config is for another kind of agent.
            ValueError: its working directory does not exist.
        """
        run_config: Any = self._get_run_config(flow_run, LocalRun)
        working_dir = run_config.working_dir
        if working_dir and not Path(working_dir).is_dir():
            raise ValueError(f"The working_dir of the flow's run config does not exist: {working_dir}")
        file = self._log_file(str(flow_run.id))
        with file.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "execute", "flow-run"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.populate_env_vars(flow_run, run_config=run_config),
                cwd=working_dir,
                start_new_session=True,
            )
        self.processes.add(process)
        self.runs[str(flow_run.id)] = process
        self._say(f"Flow run '{flow_run.name}' of '{flow_run.flow.name}' starts (process {process.pid}).")
        return f"PID: {process.pid}"

    def _log_file(self, run_id: str) -> Path:
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = sorted(self.logs.glob("*.log"), key=lambda file: file.stat().st_mtime)
        for old in files[: max(0, len(files) - KEPT_LOGS + 1)]:
            old.unlink()
        file = self.logs / f"{run_id}.log"
        file.touch(mode=0o600)
        return file

    def _bury(self) -> None:
        """Tell of the processes that have ended."""
        for run_id, process in list(self.runs.items()):
            code = process.poll()
            if code is None:
                continue
            del self.runs[run_id]
            self.processes.discard(process)
            if code:
                self._say(
                    f"The process of flow run {run_id} ended with exit code {code}: {self._output(run_id)}"
                )
            else:
                self._say(f"Flow run {run_id} has ended.")

    def _output(self, run_id: str) -> Path:
        return self.logs / f"{run_id}.log"

    def on_shutdown(self) -> None:
        """End the flow runs, or say which go on."""
        self._bury()
        if not self.runs:
            return
        if not self.end_runs:
            self._say(f"{len(self.runs)} flow run(s) go on by themselves: {', '.join(sorted(self.runs))}")
            return
        self._say(f"Ending {len(self.runs)} flow run(s) …")
        try:
            for run_id, process in self.runs.items():
                self._interrupt(run_id, process)
            until = time.monotonic() + PATIENCE_SECONDS
            while any(each.poll() is None for each in self.runs.values()) and time.monotonic() < until:
                time.sleep(0.05)
        except KeyboardInterrupt:
            self._say("Interrupted again: killing them.")
        for run_id, process in self.runs.items():
            _kill_group(process)
            process.wait()
            self._cancelled(run_id)

    def _interrupt(self, run_id: str, process: subprocess.Popen[bytes]) -> None:
        """Let a flow run end itself: interrupted, it asks for its state, and sees that it was cancelled."""
        try:
            self.client.cancel_flow_run(run_id)
        except Exception as error:  # the API may be away, and the process must end nonetheless
            self._say(f"The API could not be told to cancel flow run {run_id}: {error}")
        if process.poll() is None:
            process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)

    def _cancelled(self, run_id: str) -> None:
        """Tell the API that the run is over, unless its process has done so."""
        try:
            run = self.client.get_flow_run_info(run_id)
            if not run.state.is_finished():
                state = Cancelled(message="Its agent was stopped.")
                self.client.set_flow_run_state(run_id, version=run.version, state=state)
            self._say(f"Flow run '{run.name}' was cancelled.")
        except Exception as error:  # the API may be away, and the rest must still be ended
            self._say(f"Flow run {run_id} was ended, but the API could not be told: {error}")

    @staticmethod
    def _say(text: str) -> None:
        click.echo(f"{time.strftime('%H:%M:%S')}  {text}")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a flow run's process, and what is left of those that it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # it leads its own session, so its group has its number
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass


def run_agent(agent: ProjectAgent, called: str) -> None:
    """Let an agent work until the process gets SIGINT or SIGTERM. Must be called in the main thread.

    Raises:
        ApiError: the API is away.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        agent.start()
    except KeyboardInterrupt:
        pass  # before the agent began to ask, or once more while it ended
    except Exception as error:
        raise ApiError(f"The agent cannot work with the Prefect API ({called}): {error}") from error
    finally:
        signal.signal(signal.SIGTERM, before)
