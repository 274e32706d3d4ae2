"""Builds a Prefect flow from a Kedro pipeline and its settings in `prefect.yml`.

The same call builds the flow that is registered, the flow that an agent runs, and the flow within
`kedro run --runner …`, so the three have the same tasks, slugs and edges.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Collection, Mapping, NamedTuple

from prefect import Parameter

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.compat.kedro_pipeline import base_name
from kedro_prefect_hooks.config.messages import InvalidConfigError, Problem
from kedro_prefect_hooks.config.project_check import FILTERS
from kedro_prefect_hooks.config.typed import SAME_MACHINE_RUN_CONFIGS
from kedro_prefect_hooks.errors import ConfigError
from kedro_prefect_hooks.flows.always_run import groups_that_always_run
from kedro_prefect_hooks.flows.flow import KedroFlow
from kedro_prefect_hooks.flows.grouping import Group, group_nodes
from kedro_prefect_hooks.flows.mapping import DatasetKinds, MappedGroup, mapped_groups
from kedro_prefect_hooks.flows.parameters import as_tasks, configured_values, reads_parameter
from kedro_prefect_hooks.flows.partition_tasks import BEFORE, LISTED, SLICES, GatherTask, ListTask
from kedro_prefect_hooks.flows.settings_digests import as_text, settings_digests
from kedro_prefect_hooks.flows.tasks import SLICE, NodeTask, RunTask
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
    kinds: DatasetKinds,
    own_session: bool = True,
) -> KedroFlow:
    """The Prefect flow of a pipeline, ready to register or to run.

    Args:
        name: the flow's name in Prefect.
        config: the flow's settings.
        pipeline: the nodes, filtered.
        spec: the run that the flow makes, as far as it is known now.
        parameters: all parameters of the project's configuration.
        kinds: which of the pipeline's datasets are in memory, and which have partitions.
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
        extra_loggers=config.extra_loggers,
        run_name=config.run_name,
        executor=config.build_executor(),
        result=result,
        state_handlers=config.build_state_handlers() if own_session else None,
    )
    values = configured_values(config.parameters, parameters)
    _add_tasks(flow, config, pipeline, values, kinds)
    if own_session:
        flow.storage = config.build_storage()
        flow.run_config = config.build_run_config()
        _locate_project(flow, spec.project, config)
    return flow


def _add_tasks(
    flow: KedroFlow,
    config: FlowConfig,
    pipeline: Pipeline,
    values: Mapping[str, Any],
    kinds: DatasetKinds,
) -> None:
    try:
        groups = group_nodes(pipeline, config.group_by, kinds.in_memory)
    except ConfigError as error:
        text = error.message.replace("group_by: ", "found ", 1)
        raise InvalidConfigError([Problem(config.place("group_by"), text)]) from None
    mapped = mapped_groups(groups, config, kinds)
    always = groups_that_always_run(groups, config)
    position = {node: number for number, node in enumerate(pipeline.nodes)}
    free = pipeline.outputs()
    consumers = _Consumers(groups, mapped, free)
    parameter_tasks = as_tasks(values)
    for parameter in parameter_tasks.values():
        flow.add_task(parameter)
    tasks: dict[str, NodeTask] = {}
    ends: dict[str, RunTask] = {}
    for group in groups:
        left = consumers.of_slices(group) if group.name in mapped else consumers.of(group)
        task = _task(group, config, left, position[group.nodes[0]], mapped, taken=parameter_tasks)
        tasks[group.name] = ends[group.name] = task
        flow.add_task(task)
        if group.name in mapped:
            whole = {name for name in group.inputs if not mapped[group.name].follows(name)}
            confirms = any(node.confirms for node in group.nodes)
            ends[group.name] = _gather_task(flow, task, consumers.of(group), whole, confirms=confirms)
        for each in (task, ends[group.name]):
            kept = flow.result is not None and _keeps_outputs(group, config)
            if not (kept and any(dataset in kinds.in_memory for dataset in each.consumers)):
                # Against an API, Prefect would store everything that a storage's default result accepts.
                each.checkpoint = False
    _add_edges(flow, groups, pipeline, Tasks(tasks, ends, mapped), parameter_tasks)
    makers = {name: group.name for group in groups for name in group.outputs}
    last = {ends[makers[dataset]] for dataset in free if dataset in kinds.in_memory}
    extra = {task for task in last if task not in flow.terminal_tasks()}
    extra |= {
        tasks[name] for name, each in mapped.items() if each.sliced[0].continues
    }  # its slices count too
    # What a task that always runs comes after counts: its own success says nothing of the run's.
    extra |= {
        edge.upstream_task
        for name in always
        for edge in flow.edges_to(tasks[name])
        if isinstance(edge.upstream_task, RunTask)
    }
    if extra:
        # An in-memory output of the whole run that is not made by a last task: its state must be waited
        # for, so that the run's result has it.
        flow.set_reference_tasks(flow.terminal_tasks() | extra)


