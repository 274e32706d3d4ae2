"""The Prefect task that runs Kedro nodes.

A task carries the names of its nodes. The code and the data are found in the process that runs it, through
the run's spec in Prefect's context, so a task pickles small and nothing secret can leak through it.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import sys
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

import prefect
from prefect.engine import signals

from kedro_prefect_hooks.compat.prefect import send_kedro_logs
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.dask_futures import register_state_sizeof
from kedro_prefect_hooks.flows.data_artifacts import recorded
from kedro_prefect_hooks.flows.printed_lines import logged_prints
from kedro_prefect_hooks.flows.raised_by_nodes import as_failure
from kedro_prefect_hooks.runs.failures import NodeNotStarted, failed_node
from kedro_prefect_hooks.runs.missing_inputs import without_inputs
from kedro_prefect_hooks.runs.node_runner import NodeRunner, Try
from kedro_prefect_hooks.runs.outputs import Outputs
from kedro_prefect_hooks.runs.session import session_for_task
from kedro_prefect_hooks.runs.slices import in_words, prepare_outputs, run_slice

if TYPE_CHECKING:
    from prefect.core.edge import Edge
    from prefect.engine.state import State

    from kedro_prefect_hooks.runs.slices import SlicedNode
    from kedro_prefect_hooks.runs.spec import RunSpec

RUN = "kedro_run"
"""Where Prefect's context has the run's spec; `SessionExecutor` puts it there for each task."""

LOGGERS = "kedro_extra_loggers"
"""Where it has the names of further loggers whose lines are sent to the API."""

SLICE = "kedro_slice"
"""The argument of a mapped task that says which partitions it is to process."""

NOT_MADE = "not made"
"""In the place of the outputs of a slice that has failed."""

_sends_logs: weakref.ReferenceType[NodeRunner] | None = None


def current_run() -> NodeRunner:
    """The Kedro run that this process works for, opened if it is not open yet.

    Raises:
        FlowRunError: the flow was not run with its own executor.
    """
    spec: RunSpec | None = prefect.context.get(RUN)
    if spec is None:
        raise FlowRunError(
            "This task does not know its Kedro run. A KedroFlow must be run with its own executor: set "
            "`flow.executor`, or pass `executor` to `flow.run`."
        )
    global _sends_logs
    runner = session_for_task(spec)
    if _sends_logs is None or _sends_logs() is not runner:
        _sends_logs = weakref.ref(runner)  # opening it may have configured logging
        send_kedro_logs(prefect.context.get(LOGGERS) or ())
    return runner


def all_successful(upstream_states: Mapping[Edge, State]) -> bool:
    """Prefect's `all_successful`, which also passes on why: message and exception of the first failure.

    Prefect's own drops both, so nobody downstream, nor Kedro's `on_pipeline_error`, could know what failed.

    Raises:
        prefect.engine.signals.TRIGGERFAIL: an upstream task did not succeed.
    """
    failed = [(edge, state) for edge, state in upstream_states.items() if not state.is_successful()]
    if not failed:
        return True
    # A node that was not started because of a failure is not the failure.
    causes = [each for each in failed if not isinstance(each[1].result, NodeNotStarted)]
    edge, state = (causes or failed)[0]
    message = _because(edge.upstream_task.name, state)
    if isinstance(state.result, Exception):
        raise signals.TRIGGERFAIL(message=message, result=state.result)
    raise signals.TRIGGERFAIL(message=message)


def _because(upstream: str, state: State) -> str:
    if isinstance(state, prefect.engine.state.TriggerFailed) and state.message:
        return str(state.message)
    return f"Not run, because task '{upstream}' ended {type(state).__name__}: {state.message}"


UNMADE = "kedro_unmade"
"""Where Prefect's context, and a state's, has the arguments for which an upstream task has left nothing."""


def all_finished(upstream_states: Mapping[Edge, State]) -> bool:
    """Prefect's `all_finished`, which also notes which of the tasks before have left nothing.

    Raises:
        prefect.engine.signals.TRIGGERFAIL: an upstream task has not finished.
    """
    prefect.triggers.all_finished(dict(upstream_states))
    prefect.context[UNMADE] = sorted(
        edge.key
        for edge, state in upstream_states.items()
        if edge.key and (not state.is_successful() or state.is_skipped())
    )
    return True


class NodeStateHandler:
    """A state handler of the project's own, by its dotted path.

    Imported where the task runs: a task is unpickled before the project's code can be found there.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, task: prefect.Task, old_state: State, new_state: State) -> State | None:
        module, _, name = self.path.rpartition(".")
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError:
            current_run()  # opens the project
            found = importlib.import_module(module)
        state: State | None = getattr(found, name)(task, old_state, new_state)
        return state


def note_what_was_missing(task: prefect.Task, old_state: State, new_state: State) -> State:
    """State handler of a task that runs whatever happened before: a restart must know what it has lacked."""
    unmade = prefect.context.get(UNMADE)
    if unmade and new_state.is_finished():
        new_state.context[UNMADE] = list(unmade)
    return new_state


