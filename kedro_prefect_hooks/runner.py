"""`kedro run --runner kedro_prefect_hooks.PrefectRunner`: the nodes of a run as tasks of a Prefect flow.

It runs the pipeline and catalog that `kedro run` passes to it, needs no Prefect API and registers nothing.
"""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable

from kedro.runner import AbstractRunner

from kedro_prefect_hooks.compat import (
    kedro_catalog,
    kedro_config,
    kedro_datasets,
    kedro_partitions,
    kedro_pipeline,
    kedro_project,
    kedro_runner,
    kedro_session,
)
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.runs.node_runner import NodeRunner
from kedro_prefect_hooks.runs.session import FlowRunOutcome, available, compact
from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec
from kedro_prefect_hooks.runs.travel import prepared, refuse_changes

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline
    from pluggy import PluginManager
    from prefect.executors.base import Executor

    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.flows.mapping import DatasetKinds
    from kedro_prefect_hooks.hooks import PrefectHooks

FLOW_NAME = "kedro run"


class PrefectRunner(AbstractRunner):
    """Kedro runner that runs nodes as Prefect tasks.

    Args:
        is_async: load and save with threads, as `kedro run --async`.
        executor: a Prefect executor; by default the one under `defaults:` in `prefect.yml`, else
            `LocalExecutor`.
        group_by: which nodes share one task, as in `prefect.yml`.
        **kwargs: what Kedro's own runners accept (`extra_dataset_patterns` in 0.19).

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
        return kedro_datasets.MemoryDataset()

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
        from kedro_prefect_hooks.flows.session_executor import note_outcome, opening_session, remote_nodes

        hook_manager, run_id = kedro_runner.hooks_and_id(*hooks_and_id)
        if not pipeline.nodes:
            return
        plugin = _our_hooks(hook_manager)
        config = self._config(plugin)
        with tempfile.TemporaryDirectory(prefix="kedro-prefect-") as folder:
            # Kedro's own runners start no more nodes once one has failed.
            spec = replace(self._spec(plugin, pipeline, run_id), stop_file=str(Path(folder, "failed")))
            nodes = NodeRunner(spec, catalog, hook_manager, pipeline)
            flow = build_flow(
                FLOW_NAME,
                config,
                pipeline,
                spec,
                parameters={},
                kinds=_kinds(pipeline, catalog),
                own_session=False,
            )
            executor = opening_session(self.executor, flow) if self.executor else flow.executor
            remote = remote_nodes(executor, flow)
            if remote:
                before = plugin.catalog_before if plugin else None
                if before is not None:
                    refuse_changes(nodes, remote, before)
                spec = prepared(compact(spec), nodes, remote, before, self._parameters(plugin))
                flow.spec = nodes.spec = spec
            outcome = FlowRunOutcome()
            with available(nodes), printed_once():
                state = patient_flow_runner(flow).run(
                    executor=executor,
                    return_tasks=flow.terminal_tasks() | flow.reference_tasks(),
                    context={"flow_run_id": spec.run_id},
                )
        if isinstance(state.result, dict):
            note_outcome(outcome, state.result)
        if outcome.error is None and not state.is_successful():
            cause = state.result if isinstance(state.result, Exception) else FlowRunError(str(state.message))
            outcome.error = cause
        if outcome.error is not None:
            raise outcome.error
        nodes.restore(outcome.outputs)

    def _config(self, plugin: PrefectHooks | None) -> FlowConfig:
        """The `defaults:` of `prefect.yml` that apply to a run, if there are any."""
        from kedro_prefect_hooks.config import FlowConfig, run_defaults

        config = run_defaults(plugin.context.config_loader) if plugin and plugin.context else FlowConfig()
        return config if self.group_by is None else config.model_copy(update={"group_by": self.group_by})

    def _spec(self, plugin: PrefectHooks | None, pipeline: Pipeline, run_id: str | None) -> RunSpec:
        """This run, as far as it is known: the hook has seen what it was given."""
        common: dict[str, Any] = {
            "run_id": str(uuid.uuid4()),
            "nodes": tuple(node.name for node in pipeline.nodes),
            "is_async": self._is_async,
            "pin_versions": False,
            "owns_version": False,
        }
        if plugin is None or plugin.run_params is None or plugin.context is None:
            return RunSpec(ProjectRef(path=""), session_id=run_id or common["run_id"], **common)
        given = kedro_session.given_run(plugin.run_params)
        project = ProjectRef(
            path=str(given.project_path),
            package=kedro_project.package_name(),
            env=given.env,
            conf_source=kedro_config.chosen_source(plugin.context),
            relocatable=False,
        )
        return RunSpec(
            project,
            session_id=run_id or given.session_id,
            pipeline=given.pipeline,
            runtime_params=given.runtime_params,
            load_versions=given.load_versions or {},
            **common,
        )

    def _parameters(self, plugin: PrefectHooks | None) -> dict[str, Any]:
        """The parameters that every process has from the configuration."""
        if plugin is None or plugin.context is None:
            return {}
        return kedro_catalog.parameters_in_catalog(plugin.context)


def _our_hooks(hook_manager: PluginManager) -> PrefectHooks | None:
    from kedro_prefect_hooks.hooks import PrefectHooks

    found: Iterable[Any] = getattr(hook_manager, "get_plugins", tuple)() or ()
    return next((plugin for plugin in found if isinstance(plugin, PrefectHooks)), None)


def _kinds(pipeline: Pipeline, catalog: kedro_catalog.Catalog) -> DatasetKinds:
    from kedro_prefect_hooks.flows.mapping import DatasetKinds

    names = [name for name in kedro_pipeline.dataset_names(pipeline) if not kedro_pipeline.is_parameter(name)]
    datasets = {name: kedro_catalog.dataset(catalog, name) for name in names}
    return DatasetKinds(
        {name for name, found in datasets.items() if kedro_datasets.is_memory(found)},
        {name for name, found in datasets.items() if kedro_partitions.is_partitioned(found)},
    )