def _keeps_outputs(group: Group, config: FlowConfig) -> bool:
    """Whether in-memory outputs of a group may be stored: one node that forbids it decides for all."""
    settings = (config.node_settings(node.name, node.tags, node.namespace) for node in group.nodes)
    return all(each.checkpoint for each in settings)


class _Consumers:
    """How many tasks load each dataset, so that it can be released after the last one."""

    def __init__(
        self, groups: Collection[Group], mapped: Mapping[str, MappedGroup], free: Collection[str]
    ) -> None:
        self._free = free
        self._whole: dict[str, int] = {}
        self._by_slice: dict[str, int] = {}
        for group in groups:
            of_group = mapped.get(group.name)
            for dataset in group.inputs:
                by_slice = of_group is not None and of_group.follows(dataset)
                counts = self._by_slice if by_slice else self._whole
                counts[dataset] = counts.get(dataset, 0) + 1

    def of(self, group: Group) -> dict[str, int]:
        """Output → how many tasks load the whole of it."""
        return {
            dataset: KEPT if dataset in self._free else self._whole[dataset]
            for dataset in sorted(group.outputs)
            if dataset in self._free or dataset in self._whole
        }

    def of_slices(self, group: Group) -> dict[str, int]:
        """Output → how many tasks load one slice of it."""
        whole = self.of(group)
        counts = {
            dataset: self._by_slice.get(dataset, 0) + (dataset in whole) for dataset in sorted(group.outputs)
        }
        return {dataset: count for dataset, count in counts.items() if count}


def _task(
    group: Group,
    config: FlowConfig,
    consumers: Mapping[str, int],
    position: int,
    mapped: Mapping[str, MappedGroup],
    *,
    taken: Collection[str],
) -> NodeTask:
    """One task. For several nodes together: the most retries, the longest delay, the sum of the timeouts."""
    settings = [config.node_settings(node.name, node.tags, node.namespace) for node in group.nodes]
    timeouts = [setting.timeout for setting in settings]
    delays = [setting.retry_delay for setting in settings if setting.retry_delay is not None]
    return NodeTask(
        nodes=[node.name for node in group.nodes],
        consumers=consumers,
        inputs_of_nodes=group.inputs,
        position=position,
        confirms=group.name not in mapped and any(node.confirms for node in group.nodes),
        sliced=mapped[group.name].sliced if group.name in mapped else (),
        always=settings[0].always,
        own_handlers=dict.fromkeys(path for setting in settings for path in setting.state_handlers),
        logs_prints=any(
            config.log_stdout if setting.log_stdout is None else setting.log_stdout for setting in settings
        ),
        artifacts=config.artifacts,
        name=group.name,
        slug=group.name if group.name not in taken else f"{group.name} (node)",
        tags={tag for node in group.nodes for tag in node.tags}
        | {tag for setting in settings for tag in setting.tags},
        max_retries=max(setting.max_retries for setting in settings),
        retry_delay=max(delays) if delays else None,
        timeout=sum(filter(None, timeouts)) if all(timeouts) else None,
    )


def _gather_task(
    flow: KedroFlow,
    task: NodeTask,
    consumers: Mapping[str, int],
    whole: Collection[str],
    *,
    confirms: bool,
) -> GatherTask:
    """The task after a mapped one: it is done with what it gathers, and with what all slices have loaded."""
    gather = GatherTask(
        task.name,
        task.sliced,
        confirms=confirms,
        consumers=consumers,
        inputs_of_nodes={*consumers, *whole},
        position=task.position,
        max_retries=task.max_retries,
        retry_delay=task.retry_delay,
        name=f"{task.name}: all",
        slug=f"{task.slug}: all",
    )
    flow.add_task(gather)
    return gather


class Tasks(NamedTuple):
    """The tasks of a flow's groups, by the groups' names.

    Attributes:
        of: the tasks that run nodes.
        ends: the task of each group that others wait for: for a mapped one, the task that gathers its slices.
        mapped: the groups whose tasks are mapped.
    """

    of: Mapping[str, NodeTask]
    ends: Mapping[str, RunTask]
    mapped: Mapping[str, MappedGroup]


