"""The Prefect flow of a Kedro pipeline: linear where Prefect's is not, one Kedro session around a run."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import prefect
from prefect.executors import LocalExecutor
from prefect.executors.base import Executor

from kedro_prefect_hooks import session as sessions
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.datasets import Outputs
from kedro_prefect_hooks.flows.tasks import NodeTask, current_flow_run

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from prefect.engine.state import State


class KedroFlow(prefect.Flow):
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

    @property  # type: ignore[override]
    def executor(self) -> Executor | None:
        """The executor, which opens the Kedro session for as long as it works."""
        return self._executor

    @executor.setter
    def executor(self, executor: Executor | None) -> None:
        if self.own_session:
            executor = with_session(executor or LocalExecutor(), self)
        self._executor = executor

    def run(self, *args: Any, **kwargs: Any) -> State | None:
        """Prefect's `Flow.run`; an `executor` given here gets the Kedro session too."""
        if self.own_session and kwargs.get("executor") is not None:
            kwargs["executor"] = with_session(kwargs["executor"], self)
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
        return whole.only_nodes(*names)

    def _sorted_tasks(self, root_tasks: tuple[prefect.Task, ...] | None = None) -> tuple[prefect.Task, ...]:
        """Topological order in linear time; among equals, by slug, so that it is the same in each process.

        Prefect 1.1.0 compares every task with every remaining one: 64 s for a chain of 2,000.

        Raises:
            ValueError: the flow has a cycle, or a root task is not in it.
        """
        unknown = [task for task in root_tasks or () if task not in self.tasks]
        if unknown:
            raise ValueError(f"Task {unknown[0]} was not found in Flow {self}")
        downstream: dict[prefect.Task, list[prefect.Task]] = {task: [] for task in self.tasks}
        for edge in self.edges:
            downstream[edge.upstream_task].append(edge.downstream_task)
        chosen = _reachable(root_tasks, downstream) if root_tasks else set(self.tasks)
        waiting = dict.fromkeys(chosen, 0)
        for task in chosen:
            for after in downstream[task]:
                waiting[after] += 1
        ready = sorted((task for task, count in waiting.items() if not count), key=self.slugs.__getitem__)
        ordered: list[prefect.Task] = []
        for task in ready:  # grows while it is walked
            ordered.append(task)
            for after in sorted(downstream[task], key=self.slugs.__getitem__):
                waiting[after] -= 1
                if not waiting[after]:
                    ready.append(after)
        if len(ordered) < len(chosen):
            raise ValueError("Cycle found; flows must be acyclic!")
        return tuple(ordered)


def _reachable(
    roots: tuple[prefect.Task, ...], downstream: Mapping[prefect.Task, list[prefect.Task]]
) -> set[prefect.Task]:
    seen = set(roots)
    todo = list(roots)
    while todo:
        for after in downstream[todo.pop()]:
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return seen


class _SessionExecutor(Executor):
    """Mixed into an executor's class: the Kedro session is open while the executor works.

    An executor is the one thing of a flow that both of Prefect's flow runners open just when the flow is
    Running and close when its tasks are done, whatever the storage that the flow came from. State handlers
    would fire before the API has accepted the state, and never see the tasks' results.
    """

    flow: KedroFlow
    _ending: sessions.Ending | None = None

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        flow = self.flow
        run = current_flow_run()
        name = type(self).__name__
        with sessions.flow_session(flow.project, run, flow.pipeline(), name, flow.filters) as ending:
            self._ending = ending
            try:
                with super().start():
                    yield
            finally:
                self._ending = None

    def wait(self, futures: Any) -> Any:
        states = super().wait(futures)
        if self._ending is not None and isinstance(states, dict):
            note_ending(self._ending, states)
        return states

    def __reduce__(self) -> Any:
        # In three parts, since the flow in the state leads back here. The class is made at run time, so it
        # is rebuilt from the one below it.
        base: Any = type(self).__mro__[2]
        state = base.__getstate__(self) if hasattr(base, "__getstate__") else self.__dict__
        state = {name: value for name, value in dict(state or {}).items() if name != "_ending"}
        return _new_executor, (type(self).__mro__[2],), state


def note_ending(ending: sessions.Ending, states: Mapping[Any, State]) -> None:
    """Read from the last tasks' states how the run ended, and what they left in memory."""
    for task, state in states.items():
        if not isinstance(task, NodeTask):
            continue
        if state.is_failed():
            cause = state.result if isinstance(state.result, Exception) else RuntimeError(state.message)
            ending.error = ending.error or cause
        elif not state.is_finished():
            ending.finished = False
        elif isinstance(state.result, Outputs):
            ending.outputs.append(state.result)


_classes: dict[Any, Any] = {}


def _session_class(base: Any) -> Any:
    """`base` with the Kedro session mixed in; one class for each, so that their instances compare."""
    if base not in _classes:
        members = {"__module__": base.__module__, "__doc__": base.__doc__}
        _classes[base] = type(base.__name__, (_SessionExecutor, base), members)
    return _classes[base]


def with_session(executor: Executor, flow: KedroFlow) -> Executor:
    """A copy of the executor, of a subclass of its own class, that opens `flow`'s session while it works."""
    bound: Any = copy.copy(executor)
    if not isinstance(bound, _SessionExecutor):
        bound.__class__ = _session_class(type(executor))
    bound.flow = flow
    result: Executor = bound
    return result


def _new_executor(base: type[Executor]) -> Executor:
    executor: Executor = _session_class(base).__new__(_session_class(base))
    return executor
