"""Prefect's LocalAgent for one project: the API of prefect.yml, the labels of its flows, its code.

On the embedded API it waits until it is woken up, on any other it polls. Stopping it can cancel its flow
runs, with time for them to report their states. This module knows nothing of the command line.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Sized

import prefect
from prefect.agent.agent import AGENT_WAKE_EVENT
from prefect.agent.local import LocalAgent
from prefect.run_configs import LocalRun
from prefect.utilities.configuration import set_temporary_config
from prefect.utilities.graphql import GraphQLResult

from kedro_prefect_hooks.agent import execute_flow_run
from kedro_prefect_hooks.agent.api_address import ApiAddress
from kedro_prefect_hooks.agent.flow_labels import label_sets
from kedro_prefect_hooks.agent.output_files import OutputFiles
from kedro_prefect_hooks.agent.owned_runs import CANCELLING_SECONDS, OwnedRun, OwnedRuns
from kedro_prefect_hooks.agent.prepared_process import PreparedProcess
from kedro_prefect_hooks.agent.run_ends import RunEnds
from kedro_prefect_hooks.agent.run_process import RunProcess
from kedro_prefect_hooks.agent.wake_ups import WakeUps
from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.errors import ApiError
from kedro_prefect_hooks.labels import agent_accepts

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import PrefectConfig

GRACE_SECONDS = 10.0
"""How long a flow run's process has to end once it knows that it is cancelled."""

_POLL_SECONDS = {0: 0.25, 1: 0.5, 2: 1.0}
"""Pauses between polls that find nothing. Prefect's grow to 10 s, for thousands of agents on one API."""

_SAFETY_SECONDS = 30.0
"""An agent that the API wakes up looks as often nevertheless."""

_REPORT_SECONDS = 5.0
"""How long an agent that is being stopped tries to tell the API how its flow runs have ended."""

