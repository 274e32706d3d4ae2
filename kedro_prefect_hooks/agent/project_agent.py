"""Prefect's LocalAgent for one project: the API of prefect.yml, the labels of its flows, its code.

Each flow run has a process group of its own, so that Ctrl+C in the agent's terminal does not interrupt it,
and its output goes to a file of its own. Stopping the agent can cancel its flow runs, with time for them to
report their states. This module knows nothing of the command line.
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
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator

from prefect.agent.local import LocalAgent
from prefect.engine.state import Cancelled
from prefect.run_configs import LocalRun
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks.agent.api_address import ApiAddress
from kedro_prefect_hooks.agent.flow_labels import label_sets
from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.errors import ApiError
from kedro_prefect_hooks.labels import agent_accepts

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import PrefectConfig

GRACE_SECONDS = 10.0
"""How long the processes of cancelled flow runs have to exit before they are killed."""

KEPT_LOG_FILES = 100
"""How many flow runs' output files are kept."""

Echo = Callable[[str], Any]


@contextlib.contextmanager
def prefect_configured_for(api: ApiAddress) -> Iterator[None]:
    """Point Prefect's own configuration, as far as agents read it, at an API.

    Agents do not accept an API as an argument. Environment variables would have to be set before Prefect is
    imported, which the project's code may have done long ago.
    """
    settings: dict[str, Any] = {"backend": "server", "cloud.api": api.url, "server.endpoint": api.url}
    if api.token:
        settings["cloud.api_key"] = api.token
    with set_temporary_config(settings):
        yield


def make_agent(
    project_path: Path,
    config: PrefectConfig,
    *,
    package: str,
    source_dir: Path,
    labels: Iterable[str] = (),
    name: str | None = None,
    cancel_on_exit: bool,
    echo: Echo,
) -> ProjectAgent:
    """The agent of a project. Prefect must be configured for the API.

    Args:
        project_path: the project's folder.
        config: its prefect.yml.
        package: the project's Python package.
        source_dir: the folder that contains the package.
        labels: labels in addition to those of the project's flows.
        name: the agent's name in Prefect; by default that of the Prefect project.
        cancel_on_exit: whether stopping the agent cancels its flow runs.
        echo: called with each line to print.
    """
    of_flows = label_sets(config)
    kind = LabelledProjectAgent if all(of_flows) else ProjectAgent
    return kind(
        location.state_dir(project_path) / "logs",
        cancel_on_exit=cancel_on_exit,
        echo=echo,
        name=name or config.project or package,
        labels=sorted(set(labels).union(*of_flows)),
        import_paths=[str(source_dir), str(project_path)],
        env_vars=_env_vars(embedded=config.api == "embedded"),
        hostname_label=False,  # `label_sets` adds this machine's name where a flow needs it
    )


def _env_vars(embedded: bool) -> dict[str, str]:
    """Prefect settings for flow runs, unless the environment has them already.

    By default Prefect sends heartbeats from a process of its own, which outlives a killed flow run, so that
    the run would never be seen as dead; a thread ends with the run. An API on this machine can be polled more
    often than a shared one: log lines arrive at once, and a cancelled run ends soon.
    """
    defaults = {"PREFECT__CLOUD__HEARTBEAT_MODE": "thread"}
    if embedded:
        defaults["PREFECT__CLOUD__LOGGING_HEARTBEAT"] = "1"
        defaults["PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL"] = "3"
    return {name: value for name, value in defaults.items() if name not in os.environ}


