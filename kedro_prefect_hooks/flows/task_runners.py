"""Prefect's task runners, with what node tasks need of them.

- A timeout outside a main thread is enforced by a process that reports everything that happens in it.
- In-memory inputs are released when the task has ended and will not be retried, after its result was written.

`for_node_tasks` makes such a class of whichever task runner a flow runner uses.
"""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any, Mapping

from prefect.engine.cloud import CloudTaskRunner
from prefect.engine.state import State
from prefect.engine.task_runner import TaskRunner

from kedro_prefect_hooks.compat.prefect import PatientTaskRunner
from kedro_prefect_hooks.flows.tasks import RUN, NodeTask, runs_in_main_thread


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
        if isinstance(self.task, NodeTask) and ended.is_finished():
            self.task.ended(ended, upstream_states, (context or {}).get(RUN))
        return ended

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
    """For a flow run against an API."""


_classes: dict[type, type] = {
    TaskRunner: NodeTaskRunner,
    PatientTaskRunner: PatientNodeTaskRunner,
    CloudTaskRunner: CloudNodeTaskRunner,
}


def for_node_tasks(base: type) -> type:
    """The task runner class with the above mixed in; the same class for the same base."""
    if issubclass(base, _ForNodeTasks):
        return base
    if base not in _classes:
        _classes[base] = type(base.__name__, (_ForNodeTasks, base), {"__doc__": base.__doc__})
    return _classes[base]