def _add_edges(
    flow: KedroFlow,
    groups: list[Group],
    pipeline: Pipeline,
    tasks: Tasks,
    parameters: Mapping[str, Parameter],
) -> None:
    """An edge from each task to each that waits for it, with a key, along which its `Outputs` go."""
    group_of = {node: group.name for group in groups for node in group.nodes}
    dependencies = pipeline.node_dependencies
    makers = {base_name(name): group.name for group in groups for name in group.outputs}
    listed: dict[str, RunTask] = {}
    for group in groups:
        task = tasks.of[group.name]
        before = {group_of[dep] for node in group.nodes for dep in dependencies[node]} - {group.name}
        used: set[str] = set()
        keys = {upstream: _key(upstream, used) for upstream in sorted(before)}
        if group.name in tasks.mapped:
            after = tasks.mapped[group.name].after
            from_after = {name for name in group.inputs if makers.get(base_name(name)) == after}
            listed[group.name] = listed[after] if after else _list_task(flow, task, tasks, keys)
            _add_mapped_edges(flow, group.name, tasks, listed[group.name], keys)
            if after and from_after - {tasks.mapped[group.name].sliced[0].dataset}:
                keys[after] = _key(f"all of {after}", used)  # another of its outputs, as a whole
        for upstream, key in keys.items():
            flow.add_edge(tasks.ends[upstream], task, key=key, validate=False)
            if isinstance(task, NodeTask) and task.always:
                made = (name for name in sorted(group.inputs) if makers.get(base_name(name)) == upstream)
                task.made_before[key] = tuple(made)
        for name, parameter in parameters.items():
            if reads_parameter(name, (dataset for node in group.nodes for dataset in node.inputs)):
                flow.add_edge(parameter, task, validate=False)


def _add_mapped_edges(
    flow: KedroFlow, name: str, tasks: Tasks, listing: RunTask, keys: dict[str, str]
) -> None:
    """The edges to a mapped task that go slice by slice, and those to the task that gathers its slices.

    Args:
        flow: the flow.
        name: the group's name.
        tasks: the tasks of all groups.
        listing: the task that lists the partitions.
        keys: upstream group → the argument for its outputs; that of the mapped task before is taken out.
    """
    task, gather, after = tasks.of[name], tasks.ends[name], tasks.mapped[name].after
    flow.add_edge(listing, task, key=SLICE, mapped=True, validate=False)
    if after is not None:
        flow.add_edge(tasks.of[after], task, key=keys.pop(after), mapped=True, validate=False)
        flow.add_edge(tasks.ends[after], gather, key=BEFORE, validate=False)
    flow.add_edge(listing, gather, key=LISTED, validate=False)
    flow.add_edge(task, gather, key=SLICES, validate=False)
    # What no slice has is processed by the task that gathers them, with the same other inputs.
    has_rest = after is not None or len(tasks.mapped[name].sliced) > 1
    for upstream, key in keys.items():
        if has_rest:
            flow.add_edge(tasks.ends[upstream], gather, key=key, validate=False)
        else:
            flow.add_edge(tasks.ends[upstream], gather, validate=False)


def _list_task(flow: KedroFlow, task: NodeTask, tasks: Tasks, before: Collection[str]) -> ListTask:
    """The task that lists the partitions for a mapped one, after the groups `before`."""
    listing = ListTask(
        task.name,
        task.sliced[0],
        position=task.position,
        name=f"{task.name}: partitions",
        slug=f"{task.slug}: partitions",
    )
    flow.add_task(listing)
    for upstream in before:
        flow.add_edge(tasks.ends[upstream], listing, validate=False)
    return listing


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
            (
                flow.slugs[edge.upstream_task],
                flow.slugs[edge.downstream_task],
                f"{edge.key or ''}{' (mapped)' if edge.mapped else ''}",
            )
            for edge in flow.edges
        ),
    ]
    return hashlib.sha256(json.dumps(structure).encode()).hexdigest()[:16]


def _locate_project(flow: KedroFlow, project: ProjectRef, config: FlowConfig) -> None:
    """Add to the run config's environment where the project is, and what the flow is like.

    The user's own `env` takes precedence.
    """
    run_config = flow.run_config
    if run_config is None or not hasattr(run_config, "env"):
        return
    env = {
        env_vars.FLOW: flow.name,
        env_vars.FINGERPRINT: fingerprint(flow),
        env_vars.SETTINGS: as_text(settings_digests(flow, config)),
    }
    is_elsewhere = type(run_config).__name__ not in SAME_MACHINE_RUN_CONFIGS
    if not is_elsewhere:
        env[env_vars.PROJECT] = project.path
    if project.package:
        env[env_vars.PACKAGE] = project.package
    if project.env:
        env[env_vars.KEDRO_ENV] = project.env
    # An image has its configuration at a path of its own, which its own environment says.
    if project.conf_source and not (is_elsewhere and "://" not in project.conf_source):
        env[env_vars.CONF_SOURCE] = project.conf_source
    run_config.env = {**env, **(run_config.env or {})}
