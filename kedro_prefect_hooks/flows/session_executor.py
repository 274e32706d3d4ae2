"""An executor that opens the flow run's Kedro session while it is started.

The executor is the one part of a flow that both of Prefect's flow runners, with and without an API, start
when the flow run is Running and stop when its tasks have finished, whatever storage the flow was loaded
from. So the flow run's session is opened there. State handlers are no alternative: they fire before the API
has accepted the state, and never see the tasks' results.

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
from prefect.engine.signals import PrefectStateSignal
from prefect.engine.state import State
from prefect.executors import DaskExecutor, LocalDaskExecutor, LocalExecutor
from prefect.executors.base import Executor

from kedro_prefect_hooks.compat.prefect import end_without_api, printed_once, send_kedro_logs
from kedro_prefect_hooks.compat.prefect_client import PatientClient
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.dask_cluster import balanced_often
from kedro_prefect_hooks.flows.dask_futures import HeldFutures
from kedro_prefect_hooks.flows.earlier_attempts import nodes_done_before
from kedro_prefect_hooks.flows.mapped_children import MAPPED_RUN, mapped_children
from kedro_prefect_hooks.flows.reported_tasks import ReportedTasks
from kedro_prefect_hooks.flows.run_naming import name_this_run
from kedro_prefect_hooks.flows.task_context import WithConfig, pickled, without_config
from kedro_prefect_hooks.flows.task_runners import for_node_tasks
from kedro_prefect_hooks.flows.tasks import LOGGERS, RUN, NodeTask, RunTask, runs_in_main_thread
from kedro_prefect_hooks.runs.failures import NodeNotStarted
from kedro_prefect_hooks.runs.outputs import KEPT, Outputs
from kedro_prefect_hooks.runs.session import FlowRunOutcome, flow_session, note_cancellation

if TYPE_CHECKING:
    from prefect.engine.result import Result

    from kedro_prefect_hooks.runs.spec import RunSpec


class SessionFlow(Protocol):
    """What the executor reads of a `KedroFlow`."""

    filters: dict[str, Any]
    own_session: bool
    report: str
    extra_loggers: tuple[str, ...]
    run_name: str | None

    def current_spec(self) -> RunSpec: ...


class _SessionExecutor(Executor):
    """Mixed into an executor's class: the flow run's Kedro session is open while the executor is started."""

    flow: Any  # a SessionFlow that is a prefect.Flow
    every_state = False
    _spec: RunSpec | None = None
    _outcome: FlowRunOutcome | None = None
    _same_config = False
    _config: bytes | None = None
    _held: HeldFutures | None = None
    _reported: ReportedTasks | None = None
    _mapping: tuple[prefect.Task, str] | None = None
    _children: Mapping[prefect.Task, Any] = {}

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        flow: SessionFlow = self.flow
        self._same_config = prefect.context.get("config") == prefect.config
        self._config = None
        if not flow.own_session:
            self._spec = flow.current_spec()
            with self._started():
                yield
            return
        spec = flow.current_spec()
        name_this_run(flow.run_name, self.flow.name)
        session = flow_session(
            spec,
            runner=type(self).__name__,
            filters=flow.filters,
            remote_nodes=lambda: remote_nodes(self, self.flow),
            done_before=lambda: nodes_done_before(self.flow),
        )
        with session as (spec, outcome), printed_once():
            send_kedro_logs(flow.extra_loggers)
            self._spec, self._outcome = spec, outcome
            try:
                with self._started():
                    yield
            finally:
                self._spec = self._outcome = None
                end_without_api()

    @contextlib.contextmanager
    def _started(self) -> Iterator[None]:
        with balanced_often(self), super().start():
            if isinstance(self, DaskExecutor):
                client: Any = self.client  # type: ignore[has-type]
                self._held = HeldFutures(self.flow, client, self.every_state)
            if prefect.context.get("running_with_backend"):
                self._reported = ReportedTasks()
            try:
                yield
            except BaseException:
                if self._spec is not None:
                    note_cancellation(self._spec)
                if self._reported is not None:
                    self._reported.interrupted()
                raise
            finally:
                self._held = self._reported = self._mapping = None
                self._children = {}

    def wait(self, futures: Any) -> Any:
        if self._held is not None and isinstance(futures, dict):
            futures = self._held.requested(futures)
        states = super().wait(futures)
        if self._mapping is not None and isinstance(states, State):
            self._look_up_children(states)
        if self._outcome is not None and isinstance(states, dict):
            note_outcome(self._outcome, states, self.flow.result)
        elif self._outcome is not None and isinstance(states, list):
            note_slices(self._outcome, states)
        if self._reported is not None and isinstance(states, dict) and _are_of_tasks(states):
            return self._reported.after(states, self)
        if self._reported is not None and isinstance(states, list):
            return list(self._reported.after(dict(enumerate(states)), self).values())
        return states

    def submit(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Submit a task with the run's spec, and without Prefect's configuration in its context."""
        context = kwargs.get("context")
        mapped = kwargs.get("is_mapped_parent") or (context or {}).get("map_index") is not None
        if context is not None:
            if not in_this_process(self):
                if self._config is None:
                    self._config = pickled(context["config"])
                context, fn = without_config(context), WithConfig(fn, self._config)
            elif self._same_config:
                context = without_config(context)
            kwargs["context"] = {**context, RUN: self._spec, LOGGERS: self.flow.extra_loggers}
            if kwargs.get("task_runner_cls") is not None:
                batching = self.flow.report == "batches"
                kwargs["task_runner_cls"] = for_node_tasks(kwargs["task_runner_cls"], batching)
                if self._reported is not None:
                    run_id = self._add_child(kwargs) if mapped else context.get("task_run_id")
                    self._reported.submitted(kwargs["task"], run_id)
        is_slice = mapped and not kwargs.get("is_mapped_parent")
        if self._held is not None and is_slice:
            kwargs["upstream_states"] = self._held.for_slice(kwargs["upstream_states"])
        future = super().submit(fn, *args, **kwargs)
        if self._held is not None and isinstance(kwargs.get("task"), prefect.Task):
            if is_slice:
                self._held.slice_submitted(kwargs["task"], future)
            elif not mapped:
                self._held.submitted(kwargs["task"], future)
        return future

    def _add_child(self, kwargs: dict[str, Any]) -> str | None:
        """Add to a slice's arguments what is known of its task run, and return that one's id."""
        task, context = kwargs["task"], kwargs["context"]
        if kwargs.get("is_mapped_parent"):
            self._mapping = (task, context.get("task_id"))
            return str(context.get("task_run_id"))
        runs = self._children.get(task)
        if runs is None:
            return None
        run = runs[context["map_index"]]
        kwargs["context"] = {**context, MAPPED_RUN: run}
        return str(run.id)

    def _look_up_children(self, parent: State) -> None:
        """The slices of a mapped task are about to be submitted: look up their task runs, all at once."""
        assert self._mapping is not None
        task, task_id = self._mapping
        self._mapping = None
        if parent.is_mapped() and self.flow.report == "batches":
            flow_run_id = str(prefect.context.get("flow_run_id"))
            client = PatientClient.of_context()
            runs = mapped_children(client, flow_run_id, task_id, parent.n_map_states)  # type: ignore[attr-defined]
            self._children = {**self._children, task: runs}

    def __reduce__(self) -> Any:
        # In three parts, since the flow in the state refers back to the executor. The class is made at run
        # time, so it is rebuilt from the class below it.
        base: Any = type(self).__mro__[2]
        state = base.__getstate__(self) if hasattr(base, "__getstate__") else self.__dict__
        kept = {
            name: value
            for name, value in dict(state or {}).items()
            if name not in ("_spec", "_outcome", "_held", "_reported", "_config", "_mapping", "_children")
        }
        return _new_executor, (base,), kept


