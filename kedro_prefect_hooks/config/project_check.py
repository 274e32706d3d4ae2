"""Checks `prefect.yml` against the project, before anything is sent.

Every pipeline, node, tag, dataset and parameter that the file names must exist, and every Prefect object that
it describes must be valid. Knows nothing of the project except its pipelines and parameters.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Container, Iterable, Iterator, Mapping

from kedro.pipeline import Pipeline

from kedro_prefect_hooks.compat import kedro_pipeline
from kedro_prefect_hooks.config import name_template
from kedro_prefect_hooks.config.messages import InvalidConfigError, Place, Problem, format_value, unknown_name
from kedro_prefect_hooks.config.models import GROUPINGS, FlowConfig, PrefectConfig
from kedro_prefect_hooks.config.node_settings import NAMESPACE, TAG, selectors

PARAMS = "params:"
"""How nodes name parameters."""

LARGEST_STORED = 2**63 - 1
"""The largest integer that a database stores."""

FILTERS = ("tags", "from_nodes", "to_nodes", "node_names", "from_inputs", "to_outputs", "namespaces")


def check(
    config: PrefectConfig,
    *,
    pipelines: Mapping[str, Pipeline],
    parameters: Mapping[str, Any],
    only: str | None = None,
) -> dict[str, Pipeline]:
    """Check the configuration against the project; one message lists all problems.

    Args:
        config: returned by `load_config`.
        pipelines: the project's registered pipelines.
        parameters: the project's parameters, from its configuration.
        only: check only this flow, because it is the one to run.

    Returns:
        The pipeline of each flow, filtered.

    Raises:
        InvalidConfigError: the configuration does not match the project.
    """
    problems: list[Problem] = []
    parts: dict[str, Pipeline] = {}
    for name, flow in config.flows.items():
        if only in (None, name):
            try:
                parts[name] = filtered(pipelines, flow)
            except InvalidConfigError as error:
                problems += error.problems
            else:
                problems += _group_problems(flow, parts[name])
                problems += _node_problems(flow, parts[name], pipelines[flow.pipeline], config.defaults.nodes)
                problems += _map_problems(flow, parts[name])
            problems += [*_parameter_problems(flow, parameters), *_clock_problems(flow)]
            # Where a flow is run, the time that it is due at has just passed.
            problems += _schedule_problems(flow, may_be_past=only is not None)
            problems += _object_problems(flow)
            problems += [*_notify_problems(flow), *_run_name_problems(flow)]
    if only is None:
        problems += _default_node_problems(config, pipelines)
    if problems:
        raise InvalidConfigError(problems)
    return parts


def filtered(pipelines: Mapping[str, Pipeline], flow: FlowConfig) -> Pipeline:
    """The part of the project's pipelines that a flow consists of.

    Raises:
        InvalidConfigError: the pipeline does not exist, a filter names something that is not in it, or no
            nodes remain.
    """
    if flow.pipeline not in pipelines:
        text = unknown_name("pipeline", flow.pipeline, pipelines)
        raise InvalidConfigError([Problem(flow.place("pipeline"), text)])
    pipeline = pipelines[flow.pipeline]
    problems = list(_filter_problems(flow, pipeline))
    if problems:
        raise InvalidConfigError(problems)
    try:
        return kedro_pipeline.filter_pipeline(pipeline, {name: getattr(flow, name) for name in FILTERS})
    except ValueError as error:
        given = [name for name in FILTERS if getattr(flow, name)]
        if given:
            text = f"{' and '.join(given)} together select no nodes of the pipeline {flow.pipeline!r}"
        else:
            text = f"the pipeline {flow.pipeline!r} has no nodes"
        raise InvalidConfigError([Problem(flow.place(), text)]) from error


def _filter_problems(flow: FlowConfig, pipeline: Pipeline) -> Iterator[Problem]:
    tags, names, datasets, namespaces = _names_in(pipeline)
    accepted = {
        "tags": ("tag", tags),
        "from_nodes": ("node", names),
        "to_nodes": ("node", names),
        "node_names": ("node", names),
        "from_inputs": ("dataset", datasets),
        "to_outputs": ("dataset", datasets),
        "namespaces": ("namespace", namespaces),
    }
    for filter_name, (what, known) in accepted.items():
        for position, name in enumerate(getattr(flow, filter_name)):
            if name not in known:
                among = f"In the pipeline {flow.pipeline!r}"
                yield Problem(flow.place(filter_name, position), unknown_name(what, name, known, among=among))


def _names_in(pipeline: Pipeline) -> tuple[set[str], set[str], set[str], set[str]]:
    """The tags, node names, datasets (with and without transcoding) and namespaces of a pipeline."""
    tags: set[str] = set()
    names: set[str] = set()
    datasets: set[str] = set()
    namespaces: set[str] = set()
    for node in pipeline.nodes:
        tags |= node.tags
        names.add(node.name)
        for dataset in (*node.inputs, *node.outputs):
            datasets |= {dataset, dataset.split("@")[0]}
        parts = node.namespace.split(".") if node.namespace else []
        namespaces |= {".".join(parts[: n + 1]) for n in range(len(parts))}
    return tags, names, datasets, namespaces


def _group_problems(flow: FlowConfig, pipeline: Pipeline) -> Iterator[Problem]:
    tags = _names_in(pipeline)[0]
    if flow.group_by in GROUPINGS or any(tag.startswith(flow.group_by) for tag in tags):
        return
    text = unknown_name("grouping", flow.group_by, [*GROUPINGS, *tags], among="Accepted (or a tag prefix)")
    yield Problem(flow.place("group_by"), text)


def _node_problems(
    flow: FlowConfig, filtered: Pipeline, pipeline: Pipeline, in_defaults: Container[str]
) -> Iterator[Problem]:
    known, before_filters = _node_keys(filtered), _node_keys(pipeline)
    for key in flow.nodes:
        where = flow.place("nodes", key)
        if key in known or key in in_defaults:
            continue
        if key in before_filters:
            yield Problem(where, "is in the pipeline, but the flow's filters exclude it")
        else:
            what = _kind_of(key)
            accepted = {each for each in known if _kind_of(each) == what} or known
            yield Problem(where, unknown_name(what, key, accepted, among="In this flow"))


def _map_problems(flow: FlowConfig, filtered: Pipeline) -> Iterator[Problem]:
    """A node is mapped over one of its inputs, which are no parameters."""
    for key, settings in flow.nodes.items():
        if not isinstance(settings.map, str):
            continue
        for node in filtered.nodes:
            if key != node.name and key not in selectors(node.tags, node.namespace):
                continue
            inputs = [name for name in node.inputs if not kedro_pipeline.is_parameter(name)]
            if settings.map not in inputs:
                among = f"Inputs of node {node.name!r}"
                text = unknown_name("input", settings.map, inputs, among=among)
                yield Problem(flow.place("nodes", key, "map"), text)


def _node_keys(pipeline: Pipeline) -> set[str]:
    names = {node.name for node in pipeline.nodes}
    return names.union(*(selectors(node.tags, node.namespace) for node in pipeline.nodes))


def _kind_of(key: str) -> str:
    return "tag" if key.startswith(TAG) else "namespace" if key.startswith(NAMESPACE) else "node"


def _default_node_problems(config: PrefectConfig, pipelines: Mapping[str, Pipeline]) -> Iterator[Problem]:
    """A key of `defaults.nodes` need not be in every flow, but must be in at least one."""
    if not config.defaults.nodes:
        return
    known: set[str] = set()
    for flow in config.flows.values():
        known |= _node_keys(pipelines[flow.pipeline]) if flow.pipeline in pipelines else set()
    for key in config.defaults.nodes:
        if key not in known:
            yield Problem(
                config.place("defaults", "nodes", key),
                unknown_name(_kind_of(key), key, known, among="In the flows"),
            )


def _parameter_problems(flow: FlowConfig, parameters: Mapping[str, Any]) -> Iterator[Problem]:
    known = dict(_dotted(parameters))
    with_dots = [key for key in _keys_with_dots(parameters) if key not in known]
    for position, name in enumerate(flow.parameters):
        where = flow.place("parameters", position)
        bare = name[len(PARAMS) :] if name.startswith(PARAMS) else name
        if bare in with_dots:
            yield Problem(
                where,
                f"found {name!r}, whose key in the configuration has a dot in it; Kedro reads a dot as "
                "nesting and "
                "cannot set it. Expected a nested parameter, or a key without dots: "
                f"{bare.replace('.', '_')}",
            )
            continue
        if name not in known:
            hint = f" Parameters are listed without `{PARAMS}`." if name != bare else ""
            text = (
                unknown_name("parameter", bare, known) if bare not in known else _without_prefix(name, bare)
            )
            yield Problem(where, f"{text}{hint}" if bare not in known else text)
            continue
        outer = next((each for each in flow.parameters if name.startswith(f"{each}.")), None)
        if outer is not None:
            yield Problem(where, f"{name!r} is part of {outer!r}, which is listed too: list only one of them")
        yield from _json_problems(where, known[name])


def _without_prefix(name: str, bare: str) -> str:
    return f"found {name!r}. Did you mean {bare!r}? Parameters are listed without `{PARAMS}`"


def parameter_names(parameters: Mapping[str, Any]) -> set[str]:
    """The names by which nodes can ask for parameters: dotted, and keys with dots as they are."""
    return {name for name, _ in _dotted(parameters)} | set(_keys_with_dots(parameters))


def _dotted(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """All parameters that `kedro run --params` can set, by their dotted names."""
    for key, value in values.items():
        if "." in str(key):
            continue
        name = f"{before}{key}"
        yield name, value
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{name}.")


def _keys_with_dots(values: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in values.items():
        name = f"{before}{key}"
        if "." in name[len(before) :]:
            yield name
        if isinstance(value, Mapping):
            yield from _keys_with_dots(value, f"{name}.")


def _clock_problems(flow: FlowConfig) -> Iterator[Problem]:
    if flow.schedule is None:
        return
    place = flow.place("schedule")
    clocks = [(place, flow.schedule.parameters)]
    clocks += [
        (place.at("clocks", position), clock.parameters)
        for position, clock in enumerate(flow.schedule.clocks or ())
    ]
    for where, values in clocks:
        for name, value in values.items():
            at = where.at("parameters", name)
            if name not in flow.parameters:
                among = "Listed under this flow's `parameters`"
                yield Problem(at, unknown_name("parameter of the flow", name, flow.parameters, among=among))
            yield from _json_problems(at, value)


def _notify_problems(flow: FlowConfig) -> Iterator[Problem]:
    """A channel may come from `defaults`, so only a whole flow can lack one."""
    if flow.notify is not None and not flow.notify.has_channel:
        yield Problem(
            flow.place("notify"),
            "found no channel, expected `slack: {secret: NAME}`, `webhook: {secret: NAME}`, `smtp:` or "
            "`email: true`; an empty `notify:` switches notifications off",
        )


def _run_name_problems(flow: FlowConfig) -> Iterator[Problem]:
    problem = name_template.problem_of(flow.run_name or "", flow.parameters)
    if problem is not None:
        yield Problem(flow.place("run_name"), problem)


def _schedule_problems(flow: FlowConfig, may_be_past: bool) -> Iterator[Problem]:
    from kedro_prefect_hooks.config.prefect.schedules import lies_in_the_past

    try:
        schedule = flow.build_schedule()
    except InvalidConfigError as error:
        yield from error.problems
        return
    if schedule is not None and not may_be_past and lies_in_the_past(schedule):
        yield Problem(
            flow.place("schedule"),
            "found a schedule that is wholly in the past, expected at least one run in the future: change "
            "its dates, or remove it",
        )


def _json_problems(place: Place, value: Any) -> Iterator[Problem]:
    too_large = next((each for each in _numbers(value) if abs(each) > LARGEST_STORED), None)
    if too_large is not None:
        yield Problem(place, f"found {format_value(too_large)}, expected an integer of at most 64 bits")
        return
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield Problem(place, f"the value cannot be sent to Prefect as JSON: {error}")


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(each)


def _object_problems(flow: FlowConfig) -> Iterator[Problem]:
    builders: Iterable[Callable[[], object]] = (
        flow.build_storage,
        flow.build_run_config,
        flow.build_executor,
        flow.build_result,
        flow.build_state_handlers,
        flow.check_node_state_handlers,
    )
    for build in builders:
        try:
            build()
        except InvalidConfigError as error:
            yield from error.problems