def lacked_inputs(state: State | None) -> bool:
    """Whether a task ended in this state without all of its inputs."""
    return state is not None and state.is_successful() and bool((state.context or {}).get(UNMADE))


def name_the_node(task: prefect.Task, old_state: State, new_state: State) -> State:
    """State handler of a task of several nodes: its state and log name the one that failed.

    The exception stays the node's own, for retries, triggers and Kedro's `on_pipeline_error`.
    """
    if new_state.is_failed() and isinstance(new_state.result, Exception):
        node = failed_node(new_state.result)
        if node is not None:
            new_state.message = f"Node '{node}' failed: {new_state.result!r}"
            task.logger.error("Task '%s' failed in its node '%s'", task.name, node)
    return new_state


def slice_name(**context: Any) -> str:
    """The name of the task run of a slice: the task, and its partitions."""
    return f"{context['task_name']} [{in_words(context.get(SLICE) or [])}]"


def note_the_partitions(task: prefect.Task, old_state: State, new_state: State) -> State:
    """State handler of a mapped task: states say which partitions a slice has, also after a restart.

    The state and the log of a slice that fails name them.
    """
    outputs = new_state.result
    if new_state.is_successful() and isinstance(outputs, Outputs) and outputs.made is not None:
        ids = [each for listed in (outputs.given, outputs.made) for ids in listed.values() for each in ids]
        if all(isinstance(each, str) for each in ids):
            new_state.context[SLICE] = {"given": outputs.given, "made": outputs.made}
    name = prefect.context.get("task_run_name")
    if new_state.is_failed() and name and not isinstance(new_state, prefect.engine.state.TriggerFailed):
        cause = new_state.result
        if isinstance(cause, Exception):
            node = failed_node(cause) if len(task.nodes) > 1 else None  # type: ignore[attr-defined]
            new_state.message = f"{name} failed{f' in node {node}' if node else ''}: {cause!r}"
        # Kedro's console handler would take square brackets for markup, and leave them out.
        task.logger.error("Failed: %s", name.replace("[", "(").replace("]", ")"))
    return new_state


def noted_partitions(task: prefect.Task, state: State) -> State:
    """A state whose outputs were lost in a restart, with what it says of the partitions in their place."""
    noted = (state.context or {}).get(SLICE)
    if state.result is None and noted and state.is_successful() and isinstance(task, NodeTask):
        outputs = Outputs(task.nodes[-1], {}, {})
        outputs.given, outputs.made = noted["given"], noted["made"]
        state.result = outputs
    return state


class RunTask(prefect.Task):
    """A task that works with the run's catalog.

    Args:
        consumers: output dataset → how many other tasks load it (`outputs.KEPT`: an output of the run).
        inputs_of_nodes: datasets that its nodes load and do not make themselves.
        position: of its first node in the pipeline; tasks are started in this order where edges allow it.
        **kwargs: Prefect's own: name, slug, tags, max_retries, retry_delay, timeout, …
    """

    def __init__(
        self,
        consumers: Mapping[str, int],
        inputs_of_nodes: Iterable[str] = (),
        position: int = 0,
        **kwargs: Any,
    ) -> None:
        self.consumers = dict(consumers)
        self.inputs_of_nodes = frozenset(inputs_of_nodes)
        self.position = position
        kwargs.setdefault("trigger", all_successful)
        super().__init__(nout=1, **kwargs)
        # Its default, which Prefect would look up in the signature of `run` for each task.
        self.nout = None  # type: ignore[assignment]

    def ended(self, state: State, upstream_states: Mapping[Edge, State] | None, spec: RunSpec | None) -> None:
        """This task has ended and will not be retried: release its in-memory inputs.

        After a failure within a `kedro run`, also let no other node start.
        """
        if state.is_failed() and spec is not None and spec.stop_file is not None:
            Path(spec.stop_file).touch()
        for edge, upstream in (upstream_states or {}).items():
            if not self.releases(edge):
                continue
            several = upstream.result if upstream.is_mapped() else [upstream.result]
            for outputs in several or ():
                if isinstance(outputs, Outputs):
                    for name in outputs.names():
                        if name in self.inputs_of_nodes:
                            outputs.done(name)

    def releases(self, edge: Edge) -> bool:
        """Whether this task is done with what came along an edge once it has ended."""
        return True