def _are_of_tasks(states: Mapping[Any, Any]) -> bool:
    """Whether these are the last tasks' states; Prefect also waits for those before a mapped task."""
    return all(isinstance(task, prefect.Task) for task in states)


def in_this_process(executor: Executor) -> bool:
    """Whether the executor runs tasks in this process, except those with a timeout that needs a process."""
    if isinstance(executor, LocalDaskExecutor):
        return bool(executor.scheduler in ("threads", "synchronous"))
    return isinstance(executor, LocalExecutor)


def remote_nodes(executor: Executor, flow: prefect.Flow) -> set[str]:
    """The nodes of a flow that this executor runs in other processes."""
    tasks = [task for task in flow.tasks if isinstance(task, NodeTask)]
    if in_this_process(executor):
        threads = isinstance(executor, LocalDaskExecutor) and executor.scheduler == "threads"
        if not threads and runs_in_main_thread():
            return set()
        tasks = [task for task in tasks if task.timeout]
    return {node for task in tasks for node in task.nodes}


def note_outcome(outcome: FlowRunOutcome, states: Mapping[Any, State], result: Result | None = None) -> None:
    """Read from the last tasks' states how the flow run ended, and what they left in memory.

    Args:
        outcome: to be filled in.
        states: task → its state.
        result: the flow's, from which the outputs of the run that were made before a restart are read.
    """
    for task, state in states.items():
        if not isinstance(task, RunTask):
            continue
        if state.is_failed():
            cause = _cause(state)
            if outcome.error is None or isinstance(outcome.error, NodeNotStarted):
                outcome.error = cause
        elif not state.is_finished():
            outcome.finished = False
        else:
            kept_in = task.result or result
            if state.result is None and kept_in is not None and KEPT in task.consumers.values():
                state.load_result(kept_in)
            if isinstance(state.result, Outputs):
                outcome.outputs.append(state.result)


def note_slices(outcome: FlowRunOutcome, states: list[State]) -> None:
    """Read from the states of a mapped task's slices whether one has failed; Prefect waits for them last."""
    failed = [_cause(state) for state in states if state.is_failed()]
    causes = [cause for cause in failed if not isinstance(cause, NodeNotStarted)] or failed
    if causes and (outcome.error is None or isinstance(outcome.error, NodeNotStarted)):
        outcome.error = causes[0]


def _cause(state: State) -> Exception:
    """Why a task failed; Prefect's signals, which are no `Exception`, by their name and message."""
    if isinstance(state.result, Exception):
        return state.result
    if isinstance(state.result, PrefectStateSignal):
        return FlowRunError(f"{type(state.result).__name__}: {state.message}")
    return FlowRunError(str(state.message))


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
