"""At the end of a flow run: every task's state has reached the API before the flow run's own.

And what became of task runs whose states the API has refused: as with Prefect's own task runner, they end as
`ClientFailed`, so that the flow run is not reported as a success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import prefect
from prefect.engine.state import ClientFailed, State
from prefect.executors import DaskExecutor
from prefect.executors.base import Executor
from prefect.utilities.logging import get_logger

from kedro_prefect_hooks.compat import prefect as workarounds
from kedro_prefect_hooks.flows.state_reports import flush_all

if TYPE_CHECKING:
    from typing import Mapping

INTERRUPTED_SECONDS = 5.0
"""How long a flow run that was interrupted waits for its last states to be reported."""


class ReportedTasks:
    """The task runs of one flow run."""

    def __init__(self) -> None:
        self._tasks: dict[str, prefect.Task] = {}

    def submitted(self, task: prefect.Task, task_run_id: str | None) -> None:
        """A task run is about to start."""
        if task_run_id:
            self._tasks[task_run_id] = task

    def after(self, states: Mapping[Any, State], executor: Executor) -> Mapping[Any, State]:
        """The last tasks' states, as the API knows them: everything was reported, also by Dask's workers.

        Args:
            states: by task; those of a mapped task's slices, which are waited for last, by number.
            executor: the flow run's.
        """
        try:
            refused = self.flush(executor)
        except TimeoutError as error:
            get_logger("CloudFlowRunner").error(str(error))
            return {task: _client_failed(state, str(error)) for task, state in states.items()}
        refused = {run: why for run, why in refused.items() if run in self._tasks}
        if not refused:
            return states
        for run, why in refused.items():
            get_logger("CloudTaskRunner").error(
                "The API has refused the state of task '%s': %s", self._tasks[run].name, why
            )
        failed = {self._tasks[run]: why for run, why in refused.items()}
        if not set(failed) & set(states):
            # None of them is a last task, and those after them have not waited for the API's answer.
            failed = dict.fromkeys(states, next(iter(refused.values())))
        return {
            task: _client_failed(state, failed[task]) if task in failed else state
            for task, state in states.items()
        }

    def flush(self, executor: Executor) -> dict[str, str]:
        """Send what has been noted, here and by Dask's workers; why the API has refused it, by task run.

        A pool's processes send what they have noted when they end, which they do with the executor.

        Raises:
            TimeoutError: the API does not respond.
        """
        refused = flush_all(workarounds.API_GIVEN_UP_AFTER)
        if isinstance(executor, DaskExecutor):
            refused.update(_flushed_on_workers(executor))
        return refused

    def interrupted(self) -> None:
        """The flow run ends early; report what there is, without waiting for long."""
        try:
            flush_all(INTERRUPTED_SECONDS)
        except TimeoutError as error:
            get_logger("CloudFlowRunner").warning(str(error))


def _client_failed(state: State, why: str) -> State:
    return state if isinstance(state, ClientFailed) else ClientFailed(message=why, state=state)


def _flush_worker(timeout: float) -> dict[str, str]:
    """Send a worker's states, and its log lines, which whoever watches the run would miss after its end."""
    refused = flush_all(timeout)
    workarounds.flush_logs()
    return refused


def _flushed_on_workers(executor: Any) -> dict[str, str]:
    """Let the workers of a Dask cluster send what they have noted; what the API has refused them."""
    try:
        answers: dict[str, dict[str, str]] = executor.client.run(
            _flush_worker, workarounds.API_GIVEN_UP_AFTER
        )
    except TimeoutError:
        raise
    except Exception as error:  # a worker has gone; Dask has run its tasks elsewhere
        get_logger("DaskExecutor").warning("A worker may not have reported its last states: %s", error)
        return {}
    return {run: why for answer in answers.values() for run, why in answer.items()}
