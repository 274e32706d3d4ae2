"""An executor that opens the flow run's Kedro session while it is started.

The executor is the one part of a flow that both of Prefect's flow runners, with and without an API, start
when the flow run is Running and stop when its tasks have finished, whatever storage the flow was loaded
from. So the flow run's session is opened there. State handlers will not do: they fire before the API has
accepted the state, and never see the tasks' results.

`opening_session` does not change the user's executor. It makes a copy whose class is a subclass of the
executor's own class with `_SessionExecutor` mixed in; to Prefect and to Dask the copy is what it was.

    KedroFlow.executor = DaskExecutor(…)          the user's executor
            │  opening_session
            ▼
    DaskExecutor(_SessionExecutor, DaskExecutor)  the copy that Prefect runs the flow with
            │  start()
            ├── flow_session(…)                   opens the session, fires before_pipeline_run
            │       ├── DaskExecutor.start()      tasks run
            │       └── wait(…)                   notes in the FlowRunOutcome how the tasks ended
            └── fires after_pipeline_run or on_pipeline_error, closes the session
"""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Protocol

import prefect
from prefect.executors import DaskExecutor, LocalDaskExecutor, LocalExecutor
from prefect.executors.base import Executor

from kedro_prefect_hooks.compat.prefect import end_without_api, printed_once, send_kedro_logs
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.dask_futures import HeldFutures
from kedro_prefect_hooks.flows.node_task import NodeTask, current_flow_run
from kedro_prefect_hooks.runs.outputs import Outputs
from kedro_prefect_hooks.runs.session import FlowRunOutcome, flow_session

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from prefect.engine.state import State

    from kedro_prefect_hooks.runs.spec import ProjectRef


class SessionFlow(Protocol):
    """What the executor reads of a `KedroFlow`."""

    project: ProjectRef
    filters: dict[str, Any]
    own_session: bool

    def pipeline(self) -> Pipeline: ...


class _SessionExecutor(Executor):
    """Mixed into an executor's class: the flow run's Kedro session is open while the executor is started."""

    flow: Any  # a SessionFlow that is a prefect.Flow
    every_state = False
    _outcome: FlowRunOutcome | None = None
    _same_config = False
    _held: HeldFutures | None = None

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        flow: SessionFlow = self.flow
        self._same_config = prefect.context.get("config") == prefect.config
        if not flow.own_session:
            with self._started():
                yield
            return
        session = flow_session(
            flow.project,
            current_flow_run(),
            flow.pipeline,
            runner=type(self).__name__,
            filters=flow.filters,
        )
        with session as outcome, printed_once():
            send_kedro_logs()
            self._outcome = outcome
            try:
                with self._started():
                    yield
            finally:
                self._outcome = None
                end_without_api()

    @contextlib.contextmanager
    def _started(self) -> Iterator[None]:
        with super().start():
            if isinstance(self, DaskExecutor):
                client: Any = self.client  # type: ignore[has-type]
                self._held = HeldFutures(self.flow, client, self.every_state)
            try:
                yield
            finally:
                self._held = None

    def wait(self, futures: Any) -> Any:
        if self._held is not None and isinstance(futures, dict):
            futures = self._held.requested(futures)
        states = super().wait(futures)
        if self._outcome is not None and isinstance(states, dict):
            note_outcome(self._outcome, states)
        return states

    def submit(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Submit a task, without Prefect's configuration where the process already has the same.

        Prefect merges the configuration that comes with a task into the current one, entry by entry, three
        times per task: three quarters of a task's cost. Within this process the two are identical.
        """
        context = kwargs.get("context")
        if context is not None and self._same_config and _in_this_process(self):
            kwargs["context"] = _without_config(context)
        future = super().submit(fn, *args, **kwargs)
        if self._held is not None and isinstance(kwargs.get("task"), prefect.Task):
            self._held.submitted(kwargs["task"], future)
        return future

    def __reduce__(self) -> Any:
        # In three parts, since the flow in the state refers back to the executor. The class is made at run
        # time, so it is rebuilt from the class below it.
        base: Any = type(self).__mro__[2]
        state = base.__getstate__(self) if hasattr(base, "__getstate__") else self.__dict__
        kept = {name: value for name, value in dict(state or {}).items() if name not in ("_outcome", "_held")}
        return _new_executor, (base,), kept


def _in_this_process(executor: Executor) -> bool:
    if isinstance(executor, LocalDaskExecutor):
        return bool(executor.scheduler in ("threads", "synchronous"))
    return isinstance(executor, LocalExecutor)


def _without_config(context: Mapping[str, Any]) -> dict[str, Any]:
    """A task run's context without the configuration, except for the one entry that task runners read."""
    light = {name: value for name, value in context.items() if name != "config"}
    light.setdefault("checkpointing", prefect.config.flows.checkpointing)
    return light


def note_outcome(outcome: FlowRunOutcome, states: Mapping[Any, State]) -> None:
    """Read from the last tasks' states how the flow run ended, and what they left in memory."""
    for task, state in states.items():
        if not isinstance(task, NodeTask):
            continue
        if state.is_failed():
            cause = state.result if isinstance(state.result, Exception) else FlowRunError(str(state.message))
            outcome.error = outcome.error or cause
        elif not state.is_finished():
            outcome.finished = False
        elif isinstance(state.result, Outputs):
            outcome.outputs.append(state.result)


_classes: dict[Any, Any] = {}


def _session_class(base: Any) -> Any:
    """`base` with `_SessionExecutor` mixed in; one class for each base, so that instances compare equal."""
    if base not in _classes:
        members = {"__module__": base.__module__, "__doc__": base.__doc__}
        _classes[base] = type(base.__name__, (_SessionExecutor, base), members)
    return _classes[base]


def opening_session(executor: Executor, flow: SessionFlow) -> _SessionExecutor:
    """A copy of the executor that opens `flow`'s session while it is started; see the module's docstring."""
    copied: Any = copy.copy(executor)
    if not isinstance(copied, _SessionExecutor):
        copied.__class__ = _session_class(type(executor))
    copied.flow = flow
    result: _SessionExecutor = copied
    return result


def _new_executor(base: type[Executor]) -> Executor:
    executor: Executor = _session_class(base).__new__(_session_class(base))
    return executor
