"""Prefect's task runners, with what node tasks need of them.

- A timeout outside a main thread is enforced by a process that reports everything that happens in it.
- In-memory inputs are released when the task has ended and will not be retried, after its result was written.
- Against an API, states are reported in batches (`BatchingTaskRunner`) or one by one, with a client that
  waits for an API that does not respond.

`for_node_tasks` makes such a class of whichever task runner a flow runner uses.
"""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any, Mapping

from prefect.engine.cloud import CloudTaskRunner
from prefect.engine.runner import ENDRUN
from prefect.engine.state import Failed, State
from prefect.engine.task_runner import TaskRunner

from kedro_prefect_hooks.compat.prefect import PatientTaskRunner
from kedro_prefect_hooks.compat.prefect_client import PatientClient
from kedro_prefect_hooks.flows.reporting_client import ReportingClient
from kedro_prefect_hooks.flows.tasks import (
    NOT_MADE,
    RUN,
    NodeTask,
    RunTask,
    noted_partitions,
    runs_in_main_thread,
)


class _ForNodeTasks(TaskRunner):
    """Mixed into a task runner's class."""

    def run(
        self,
        state: State | None = None,
        upstream_states: dict[Any, State] | None = None,
        context: dict[str, Any] | None = None,
        is_mapped_parent: bool = False,
    ) -> State:
        ended: State = super().run(
            state=state, upstream_states=upstream_states, context=context, is_mapped_parent=is_mapped_parent
        )
        if isinstance(self.task, RunTask) and ended.is_finished() and not ended.is_mapped():
            self.task.ended(ended, upstream_states, (context or {}).get(RUN))
        return ended

    def load_results(self, state: State, upstream_states: dict[Any, State]) -> tuple[State, dict[Any, State]]:
        """Also what the states of slices say of their partitions, where a restart has lost their results."""
        state, upstream_states = super().load_results(state=state, upstream_states=upstream_states)
        for edge, upstream in upstream_states.items():
            task = edge.upstream_task
            if not upstream.is_mapped():
                noted_partitions(task, upstream)
            elif not edge.mapped:
                slices: Any = upstream.map_states
                slices = [noted_partitions(task, each) for each in slices]
                upstream.result = [each.result if each.is_successful() else NOT_MADE for each in slices]
        return state, upstream_states

    def check_task_ready_to_map(self, state: State, upstream_states: dict[Any, State]) -> State:
        """Before the first slice is submitted, and not when a flow run is restarted: prepare the task."""
        if isinstance(self.task, NodeTask) and not state.is_mapped():
            if not all(each.is_successful() for each in upstream_states.values()):
                self.check_task_trigger(state, upstream_states=upstream_states)
            try:
                self.task.prepare()
            except Exception as error:
                message = f"Task '{self.task.name}' cannot be prepared: {error!r}"
                failed = self.handle_state_change(state, Failed(message=message, result=error))
                raise ENDRUN(failed) from error
        checked: State = super().check_task_ready_to_map(state, upstream_states=upstream_states)
        return checked

    # Prefect imports Dask in the next two before it looks whether there is anything to do: 0.04 s.

    def check_target(self, state: State, inputs: dict[str, Any]) -> State:
        if not (self.result and self.task.target):
            return state
        checked: State = super().check_target(state, inputs=inputs)
        return checked

    def cache_result(self, state: State, inputs: dict[str, Any]) -> State:
        if self.task.cache_for is None:
            return state
        cached: State = super().cache_result(state, inputs=inputs)
        return cached

    def get_task_run_state(self, state: State, inputs: Mapping[str, Any]) -> State:
        task = self.task
        if not (isinstance(task, NodeTask) and task.timeout and _needs_process()):
            unlimited: State = super().get_task_run_state(state, inputs=inputs)
            return unlimited
        self.task = task.limited()
        try:
            limited: State = super().get_task_run_state(state, inputs=inputs)
            return limited
        finally:
            self.task = task


def _needs_process() -> bool:
    """Whether Prefect would enforce a timeout here by another process."""
    if sys.platform.startswith("win") or runs_in_main_thread():
        return False
    return not multiprocessing.current_process().daemon


class NodeTaskRunner(_ForNodeTasks, TaskRunner):
    """For a flow run without an API."""


class PatientNodeTaskRunner(_ForNodeTasks, PatientTaskRunner):
    """For a flow run without an API whose tasks wait for their own retries."""


class CloudNodeTaskRunner(_ForNodeTasks, CloudTaskRunner):
    """For a flow run against an API: each state is reported, and accepted, before the task goes on."""

    client_class: type[PatientClient] = PatientClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.client = self.client_class.of_context()
        super(CloudTaskRunner, self).__init__(*args, **kwargs)  # Prefect's own makes a client, and no more


class BatchingTaskRunner(CloudNodeTaskRunner):
    """For a flow run against an API: states are reported in batches, in the background.

    Except for nodes that confirm a dataset: what was confirmed cannot be loaded again, so a process that is
    killed afterwards must not leave a task run that looks as if it had still to be run.
    """

    client_class = ReportingClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        client: Any = self.client
        client.synchronous = getattr(self.task, "confirms", False)


_classes: dict[type, type] = {
    TaskRunner: NodeTaskRunner,
    PatientTaskRunner: PatientNodeTaskRunner,
    CloudTaskRunner: CloudNodeTaskRunner,
}


def for_node_tasks(base: type, batching: bool = False) -> type:
    """The task runner class with the above mixed in; the same class for the same base.

    Args:
        base: the class that a flow runner uses.
        batching: whether states are reported in batches.
    """
    if issubclass(base, _ForNodeTasks):
        return base
    if batching and base is CloudTaskRunner:
        return BatchingTaskRunner
    if base not in _classes:
        _classes[base] = type(base.__name__, (_ForNodeTasks, base), {"__doc__": base.__doc__})
    return _classes[base]
