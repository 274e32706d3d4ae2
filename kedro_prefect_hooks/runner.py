"""`kedro run --runner kedro_prefect_hooks.PrefectRunner`: the nodes of a run as tasks of a Prefect flow.

It runs whatever pipeline and catalog `kedro run` gives it, needs no Prefect API and registers nothing.
"""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Iterable

from kedro.runner import AbstractRunner

from kedro_prefect_hooks.compat import (
    kedro_catalog,
    kedro_config,
    kedro_pipeline,
    kedro_project,
    kedro_runner,
    kedro_session,
)
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs import session
from kedro_prefect_hooks.runs.node_runner import NodeRunner
from kedro_prefect_hooks.runs.spec import ProjectRef

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from pluggy import PluginManager
    from prefect.executors.base import Executor

    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.hooks import PrefectHooks

FLOW_NAME = "kedro run"


class PrefectRunner(AbstractRunner):
    """Kedro runner that runs nodes as Prefect tasks.

    Args:
        is_async: load and save with threads, as `kedro run --async`.
        executor: a Prefect executor; by default the one under `defaults:` in `prefect.yml`, else
            `LocalExecutor`.
        group_by: which nodes share one task, as in `prefect.yml`.
        **kwargs: what Kedro's own runners take (`extra_dataset_patterns` in 0.19).

    Example:
        ```
        kedro run --runner kedro_prefect_hooks.PrefectRunner
        ```
    """

    def __init__(
        self,
        is_async: bool = False,
        executor: Executor | None = None,
        group_by: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(is_async=is_async, **kedro_runner.runner_arguments(kwargs))
        self.executor = executor
        self.group_by = group_by

    def create_default_data_set(self, ds_name: str) -> Any:
        """What Kedro before 0.19 asks runners for: a dataset for what the catalog does not know."""
        return kedro_catalog.MemoryDataset()

    def _get_executor(self, max_workers: int) -> None:
        """Abstract since Kedro 0.19.13; the nodes are run by Prefect's executor, not by Kedro's."""

    def _run(self, pipeline: Pipeline, catalog: kedro_catalog.Catalog, *hooks_and_id: Any) -> None:
        """Run the pipeline; called by Kedro's own `run`, which has checked and completed the catalog.

        Raises:
            Exception: that of the first node that failed.
            FlowRunError: tasks would run in other processes, and it is not known how to open the project
                there, or a value cannot go there.
        """
        from kedro_prefect_hooks.compat.prefect import patient_flow_runner, printed_once
        from kedro_prefect_hooks.flows.builder import build_flow
        from kedro_prefect_hooks.flows.session_executor import note_outcome, opening_session

        hook_manager, run_id = kedro_runner.hooks_and_id(*hooks_and_id)
        if not pipeline.nodes:
            return
        plugin = _our_hooks(hook_manager)
        config = self._config(plugin)
        flow = build_flow(
            FLOW_NAME,
            config,
            pipeline,
            self._project(plugin, run_id),
            parameters={},
            in_memory={name for name in kedro_pipeline.dataset_names(pipeline) if _in_memory(catalog, name)},
            own_session=False,
        )
        key = str(uuid.uuid4())
        run_session = NodeRunner(
            run_id or key, catalog, hook_manager, pipeline, is_async=self._is_async, pin=False
        )
        outcome = session.FlowRunOutcome()
        with ExitStack() as stack:
            stack.enter_context(session.available(key, run_session))
            stack.enter_context(printed_once())
            state = patient_flow_runner(flow).run(
                executor=opening_session(self.executor, flow) if self.executor else flow.executor,
                return_tasks=flow.terminal_tasks() | flow.reference_tasks(),
                context={"flow_run_id": key},
            )
        if isinstance(state.result, dict):
            note_outcome(outcome, state.result)
        if outcome.error is None and not state.is_successful():
            cause = state.result if isinstance(state.result, Exception) else FlowRunError(str(state.message))
            outcome.error = cause
        if outcome.error is not None:
            raise outcome.error
        run_session.restore(outcome.outputs)

    def _config(self, plugin: PrefectHooks | None) -> FlowConfig:
        """The `defaults:` of `prefect.yml` that bear on a run, where there are any."""
        from kedro_prefect_hooks.config import FlowConfig, run_defaults

        config = run_defaults(plugin.context.config_loader) if plugin and plugin.context else FlowConfig()
        return config if self.group_by is None else config.model_copy(update={"group_by": self.group_by})

    def _project(self, plugin: PrefectHooks | None, run_id: str | None) -> ProjectRef:
        """Where other processes find the project: known from the hook, which saw the run begin."""
        if plugin is None or plugin.run_params is None or plugin.context is None:
            return ProjectRef(path="", package=None)
        given = kedro_session.given_run(plugin.run_params)
        return ProjectRef(
            path=str(given.project_path),
            package=kedro_project.package_name(),
            env=given.env,
            conf_source=kedro_config.chosen_source(plugin.context),
            pipeline=given.pipeline,
            session_id=run_id or given.session_id,
            runtime_params=given.runtime_params,
        )


def _our_hooks(hook_manager: PluginManager) -> PrefectHooks | None:
    from kedro_prefect_hooks.hooks import PrefectHooks

    found: Iterable[Any] = getattr(hook_manager, "get_plugins", tuple)()
    return next((plugin for plugin in found if isinstance(plugin, PrefectHooks)), None)


def _in_memory(catalog: kedro_catalog.Catalog, name: str) -> bool:
    return not kedro_pipeline.is_parameter(name) and kedro_catalog.is_memory(
        kedro_catalog.dataset(catalog, name)
    )
