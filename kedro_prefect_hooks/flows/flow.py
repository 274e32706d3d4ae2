"""The Prefect flow of a Kedro pipeline, with one Kedro session around each of its runs."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import prefect
from prefect.engine import get_default_flow_runner_class
from prefect.engine.flow_runner import FlowRunner
from prefect.executors import DaskExecutor, LocalDaskExecutor, LocalExecutor
from prefect.executors.base import Executor

from kedro_prefect_hooks import _prefect
from kedro_prefect_hooks import session as sessions
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.datasets import Outputs
from kedro_prefect_hooks.flows.futures import HeldFutures
from kedro_prefect_hooks.flows.graph import LinearFlow
from kedro_prefect_hooks.flows.tasks import NodeTask, current_flow_run

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from prefect.engine.state import State


class KedroFlow(LinearFlow):
    """A Prefect flow made from a Kedro pipeline.

    Args:
        name: the flow's name.
        project: where a process finds the project.
        filters: the filters that chose the nodes, for the hooks' `run_params`.
        own_session: whether running the flow opens a Kedro session and fires the pipeline hooks. Not so
            within a `kedro run`, which does both itself.
        **kwargs: Prefect's own: schedule, executor, run_config, storage, result, state_handlers, …
    """

    def __init__(
        self,
        name: str,
        project: sessions.ProjectRef,
        filters: Mapping[str, Any] | None = None,
        own_session: bool = True,
        **kwargs: Any,
    ) -> None:
        self.project = project
        self.filters = dict(filters or {})
        self.own_session = own_session
        super().__init__(name, **kwargs)

    @property
    def executor(self) -> Executor:
        """The executor, which opens the Kedro session for as long as it works; never None."""
        return self._executor

    @executor.setter
    def executor(self, executor: Executor | None) -> None:
        self._executor = bound(executor or LocalExecutor(), self)

    def run(self, *args: Any, **kwargs: Any) -> State | None:
        """Prefect's `Flow.run`; an `executor` given here gets the Kedro session too.

        Tasks wait for their own retries, unless a `runner_cls` is given, as against an API.
        """
        kwargs["executor"] = executor = bound(kwargs.get("executor") or self.executor, self)
        executor.every_state = True
        if len(args) < 3 and get_default_flow_runner_class() is FlowRunner:
            kwargs.setdefault("runner_cls", _prefect.patient_flow_runner)
        return super().run(*args, **kwargs)

    def pipeline(self) -> Pipeline:
        """The Kedro pipeline of exactly this flow's nodes, from the project's code in this process.

        Raises:
            FlowRunError: a node of the flow is no longer in the code.
        """
        whole = sessions.pipeline_named(self.project.pipeline)
        names = [name for task in self.tasks if isinstance(task, NodeTask) for name in task.nodes]
        missing = set(names) - {node.name for node in whole.nodes}
        if missing:
            raise FlowRunError(
                f"Flow '{self.name}' was registered with nodes that the project's code does not have here: "
                f"{', '.join(sorted(missing))}. Register it again."
            )
        # Kedro sorts each pipeline that is made; 0.19.0 still in quadratic time, 0.19.15 no longer.
        return whole if len(names) == len(whole.nodes) else whole.only_nodes(*names)


class _FlowExecutor(Executor):
    """Mixed into an executor's class: the flow's own Kedro session is open while the executor works.

    An executor is the one thing of a flow that both of Prefect's flow runners open just when the flow is
    Running and close when its tasks are done, whatever the storage that the flow came from. State handlers
    would fire before the API has accepted the state, and never see the tasks' results.
    """

    flow: KedroFlow
    _ending: sessions.Ending | None = None
    every_state = False
    _same_config = False
    _held: HeldFutures | None = None

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        flow = self.flow
        self._same_config = prefect.context.get("config") == prefect.config
        if not flow.own_session:
            with self._started():
                yield
            return
        run = current_flow_run()
        name = type(self).__name__
        kedro = sessions.flow_session(flow.project, run, flow.pipeline, runner=name, filters=flow.filters)
        with kedro as ending, _prefect.printed_once():
            _prefect.send_kedro_logs()
            self._ending = ending
            try:
                with self._started():
                    yield
            finally:
                self._ending = None
                _prefect.end_without_api()

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
            futures = self._held.wanted(futures)
        states = super().wait(futures)
        if self._ending is not None and isinstance(states, dict):
            note_ending(self._ending, states)
        return states

    def submit(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Hand a task to the executor, without Prefect's configuration where the task has it anyway.

        Prefect lays the configuration that comes with a task over the one that is there, entry by entry,
        three times a task: three quarters of what a task costs. In this process the two are one.
        """
        context = kwargs.get("context")
        if context is not None and self._same_config and _in_this_process(self):
            kwargs["context"] = _without_config(context)
        future = super().submit(fn, *args, **kwargs)
        if self._held is not None and isinstance(kwargs.get("task"), prefect.Task):
            self._held.submitted(kwargs["task"], future)
        return future

    def __reduce__(self) -> Any:
        # In three parts, since the flow in the state leads back here. The class is made at run time, so it
        # is rebuilt from the one below it.
        base: Any = type(self).__mro__[2]
        state = base.__getstate__(self) if hasattr(base, "__getstate__") else self.__dict__
        state = {name: value for name, value in dict(state or {}).items() if name not in ("_ending", "_held")}
        return _new_executor, (type(self).__mro__[2],), state


def _in_this_process(executor: Executor) -> bool:
    if isinstance(executor, LocalDaskExecutor):
        return bool(executor.scheduler in ("threads", "synchronous"))
    return isinstance(executor, LocalExecutor)


def _without_config(context: Mapping[str, Any]) -> dict[str, Any]:
    """A task run's context without the configuration, but for the one entry that task runners look for."""
    light = {name: value for name, value in context.items() if name != "config"}
    light.setdefault("checkpointing", prefect.config.flows.checkpointing)
    return light


def note_ending(ending: sessions.Ending, states: Mapping[Any, State]) -> None:
    """Read from the last tasks' states how the run ended, and what they left in memory."""
    for task, state in states.items():
        if not isinstance(task, NodeTask):
            continue
        if state.is_failed():
            cause = state.result if isinstance(state.result, Exception) else FlowRunError(str(state.message))
            ending.error = ending.error or cause
        elif not state.is_finished():
            ending.finished = False
        elif isinstance(state.result, Outputs):
            ending.outputs.append(state.result)


_classes: dict[Any, Any] = {}


def _bound_class(base: Any) -> Any:
    """`base` with `_FlowExecutor` mixed in; one class for each, so that their instances compare."""
    if base not in _classes:
        members = {"__module__": base.__module__, "__doc__": base.__doc__}
        _classes[base] = type(base.__name__, (_FlowExecutor, base), members)
    return _classes[base]


def bound(executor: Executor, flow: KedroFlow) -> _FlowExecutor:
    """A copy of the executor, of a subclass of its own class, that opens `flow`'s session while it works."""
    copied: Any = copy.copy(executor)
    if not isinstance(copied, _FlowExecutor):
        copied.__class__ = _bound_class(type(executor))
    copied.flow = flow
    result: _FlowExecutor = copied
    return result


def _new_executor(base: type[Executor]) -> Executor:
    executor: Executor = _bound_class(base).__new__(_bound_class(base))
    return executor