class ProjectAgent(LocalAgent):
    """An agent that runs the flows of one project on this machine, also flow runs without labels.

    The API knows its type by the name of this class (`labels.PROJECT_AGENT`).

    Args:
        log_dir: a folder for the output of flow runs.
        cancel_on_exit: whether stopping the agent cancels its flow runs.
        echo: called with each line to print.
        **kwargs: those of `LocalAgent`.

    Attributes:
        on_ready: called when the agent is about to poll for flow runs.
    """

    # Prefect's intervals grow to 10 s, for thousands of agents that share one API.
    _loop_intervals = {0: 0.25, 1: 0.5, 2: 1.0}

    def __init__(self, log_dir: Path, *, cancel_on_exit: bool, echo: Echo, **kwargs: Any) -> None:
        self.log_dir = log_dir
        self.cancel_on_exit = cancel_on_exit
        self.echo = echo
        self.on_ready: Callable[[], Any] = lambda: None
        self.flow_runs: dict[str, subprocess.Popen[bytes]] = {}
        self._unreachable = False
        super().__init__(**kwargs)
        self.logger.setLevel(logging.WARNING)  # each flow run is reported below, in one line

    def _show_startup_display(self) -> None:
        self.on_ready()

    def _get_ready_flow_runs(self, prefetch_seconds: int = 1) -> set[str]:
        # Prefect prefetches 10 s, its longest polling interval; a prefetched run would delay Ctrl+C as long.
        self._report_exited()
        try:
            flow_run_ids: set[str] = super()._get_ready_flow_runs(prefetch_seconds)
            if self.labels and agent_accepts(type(self).__name__, list(self.labels), ()):
                # Prefect offers runs without labels only to agents without labels: poll as one of those too.
                unlabelled = copy.copy(self)
                unlabelled.labels = []
                flow_run_ids |= LocalAgent._get_ready_flow_runs(unlabelled, prefetch_seconds)
        except Exception as error:
            if not self._unreachable:
                self._report(f"The API is unreachable; retrying until it responds: {error}")
            self._unreachable = True
            return set()
        if self._unreachable:
            self._report("The API is reachable again.")
        self._unreachable = False
        return flow_run_ids

    def deploy_flow(self, flow_run: Any) -> str:
        """Start a flow run's process; return a line for the flow run's log.

        Raises:
            TypeError: its run config is for another kind of agent.
            ValueError: its working directory does not exist.
        """
        run_config: Any = self._get_run_config(flow_run, LocalRun)
        working_dir = run_config.working_dir
        if working_dir and not Path(working_dir).is_dir():
            raise ValueError(f"The working_dir of the flow's run config does not exist: {working_dir}")
        with self._new_log_file(str(flow_run.id)).open("wb") as output:
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
        self.flow_runs[str(flow_run.id)] = process
        self._report(f"Started flow run '{flow_run.name}' of '{flow_run.flow.name}' (process {process.pid}).")
        return f"PID: {process.pid}"

    def _log_file(self, flow_run_id: str) -> Path:
        return self.log_dir / f"{flow_run_id}.log"

    def _new_log_file(self, flow_run_id: str) -> Path:
        """Create a flow run's output file, and delete the oldest ones."""
        self.log_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = sorted(self.log_dir.glob("*.log"), key=lambda file: file.stat().st_mtime)
        for old in files[: max(0, len(files) - KEPT_LOG_FILES + 1)]:
            old.unlink()
        file = self._log_file(flow_run_id)
        file.touch(mode=0o600)
        return file

    def _report_exited(self) -> None:
        """Report the flow runs whose processes have exited, and forget them."""
        for flow_run_id, process in list(self.flow_runs.items()):
            code = process.poll()
            if code is None:
                continue
            del self.flow_runs[flow_run_id]
            self.processes.discard(process)
            if code:
                output = self._log_file(flow_run_id)
                self._report(
                    f"The process of flow run {flow_run_id} exited with code {code}. Output: {output}"
                )
            else:
                self._report(f"Flow run {flow_run_id} has finished.")

    def on_shutdown(self) -> None:
        """Cancel the flow runs, or report which ones keep running."""
        self._report_exited()
        if not self.flow_runs:
            return
        count = f"{len(self.flow_runs)} flow run{'' if len(self.flow_runs) == 1 else 's'}"
        if not self.cancel_on_exit:
            self._report(f"Still running without this agent: {count} ({', '.join(sorted(self.flow_runs))})")
            return
        self._report(f"Cancelling {count} …")
        try:
            for flow_run_id, process in self.flow_runs.items():
                self._interrupt(flow_run_id, process)
            deadline = time.monotonic() + GRACE_SECONDS
            while any(process.poll() is None for process in self.flow_runs.values()):
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.05)
        except KeyboardInterrupt:
            self._report("Interrupted again: killing their processes.")
        for flow_run_id, process in self.flow_runs.items():
            _kill_group(process)
            process.wait()
            self._set_cancelled(flow_run_id)

    def _interrupt(self, flow_run_id: str, process: subprocess.Popen[bytes]) -> None:
        """Interrupt a flow run's process, which then reads its state, finds it cancelled, and exits."""
        try:
            self.client.cancel_flow_run(flow_run_id)
        except Exception as error:  # the API may be unreachable, and the process must stop nonetheless
            self._report(f"Could not ask the API to cancel flow run {flow_run_id}: {error}")
        if process.poll() is None:
            process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)

    def _set_cancelled(self, flow_run_id: str) -> None:
        """Set the flow run's state to Cancelled, unless its process has set a final state."""
        try:
            flow_run = self.client.get_flow_run_info(flow_run_id)
            if not flow_run.state.is_finished():
                state = Cancelled(message="The agent was stopped.")
                self.client.set_flow_run_state(flow_run_id, version=flow_run.version, state=state)
            self._report(f"Flow run '{flow_run.name}' was cancelled.")
        except Exception as error:  # the API may be unreachable, and the other runs must still be stopped
            self._report(f"Stopped flow run {flow_run_id}, but could not set its state in the API: {error}")

    def _report(self, text: str) -> None:
        self.echo(f"{time.strftime('%H:%M:%S')}  {text}")


class LabelledProjectAgent(ProjectAgent):
    """The agent of a project whose flows all have labels: it leaves runs without labels to others.

    A class of its own because the API, and so whoever asks which agent accepts a flow run, knows its name.
    """


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a flow run's process, and whatever is left of the processes that it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # it leads its own session, so its group has its number
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass


def run_agent(agent: ProjectAgent, api: ApiAddress) -> None:
    """Run an agent until SIGINT or SIGTERM. Must be called in the main thread.

    Raises:
        ApiError: the API is unreachable.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        agent.start()
    except KeyboardInterrupt:
        pass  # before the agent's first poll, or once more during its shutdown
    except Exception as error:
        raise ApiError(f"The agent cannot work with the Prefect API at {api.url}: {error}") from error
    finally:
        signal.signal(signal.SIGTERM, before)
