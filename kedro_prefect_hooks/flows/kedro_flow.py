"""The Prefect flow of a Kedro pipeline, with one Kedro session around each of its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from prefect.engine import get_default_flow_runner_class
from prefect.engine.flow_runner import FlowRunner
from prefect.executors import LocalExecutor

from kedro_prefect_hooks.compat.prefect import patient_flow_runner
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows.linear_flow import LinearFlow
from kedro_prefect_hooks.flows.node_task import NodeTask
from kedro_prefect_hooks.flows.session_executor import opening_session
from kedro_prefect_hooks.runs.session import pipeline_named

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from prefect.engine.state import State
    from prefect.executors.base import Executor

    from kedro_prefect_hooks.runs.spec import ProjectRef


class KedroFlow(LinearFlow):
    """A Prefect flow made from a Kedro pipeline.

    Args:
        name: the flow's name.
        project: where a process finds the project.
        filters: the filters that selected the nodes, for the hooks' `run_params`.
        own_session: whether running the flow opens a Kedro session and fires the pipeline hooks. False
            within a `kedro run`, which does both.
        **kwargs: Prefect's own: schedule, executor, run_config, storage, result, state_handlers, …
    """

    def __init__(
        self,
        name: str,
        project: ProjectRef,
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
        """The executor, which opens the Kedro session while it is started; never None."""
        return self._executor

    @executor.setter
    def executor(self, executor: Executor | None) -> None:
        self._executor = opening_session(executor or LocalExecutor(), self)

    def run(self, *args: Any, **kwargs: Any) -> State | None:
        """Prefect's `Flow.run`; an `executor` passed here opens the Kedro session too.

        Tasks wait for their own retries, unless a `runner_cls` is given, as against an API.
        """
        kwargs["executor"] = executor = opening_session(kwargs.get("executor") or self.executor, self)
        executor.every_state = True
        if len(args) < 3 and get_default_flow_runner_class() is FlowRunner:
            kwargs.setdefault("runner_cls", patient_flow_runner)
        return super().run(*args, **kwargs)

    def pipeline(self) -> Pipeline:
        """The Kedro pipeline of exactly this flow's nodes, from the project's code in this process.

        Raises:
            FlowRunError: a node of the flow is no longer in the code.
        """
        registered = pipeline_named(self.project.pipeline)
        names = [name for task in self.tasks if isinstance(task, NodeTask) for name in task.nodes]
        missing = set(names) - {node.name for node in registered.nodes}
        if missing:
            raise FlowRunError(
                f"Flow '{self.name}' was registered with nodes that are missing from the project's code on "
                f"this machine: {', '.join(sorted(missing))}. Register the flow again."
            )
        # Kedro sorts each pipeline that is made; 0.19.0 still in quadratic time, 0.19.15 no longer.
        return registered if len(names) == len(registered.nodes) else registered.only_nodes(*names)