class NodeTask(RunTask):
    """One or several Kedro nodes as one Prefect task.

    Args:
        nodes: names of the nodes, in the order to run them.
        consumers: output dataset → how many other tasks load it (`outputs.KEPT`: an output of the run).
        inputs_of_nodes: datasets that the nodes load and do not make themselves.
        position: of the first node in the pipeline; tasks are started in this order where edges allow it.
        confirms: whether a node confirms a dataset that it, or a node before it, has loaded.
        always: whether it runs whatever became of the tasks before it.
        own_handlers: dotted paths of the project's own state handlers.
        logs_prints: whether what the nodes print becomes lines of the task run's log, if there is an API.
        sliced: for a mapped task, which runs once per slice: its nodes, and what is sliced of each.
        artifacts: whether the API is told what the nodes read and wrote.
        **kwargs: Prefect's own: name, slug, tags, max_retries, retry_delay, timeout, …

    Attributes:
        made_before: argument of `run` → inputs that the task behind it makes.
    """

    def __init__(
        self,
        nodes: Sequence[str],
        consumers: Mapping[str, int],
        inputs_of_nodes: Iterable[str] = (),
        position: int = 0,
        confirms: bool = False,
        *,
        always: bool = False,
        own_handlers: Iterable[str] = (),
        logs_prints: bool = False,
        sliced: Sequence[SlicedNode] = (),
        artifacts: bool = True,
        **kwargs: Any,
    ) -> None:
        self.logs_prints = logs_prints
        self.nodes = tuple(nodes)
        self.confirms = confirms
        self.sliced = tuple(sliced)
        self.artifacts = artifacts
        self.limit: int | None = None
        self.always = always
        self.made_before: dict[str, tuple[str, ...]] = {}
        handlers: list[Any] = [NodeStateHandler(path) for path in own_handlers]
        if sliced:
            handlers.insert(0, note_the_partitions)
            kwargs["task_run_name"] = slice_name
        elif len(self.nodes) > 1:
            handlers.insert(0, name_the_node)
        if always:
            handlers.insert(0, note_what_was_missing)
            kwargs.update(trigger=all_finished, skip_on_upstream_skip=False)
        super().__init__(consumers, inputs_of_nodes, position, state_handlers=handlers, **kwargs)

    def run(self, **upstream: Any) -> Outputs:  # type: ignore[override]
        """Run the nodes, with what the tasks before left in memory.

        Raises:
            FlowRunError: an in-memory input is missing and cannot be computed again.
            Exception: a node's own.
        """
        if self.limit is not None:
            from kedro_prefect_hooks.compat.prefect_timeouts import ProcessError, run_in_process

            try:
                limited: Outputs = run_in_process(_InProcess(self), upstream, self.limit, self.name)
            except ProcessError as error:
                raise FlowRunError(str(error)) from None
            return limited
        runner = current_run()
        if "distributed.worker" in sys.modules:
            register_state_sizeof()
        part = upstream.pop(SLICE, None)
        if self.always:
            unmade = set(prefect.context.get(UNMADE) or ())
            lacking = {name for key in unmade for name in self.made_before.get(key, ())}
            upstream = {key: value for key, value in upstream.items() if key not in unmade}
            runner = without_inputs(runner, self.nodes[0], lacking)
        handles = [handle for handle in upstream.values() if handle is not None]
        check_handles(handles)
        number = int(prefect.context.get("task_run_count") or 1)
        attempt = Try(
            number=number,
            may_be_retried=number <= (self.max_retries or 0),
            keeps_result=bool(prefect.context.get("checkpointing")) and self.checkpoint is not False,
        )
        has_outputs = any(runner.node(name).outputs for name in self.nodes)
        with as_failure(has_outputs), self._prints(), self._records(runner):
            if not self.sliced:
                return runner.run_nodes(self.nodes, handles, self.consumers, attempt)
            return run_slice(runner, self.sliced, part or [], handles, self.consumers, attempt=attempt)

    def _prints(self) -> contextlib.AbstractContextManager[None]:
        """What is printed goes to the log, if anybody can read it there and not in the terminal."""
        if self.logs_prints and prefect.context.get("running_with_backend"):
            return logged_prints(self.logger)
        return contextlib.nullcontext()

    def _records(self, runner: NodeRunner) -> contextlib.AbstractContextManager[None]:
        """What the nodes read and write becomes an artifact, if there is an API."""
        return recorded(runner, self.nodes) if self.artifacts else contextlib.nullcontext()

    def limited(self) -> NodeTask:
        """The task as it is run in a thread: its timeout is enforced here, not by Prefect."""
        task = copy.copy(self)
        task.limit = self.timeout
        task.timeout = None  # type: ignore[assignment]
        return task

    def prepare(self) -> None:
        """Called once before the slices of a mapped task."""
        if self.sliced:
            prepare_outputs(current_run(), self.sliced)

    def releases(self, edge: Edge) -> bool:
        """Of a mapped task, each slice is done with its own slice; the rest is for all slices."""
        return not self.sliced or bool(edge.mapped)


class _InProcess:
    """A task in the process of its timeout."""

    def __init__(self, task: NodeTask) -> None:
        self.task = copy.copy(task)
        self.task.limit = None

    def prepare(self) -> None:
        current_run()

    def __call__(self, **upstream: Any) -> Outputs:
        return self.task.run(**upstream)


def runs_in_main_thread() -> bool:
    """Whether Prefect can enforce a timeout here by an alarm, without another process."""
    return threading.current_thread() is threading.main_thread()


def check_handles(handles: Iterable[object]) -> None:
    for handle in handles:
        if not isinstance(handle, Outputs):
            raise FlowRunError(
                f"A task before this one left a {type(handle).__name__} where the in-memory datasets of its "
                "nodes were expected. Is its `result` shared with another flow?"
            )
