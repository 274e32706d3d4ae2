"""Prefect's LocalAgent for one project: the API of prefect.yml, the labels of its flows, its code.

On the embedded API it waits until it is woken up, on any other it polls. Stopping it can cancel its flow
runs, with time for them to report their states. This module knows nothing of the command line.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Iterator

from prefect.agent.local import LocalAgent
from prefect.run_configs import LocalRun
from prefect.utilities.configuration import set_temporary_config
from prefect.utilities.graphql import GraphQLResult

from kedro_prefect_hooks.agent import execute_flow_run
from kedro_prefect_hooks.agent.api_address import ApiAddress
from kedro_prefect_hooks.agent.flow_labels import label_sets
from kedro_prefect_hooks.agent.owned_runs import OwnedRun
from kedro_prefect_hooks.agent.prepared_process import PreparedProcess
from kedro_prefect_hooks.agent.run_process import RunProcess
from kedro_prefect_hooks.agent.watchful_agent import (
    GRACE_SECONDS,
    REPORT_SECONDS,
    Echo,
    WatchfulAgent,
    count_in_words,
    join,
)
from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.errors import ApiError

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import PrefectConfig


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


class ProjectAgent(WatchfulAgent, LocalAgent):
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
    """

    def __init__(
        self, log_dir: Path, *, cancel_on_exit: bool, echo: Echo, prepare: bool = False, **kwargs: Any
    ) -> None:
        self.cancel_on_exit = cancel_on_exit
        self.prepared = PreparedProcess() if prepare else None
        super().__init__(log_dir, echo=echo, **kwargs)

    def _show_startup_display(self) -> None:
        if self.prepared:
            nothing = GraphQLResult({"id": "", "flow": GraphQLResult({"id": ""})})
            self.prepared.prepare_soon(self.populate_env_vars(nothing), None)
        self.on_ready()

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
        if self.prepared:
            self.prepared.close()
        if not self.cancel_on_exit:
            self.leave_running()
            return
        self.wake_ups.stop()
        runs = self.owned.all()
        if not runs:
            return
        self._report(f"Cancelling {count_in_words(runs)} …")
        try:
            for run in runs:
                self._interrupt(run)
            self.owned.close()
            join(runs, time.monotonic() + GRACE_SECONDS)
        except KeyboardInterrupt:
            self._report("Interrupted again: killing their processes.")
        for run in runs:
            run.process.kill()
        join(runs, time.monotonic() + REPORT_SECONDS)

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


class LabelledProjectAgent(ProjectAgent):
    """The agent of a project whose flows all have labels: it leaves runs without labels to others.

    A class of its own because the API, and so whoever asks which agent accepts a flow run, knows its name.
    """


def run_agent(agent: WatchfulAgent, api: ApiAddress) -> None:
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
