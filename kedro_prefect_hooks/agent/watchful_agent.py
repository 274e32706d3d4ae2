"""What this package's agents share, whatever starts their flow runs.

On the embedded API they wait until they are woken up, on any other they poll. They own the flow runs that
they have started, and report when the API is unreachable. Knows nothing of processes or containers.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from pathlib import Path
from typing import Any, Callable, ClassVar, Iterable, Sized

import pendulum
import prefect
from prefect.agent.agent import AGENT_WAKE_EVENT, Agent

from kedro_prefect_hooks.agent.output_files import OutputFiles
from kedro_prefect_hooks.agent.owned_runs import CANCELLING_SECONDS, OwnedRun, OwnedRuns
from kedro_prefect_hooks.agent.run_ends import RunEnds
from kedro_prefect_hooks.agent.wake_ups import WakeUps
from kedro_prefect_hooks.labels import CONTAINER_RUN_CONFIGS, agent_accepts, agent_command
from kedro_prefect_hooks.states import SCHEDULED

GRACE_SECONDS = 10.0
"""How long a flow run's process has to end once it knows that it is cancelled."""

_POLL_SECONDS = {0: 0.25, 1: 0.5, 2: 1.0}
"""Pauses between polls that find nothing. Prefect's grow to 10 s, for thousands of agents on one API."""

_SAFETY_SECONDS = 30.0
"""An agent that the API wakes up looks as often nevertheless."""

_STATES_SECONDS = 3.0
"""How often a polling agent asks whether one of its flow runs has been cancelled."""

REPORT_SECONDS = 5.0
"""How long an agent that is being stopped tries to tell the API how its flow runs have ended."""

Echo = Callable[[str], Any]


_DUE = """
query($tenant: uuid!, $project: String!, $before: timestamptz!, $states: [String!]!, $labels: jsonb!) {
    flow_run(
        where: {
            tenant_id: {_eq: $tenant}
            flow: {project: {name: {_eq: $project}}}
            labels: {_contained_in: $labels}
            _or: [
                {state: {_in: $states}, state_start_time: {_lte: $before}}
                {
                    state: {_eq: "Running"}
                    task_runs: {state: {_in: $states}, state_start_time: {_lte: $before}}
                }
            ]
        }
        order_by: [{state_start_time: asc}]
        limit: 100
    ) { id labels }
}"""
"""The rule of Prefect Server's queue, for one project."""


class WatchfulAgent(Agent):
    """A Prefect agent that is woken up, and knows how its flow runs end; the class beside it starts them.

    Args:
        log_dir: a folder for the output of flow runs.
        echo: called with each line to print.
        **kwargs: those of the other class.

    Attributes:
        run_config_type: the run config of flow runs that only this kind of agent can run.
        on_ready: called when the agent is about to poll for flow runs.
        only_project: the Prefect project whose flows it runs; None for all. On a shared server, the queue
            offers the runs of every project, also those without labels. It ends after the 25 that are due
            first, so that runs which nobody starts keep those of other projects from being offered.
    """

    run_config_type: ClassVar[str] = "LocalRun"

    def __init__(self, log_dir: Path, *, echo: Echo, **kwargs: Any) -> None:
        self.echo = echo
        self.on_ready: Callable[[], Any] = lambda: None
        self._unreachable = False
        self._waiting: set[str] = set()
        self._left: set[str] = set()
        self.only_project: str | None = None
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
            submitting = self.submitting_flow_runs.copy()
            flow_run_ids: set[str] = super()._get_ready_flow_runs(prefetch_seconds)
            if self.only_project is not None:  # the queue has been asked to show that this agent is running
                flow_run_ids = self._due_in_project(self.only_project, prefetch_seconds) - submitting
            elif self.labels and agent_accepts(type(self).__name__, list(self.labels), ()):
                # Prefect offers runs without labels only to agents without labels: poll as one of those too.
                unlabelled = copy.copy(self)
                unlabelled.labels = []
                flow_run_ids |= Agent._get_ready_flow_runs(unlabelled, prefetch_seconds)
        except Exception as error:
            self._report_unreachable(error)
            return set()
        if self._unreachable:
            self._report("The API is reachable again.")
            self.wake_ups.try_again()
        self._unreachable = False
        return self._without_running(flow_run_ids)

    def _due_in_project(self, project: str, prefetch_seconds: int) -> set[str]:
        """The flow runs of a project that are due and that this agent accepts."""
        variables: dict[str, Any] = {
            "tenant": self.client.tenant_id,
            "project": project,
            "before": pendulum.now("UTC").add(seconds=prefetch_seconds).isoformat(),
            "states": sorted(SCHEDULED),
            "labels": list(self.labels),
        }
        found = self.client.graphql(_DUE, variables=variables).data.flow_run
        kind, labels = type(self).__name__, list(self.labels)
        return {str(run.id) for run in found if agent_accepts(kind, labels, run.labels)}

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
        return [run for run in found if self._is_for_this_agent(run)]

    def _is_for_this_agent(self, flow_run: Any) -> bool:
        """Whether this kind of agent can run it; a flow run for another kind is reported, and waits."""
        kind = (flow_run.run_config or {}).get("type")
        if kind == self.run_config_type or kind not in ("LocalRun", *CONTAINER_RUN_CONFIGS):
            return True
        if flow_run.id not in self._left:
            self._left.add(flow_run.id)
            self._report(
                f"Flow run '{flow_run.name}' has `run_config: {kind}` and waits for another agent "
                f"(`{agent_command(kind)}`)."
            )
        return False

    def _report_unreachable(self, error: Exception) -> None:
        if not self._unreachable:
            self._report(f"The API is unreachable; retrying until it responds: {error}")
        self._unreachable = True

    def leave_running(self) -> None:
        """Stop, and report which flow runs keep running."""
        self.wake_ups.stop()
        runs = self.owned.all()
        # Those that have ended are being reported to the API, if that responds.
        self.owned.close()
        join([run for run in runs if run.has_exited], time.monotonic() + REPORT_SECONDS)
        running = sorted(run.id for run in runs if not run.has_exited)
        if running:
            self._report(
                f"Still running without this agent: {count_in_words(running)} ({', '.join(running)})"
            )

    def _report(self, text: str) -> None:
        self.echo(f"{time.strftime('%H:%M:%S')}  {text}")


def join(runs: Iterable[OwnedRun], deadline: float) -> None:
    """Wait until flow runs have ended and the API knows, or until a time."""
    for run in runs:
        if run.thread is not None:
            run.thread.join(max(0.0, deadline - time.monotonic()))


def count_in_words(runs: Sized) -> str:
    """Such as ``2 flow runs``."""
    return f"{len(runs)} flow run{'' if len(runs) == 1 else 's'}"
