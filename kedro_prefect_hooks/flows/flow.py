"""The Prefect flow of a Kedro pipeline, with one Kedro session around each of its runs."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping

import prefect
from prefect.engine import get_default_flow_runner_class
from prefect.engine.flow_runner import FlowRunner
from prefect.executors import LocalExecutor

from kedro_prefect_hooks.compat.kedro_params import nested
from kedro_prefect_hooks.compat.prefect import patient_flow_runner
from kedro_prefect_hooks.flows.linear_flow import LinearFlow
from kedro_prefect_hooks.flows.parameters import LOAD_VERSIONS, Configured, given_values, is_same
from kedro_prefect_hooks.flows.session_executor import opening_session
from kedro_prefect_hooks.flows.tasks import NodeTask, RunTask
from kedro_prefect_hooks.runs.session import pipeline_of
from kedro_prefect_hooks.runs.spec import RunSpec, session_id_of

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from prefect.engine.state import State
    from prefect.executors.base import Executor


class KedroFlow(LinearFlow):
    """A Prefect flow made from a Kedro pipeline.

    Args:
        name: the flow's name.
        spec: the run that it makes, without what differs from one flow run to the next. Within a
            `kedro run`, the whole of it.
        filters: the filters that selected the nodes, for the hooks' `run_params`.
        own_session: whether running the flow opens a Kedro session and fires the pipeline hooks. False
            within a `kedro run`, which does both.
        extra_loggers: names of loggers whose lines are sent to an API, besides those that always are.
        report: how task states are reported to an API: in `batches`, or `each` before its task goes on.
        run_name: template of the names of flow runs.
        **kwargs: Prefect's own: schedule, executor, run_config, storage, result, state_handlers, …
    """

    def __init__(
        self,
        name: str,
        spec: RunSpec,
        filters: Mapping[str, Any] | None = None,
        own_session: bool = True,
        *,
        report: str = "batches",
        extra_loggers: Iterable[str] = (),
        run_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.spec = spec
        self.report = report
        self.extra_loggers = tuple(extra_loggers)
        self.run_name = run_name
        self.filters = dict(filters or {})
        self.own_session = own_session
        self._marked = False
        super().__init__(name, **kwargs)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """From a pickle, which a storage other than `Module` makes of it."""
        from kedro_prefect_hooks.flows.flow_runner import use_for_flow_runs

        self.__dict__.update(state)
        use_for_flow_runs()

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
        with self.marking_defaults():
            return super().run(*args, **kwargs)

    @contextlib.contextmanager
    def marking_defaults(self) -> Iterator[None]:
        """While a flow run is started, let `given_values` distinguish given values from defaults."""
        defaults = {parameter: parameter.default for parameter in self.parameters()}
        self.mark_defaults()
        try:
            yield
        finally:
            self._marked = False
            for parameter, value in defaults.items():
                parameter.default = value

    def mark_defaults(self) -> None:
        """The same permanently, in a process that only runs this flow."""
        self._marked = True
        for parameter in self.parameters():
            parameter.default = Configured.of(parameter.default)

    def _given_parameters(self) -> dict[str, Any]:
        """The parameters that this flow run was given; a flow from a pickle only knows which differ."""
        values = prefect.context.get("parameters") or {}
        own: dict[str, Any] = {parameter.name: parameter.default for parameter in self.parameters()}
        given = given_values({name: value for name, value in values.items() if name in own})
        values.update({name: own[name].value for name in own if isinstance(values.get(name), Configured)})
        if self._marked:
            return given
        return {name: value for name, value in given.items() if not is_same(value, own[name])}

    def current_spec(self) -> RunSpec:
        """The run that Prefect's context says is going on.

        Within a `kedro run` that is known already.
        """
        if not self.own_session:
            return self.spec
        context = prefect.context
        run_id = str(context.get("flow_run_id") or uuid.uuid4())
        return replace(
            self.spec,
            run_id=run_id,
            session_id=session_id_of(run_id, context.get("scheduled_start_time")),
            attempt=uuid.uuid4().hex,
            nodes=self.node_names(),
            runtime_params=nested(self._given_parameters()),
            load_versions=dict(context.get(LOAD_VERSIONS) or {}),
        )

    def order(self, task: prefect.Task) -> tuple[int, str]:
        """Parameters first, then tasks in the order of their nodes in the pipeline, which is Kedro's own."""
        return (task.position if isinstance(task, RunTask) else -1), self.slugs[task]

    def node_names(self) -> tuple[str, ...]:
        """The flow's nodes."""
        return tuple(name for task in self.tasks if isinstance(task, NodeTask) for name in task.nodes)

    def pipeline(self) -> Pipeline:
        """The Kedro pipeline of exactly this flow's nodes, from the project's code in this process.

        Raises:
            FlowRunError: a node of the flow is no longer in the code.
        """
        return pipeline_of(replace(self.spec, nodes=self.node_names()))
