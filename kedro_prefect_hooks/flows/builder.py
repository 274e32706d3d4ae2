"""Builds a Prefect flow from a Kedro pipeline and its settings in `prefect.yml`.

The same call builds the flow that is registered, the flow that an agent runs, and the flow within
`kedro run --runner …`, so the three have the same tasks, slugs and edges.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Collection, Mapping

from prefect import Parameter

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.config.messages import InvalidConfigError, Problem
from kedro_prefect_hooks.config.project_check import FILTERS
from kedro_prefect_hooks.config.typed import SAME_MACHINE_RUN_CONFIGS
from kedro_prefect_hooks.errors import ConfigError
from kedro_prefect_hooks.flows.flow import KedroFlow
from kedro_prefect_hooks.flows.grouping import Group, group_nodes
from kedro_prefect_hooks.flows.parameters import as_tasks, configured_values, reads_parameter
from kedro_prefect_hooks.flows.tasks import NodeTask
from kedro_prefect_hooks.runs.outputs import KEPT

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline

    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec


def build_flow(
    name: str,
    config: FlowConfig,
    pipeline: Pipeline,
    spec: RunSpec,
    *,
    parameters: Mapping[str, Any],
    in_memory: Collection[str],
    own_session: bool = True,
) -> KedroFlow:
    """The Prefect flow of a pipeline, ready to register or to run.

    Args:
        name: the flow's name in Prefect.
        config: the flow's settings.
        pipeline: the nodes, filtered.
        spec: the run that the flow makes, as far as it is known now.
        parameters: all parameters of the project's configuration.
        in_memory: which of the pipeline's datasets are not persisted.
        own_session: False within a `kedro run`, which has a session of its own.

    Raises:
        ConfigError: a parameter is unknown, a grouping has a cycle, or a Prefect object cannot be built.
    """
    result = config.build_result()
    flow = KedroFlow(
        name,
        spec=spec,
        filters={key: list(getattr(config, key)) or None for key in FILTERS},
        own_session=own_session,
        schedule=config.build_schedule() if own_session else None,
        report=config.report,
        executor=config.build_executor(),
        result=result,
        state_handlers=config.build_state_handlers() if own_session else None,
    )
    values = configured_values(config.parameters, parameters)
    _add_tasks(flow, config, pipeline, values, in_memory)
    if own_session:
        flow.storage = config.build_storage()
        flow.run_config = config.build_run_config()
        _locate_project(flow, spec.project)
    return flow


def _add_tasks(
    flow: KedroFlow,
    config: FlowConfig,
    pipeline: Pipeline,
    values: Mapping[str, Any],
    in_memory: Collection[str],
) -> None:
    try:
        groups = group_nodes(pipeline, config.group_by, in_memory)
    except ConfigError as error:
        text = error.message.replace("group_by: ", "found ", 1)
        raise InvalidConfigError([Problem(config.place("group_by"), text)]) from None
    position = {node: number for number, node in enumerate(pipeline.nodes)}
    free = pipeline.outputs()
    consumers: dict[str, int] = {}
    for group in groups:
        for dataset in group.inputs:
            consumers[dataset] = consumers.get(dataset, 0) + 1
    parameter_tasks = as_tasks(values)
    for parameter in parameter_tasks.values():
        flow.add_task(parameter)
    tasks: dict[str, NodeTask] = {}
    makers: dict[str, str] = {}
    for group in groups:
        left = {
            dataset: KEPT if dataset in free else consumers[dataset]
            for dataset in sorted(group.outputs)
            if dataset in free or dataset in consumers
        }
        task = _task(group, config, left, position[group.nodes[0]], taken=parameter_tasks)
        if flow.result is None or not any(dataset in in_memory for dataset in left):
            # Against an API, Prefect would store everything that a storage's default result accepts.
            task.checkpoint = False
        flow.add_task(task)
        tasks[group.name] = task
        makers.update(dict.fromkeys(group.outputs, group.name))
    _add_edges(flow, groups, pipeline, tasks, parameter_tasks)
    ends = {tasks[makers[dataset]] for dataset in free if dataset in in_memory}
    extra = {task for task in ends if task not in flow.terminal_tasks()}
    if extra:
        # An in-memory output of the whole run that is not made by a last task: its state must be waited
        # for, so that the run's result has it.
        flow.set_reference_tasks(flow.terminal_tasks() | extra)


def _task(
    group: Group,
    config: FlowConfig,
    consumers: Mapping[str, int],
    position: int,
    *,
    taken: Collection[str],
) -> NodeTask:
    """One task. For several nodes together: the most retries, the longest delay, the sum of the timeouts."""
    settings = [config.node_settings(node.name, node.tags) for node in group.nodes]
    timeouts = [setting.timeout for setting in settings]
    delays = [setting.retry_delay for setting in settings if setting.retry_delay is not None]
    return NodeTask(
        nodes=[node.name for node in group.nodes],
        consumers=consumers,
        inputs_of_nodes=group.inputs,
        position=position,
        confirms=any(node.confirms for node in group.nodes),
        name=group.name,
        slug=group.name if group.name not in taken else f"{group.name} (node)",
        tags={tag for node in group.nodes for tag in node.tags}
        | {tag for setting in settings for tag in setting.tags},
        max_retries=max(setting.max_retries for setting in settings),
        retry_delay=max(delays) if delays else None,
        timeout=sum(filter(None, timeouts)) if all(timeouts) else None,
    )


def _add_edges(
    flow: KedroFlow,
    groups: list[Group],
    pipeline: Pipeline,
    tasks: Mapping[str, NodeTask],
    parameters: Mapping[str, Parameter],
) -> None:
    """An edge from each task to each that waits for it, with a key, along which its `Outputs` go."""
    group_of = {node: group.name for group in groups for node in group.nodes}
    dependencies = pipeline.node_dependencies
    for group in groups:
        before = {group_of[dep] for node in group.nodes for dep in dependencies[node]} - {group.name}
        used: set[str] = set()
        for upstream in sorted(before):
            flow.add_edge(tasks[upstream], tasks[group.name], key=_key(upstream, used), validate=False)
        for name, parameter in parameters.items():
            if reads_parameter(name, (dataset for node in group.nodes for dataset in node.inputs)):
                flow.add_edge(parameter, tasks[group.name], validate=False)


def _key(upstream: str, used: set[str]) -> str:
    """The name of the argument for an upstream task's outputs: Prefect requires unique identifiers."""
    key = re.sub(r"\W+", "_", upstream).strip("_")
    key = f"after_{key}"
    while key in used:
        key += "_"
    used.add(key)
    return key


def fingerprint(flow: KedroFlow) -> str:
    """A hash of a flow's tasks and edges, which must be the same when it is registered and when it runs."""
    structure = [
        sorted(flow.slugs[task] for task in flow.tasks),
        sorted(
            (flow.slugs[edge.upstream_task], flow.slugs[edge.downstream_task], edge.key or "")
            for edge in flow.edges
        ),
    ]
    return hashlib.sha256(json.dumps(structure).encode()).hexdigest()[:16]


def _locate_project(flow: KedroFlow, project: ProjectRef) -> None:
    """Add to the run config's environment where the project is; the user's own `env` takes precedence."""
    run_config = flow.run_config
    if run_config is None or not hasattr(run_config, "env"):
        return
    env = {env_vars.FLOW: flow.name, env_vars.FINGERPRINT: fingerprint(flow)}
    if type(run_config).__name__ in SAME_MACHINE_RUN_CONFIGS:
        env[env_vars.PROJECT] = project.path
    if project.package:
        env[env_vars.PACKAGE] = project.package
    if project.env:
        env[env_vars.KEDRO_ENV] = project.env
    if project.conf_source:
        env[env_vars.CONF_SOURCE] = project.conf_source
    run_config.env = {**env, **(run_config.env or {})}