_STATES_SECONDS = 3.0
"""How often a polling agent asks whether one of its flow runs has been cancelled."""

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
    prepare: bool,
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
        prepare: whether to keep a process ready for the next flow run.
        echo: called with each line to print.
    """
    of_flows = label_sets(config)
    kind = LabelledProjectAgent if all(of_flows) else ProjectAgent
    return kind(
        location.state_dir(project_path) / "logs",
        cancel_on_exit=cancel_on_exit,
        prepare=prepare,
        echo=echo,
        name=name or config.project or package,
        labels=sorted(set(labels).union(*of_flows)),
        import_paths=[str(source_dir), str(project_path)],
        env_vars=_env_vars(embedded=config.api == "embedded"),
        hostname_label=False,  # `label_sets` adds this machine's name where a flow needs it
    )


def _env_vars(embedded: bool) -> dict[str, str]:
    """Prefect settings for flow runs, unless the environment has them already.

    The flows of this package send their heartbeats themselves (`flows.heartbeat`). For others, Prefect's
    default is a process of its own, which outlives a killed flow run, so that the run would never be seen as
    dead; a thread ends with the run. An API on this machine can be polled more
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

    Each flow run is a process with a session of its own, so that Ctrl+C in the agent's terminal does not
    interrupt it. Its output is appended to a file of its own.

    Args:
        log_dir: a folder for the output of flow runs.
        cancel_on_exit: whether stopping the agent cancels its flow runs.
        echo: called with each line to print.
        prepare: whether to keep a process ready for the next flow run.
        **kwargs: those of `LocalAgent`.

    Attributes:
        on_ready: called when the agent is about to poll for flow runs.
    """

    def __init__(
        self, log_dir: Path, *, cancel_on_exit: bool, echo: Echo, prepare: bool = False, **kwargs: Any
    ) -> None:
        self.cancel_on_exit = cancel_on_exit
        self.prepared = PreparedProcess() if prepare else None
        self.echo = echo
        self.on_ready: Callable[[], Any] = lambda: None
        self._unreachable = False
        self._waiting: set[str] = set()
        super().__init__(**kwargs)
        self.logger.setLevel(logging.WARNING)  # each flow run is reported below, in one line
        self.owned = OwnedRuns(
            RunEnds(self.client, self.name),
            report=self._report,
            on_end=AGENT_WAKE_EVENT.set,
            poll_seconds=lambda: _SAFETY_SECONDS if self.wake_ups.are_coming else _STATES_SECONDS,
            cancelling_seconds=self._cancelling_seconds(),
        )
        self.output_files = OutputFiles(log_dir, in_use=self.owned.ids)
        self.wake_ups = WakeUps(self.client.api_server, self.client.api_key, self._on_wake_up)

    def _cancelling_seconds(self) -> float:
        """How long a cancelled flow run has to end, of which a part passes before it looks at its state."""
        name = "PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL"
        interval = self.env_vars.get(name, prefect.config.cloud.check_cancellation_interval)
        return max(CANCELLING_SECONDS, float(interval) + GRACE_SECONDS)

    def _show_startup_display(self) -> None:
        if self.prepared:
            nothing = GraphQLResult({"id": "", "flow": GraphQLResult({"id": ""})})
            self.prepared.prepare_soon(self.populate_env_vars(nothing), None)
        self.on_ready()

    def _start_heartbeat_thread(self) -> None:
        # Prefect's only looks for processes that have exited, and would delay the agent's end by a second.
        self.owned.start()
        self.wake_ups.start()

    def _on_wake_up(self) -> None:
        self.owned.look()
        AGENT_WAKE_EVENT.set()

    @property
    def _loop_intervals(self) -> dict[int, float]:  # type: ignore[override]
        """How long Prefect's loop waits, by how often it found nothing, unless `AGENT_WAKE_EVENT` is set."""
        if not self.wake_ups.are_coming or self._unreachable or self.submitting_flow_runs:
            return _POLL_SECONDS
        return {**dict.fromkeys(_POLL_SECONDS, _SAFETY_SECONDS), 0: _POLL_SECONDS[0]}

    def _get_ready_flow_runs(self, prefetch_seconds: int | None = None) -> set[str]:
        if prefetch_seconds is None:
            prefetch_seconds = self._prefetch_seconds()
        try:
            flow_run_ids: set[str] = super()._get_ready_flow_runs(prefetch_seconds)
            if self.labels and agent_accepts(type(self).__name__, list(self.labels), ()):
                # Prefect offers runs without labels only to agents without labels: poll as one of those too.
                unlabelled = copy.copy(self)
                unlabelled.labels = []
                flow_run_ids |= LocalAgent._get_ready_flow_runs(unlabelled, prefetch_seconds)
        except Exception as error:
            self._report_unreachable(error)
            return set()
        if self._unreachable:
            self._report("The API is reachable again.")
            self.wake_ups.try_again()
        self._unreachable = False
        return self._without_running(flow_run_ids)

    def _prefetch_seconds(self) -> int:
        """How far to look ahead. A prefetched run delays Ctrl+C as long, so never Prefect's 10 s."""
        if not self.wake_ups.are_coming:
            return 1
        # Woken up when the API's clock says so, which must then not be in this machine's future.
        offset = self.wake_ups.clock_offset
        return math.ceil(offset) if offset > 0.05 else 0

    def _without_running(self, flow_run_ids: set[str]) -> set[str]:
        """Leave out flow runs whose process is still running: they are started when it has ended."""
        waiting = flow_run_ids & self.owned.ids()
        for run in self.owned.all():
            if run.id in waiting - self._waiting:
                self._report(
                    f"Flow run '{run.name}' is to start again. It will when its process {run.process.pid}, "
                    "which is still running, has ended."
                )
        self._waiting = waiting
        return flow_run_ids - waiting

    def _get_flow_run_metadata(self, flow_run_ids: Iterable[str]) -> list[Any]:
        try:
            found: list[Any] = super()._get_flow_run_metadata(flow_run_ids)
        except Exception as error:
            self._report_unreachable(error)
            return []
        return found

    def _report_unreachable(self, error: Exception) -> None:
        if not self._unreachable:
            self._report(f"The API is unreachable; retrying until it responds: {error}")
        self._unreachable = True

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
        flow_run_id, name = str(flow_run.id), str(flow_run.name)
        process = self._start_process(
            self.output_files.create(flow_run_id),
            self.populate_env_vars(flow_run, run_config=run_config),
            working_dir,
        )
        # Prefect has set a Scheduled flow run to Submitted; one that is Running has a task to retry.
        submissions = (int(flow_run.version), 0 if flow_run.state == "Running" else 1)
        self._report(f"Started flow run '{name}' of '{flow_run.flow.name}' (process {process.pid}).")
        self.owned.add(OwnedRun(flow_run_id, name, process, submissions))
        return f"PID: {process.pid}"

    def _start_process(self, output: Path, env: dict[str, str], cwd: str | None) -> RunProcess:
        prepared = self.prepared.take(env, cwd, output) if self.prepared else None
        if prepared is not None:
            process = RunProcess(prepared, output)
        else:
            command = [sys.executable, "-m", execute_flow_run.__name__]
            process = RunProcess.started(command, output, env, cwd)
        if self.prepared:
            self.prepared.prepare_soon(env, cwd)
        return process

    def on_shutdown(self) -> None:
        """Cancel the flow runs, or report which ones keep running."""
        self.wake_ups.stop()
        if self.prepared:
            self.prepared.close()
        runs = self.owned.all()
        if not self.cancel_on_exit:
            # Those whose process has ended are being reported to the API, if that responds.
            self.owned.close()
            _join([run for run in runs if run.has_exited], time.monotonic() + _REPORT_SECONDS)
            running = sorted(run.id for run in runs if not run.has_exited)
            if running:
                self._report(f"Still running without this agent: {_count(running)} ({', '.join(running)})")
            return
        if not runs:
            return
        self._report(f"Cancelling {_count(runs)} …")
        try:
            for run in runs:
                self._interrupt(run)
            self.owned.close()
            _join(runs, time.monotonic() + GRACE_SECONDS)
        except KeyboardInterrupt:
            self._report("Interrupted again: killing their processes.")
        for run in runs:
            run.process.kill()
        _join(runs, time.monotonic() + _REPORT_SECONDS)

    def _interrupt(self, run: OwnedRun) -> None:
        """Interrupt a flow run's process, which then reads its state, finds it cancelled, and exits."""
        try:
            self.client.cancel_flow_run(run.id)
        except Exception as error:  # the API may be unreachable, and the process must stop nonetheless
            self._report(f"Could not ask the API to cancel flow run '{run.name}': {error}")
        run.stopped = run.stopped or "The agent was stopped."
        run.process.remember_descendants()
        if not run.has_exited:
            run.process.interrupt()

    def _report(self, text: str) -> None:
        self.echo(f"{time.strftime('%H:%M:%S')}  {text}")


class LabelledProjectAgent(ProjectAgent):
    """The agent of a project whose flows all have labels: it leaves runs without labels to others.

    A class of its own because the API, and so whoever asks which agent accepts a flow run, knows its name.
    """


def _join(runs: Iterable[OwnedRun], deadline: float) -> None:
    """Wait until flow runs have ended and the API knows, or until a time."""
    for run in runs:
        if run.thread is not None:
            run.thread.join(max(0.0, deadline - time.monotonic()))


def _count(runs: Sized) -> str:
    return f"{len(runs)} flow run{'' if len(runs) == 1 else 's'}"


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
