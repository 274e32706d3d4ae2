"""The Prefect task that runs Kedro nodes.

A task carries names only: its nodes', and where the project is. The code and the data are found in the
process that runs it, so a task pickles small and nothing secret can leak through it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

import prefect
from prefect.engine import signals

from kedro_prefect_hooks.compat.prefect import send_kedro_logs
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.dask_futures import register_state_sizeof
from kedro_prefect_hooks.runs.node_runner import failed_node
from kedro_prefect_hooks.runs.outputs import Outputs
from kedro_prefect_hooks.runs.session import session_for_task
from kedro_prefect_hooks.runs.spec import FlowRun, ProjectRef

if TYPE_CHECKING:
    from prefect.core.edge import Edge
    from prefect.engine.state import State


def current_flow_run() -> FlowRun:
    """The flow run that this process works for, from Prefect's context, which reaches every worker."""
    context = prefect.context
    return FlowRun(
        id=str(context.get("flow_run_id") or "local"),
        scheduled=context.get("scheduled_start_time"),
        parameters=dict(context.get("parameters") or {}),
    )


def all_successful(upstream_states: Mapping[Edge, State]) -> bool:
    """Prefect's `all_successful`, which also hands on why: message and exception of the first failure.

    Prefect's own forgets both, so nobody downstream, nor Kedro's `on_pipeline_error`, could tell what failed.

    Raises:
        prefect.engine.signals.TRIGGERFAIL: an upstream task did not succeed.
    """
    for edge, state in upstream_states.items():
        if not state.is_successful():
            message = _because(edge.upstream_task.name, state)
            if isinstance(state.result, Exception):
                raise signals.TRIGGERFAIL(message=message, result=state.result)
            raise signals.TRIGGERFAIL(message=message)
    return True


def _because(upstream: str, state: State) -> str:
    if isinstance(state, prefect.engine.state.TriggerFailed) and state.message:
        return str(state.message)
    return f"Not run, because task '{upstream}' ended {type(state).__name__}: {state.message}"


def name_the_node(task: prefect.Task, old_state: State, new_state: State) -> State:
    """State handler of a task of several nodes: its state and log say which of them failed.

    The exception stays the node's own, for retries, triggers and Kedro's `on_pipeline_error`.
    """
    if new_state.is_failed() and isinstance(new_state.result, Exception):
        node = failed_node(new_state.result)
        if node is not None:
            new_state.message = f"Node '{node}' failed: {new_state.result!r}"
            task.logger.error("Task '%s' failed in its node '%s'", task.name, node)
    return new_state


class NodeTask(prefect.Task):
    """One or several Kedro nodes as one Prefect task.

    Args:
        nodes: names of the nodes, in the order to run them.
        project: where a process finds the project.
        consumers: output dataset → how many other tasks load it (`datasets.KEPT`: an output of the run).
        **kwargs: Prefect's own: name, slug, tags, max_retries, retry_delay, timeout, …
    """

    def __init__(
        self,
        nodes: Sequence[str],
        project: ProjectRef,
        consumers: Mapping[str, int],
        **kwargs: Any,
    ) -> None:
        self.nodes = tuple(nodes)
        self.project = project
        self.consumers = dict(consumers)
        kwargs.setdefault("trigger", all_successful)
        if len(self.nodes) > 1:
            kwargs["state_handlers"] = [*kwargs.get("state_handlers", ()), name_the_node]
        super().__init__(**kwargs)

    def run(self, **upstream: Outputs | None) -> Outputs:  # type: ignore[override]
        """Run the nodes, with what the tasks before left in memory.

        Raises:
            FlowRunError: an in-memory input is missing and cannot be made again.
            Exception: a node's own.
        """
        session = session_for_task(self.project, current_flow_run())
        send_kedro_logs()
        if "distributed.worker" in sys.modules:
            register_state_sizeof()
        handles = [handle for handle in upstream.values() if handle is not None]
        _check(handles)
        return session.run_nodes(self.nodes, handles, self.consumers)


def _check(handles: Iterable[object]) -> None:
    for handle in handles:
        if not isinstance(handle, Outputs):
            raise FlowRunError(
                f"A task before this one left a {type(handle).__name__} where the in-memory datasets of its "
                "nodes were expected. Is its `result` shared with another flow?"
            )
