"""The graph of a flow that prefect.yml declares, with the facts to show beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

from prefect.serialization.schedule import ScheduleSchema

from kedro_prefect_hooks.compat import kedro_config, kedro_pipeline
from kedro_prefect_hooks.compat.kedro_factories import in_memory_names
from kedro_prefect_hooks.flows.flow_graph import graph_of
from kedro_prefect_hooks.schedule_text import in_words

if TYPE_CHECKING:
    from kedro_prefect_hooks.drawing.graph import Graph
    from kedro_prefect_hooks.flows.flow import KedroFlow
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows


def declared_graph(flows: ProjectFlows, name: str) -> Graph:
    """Build a flow and return its graph."""
    flow = flows.build(name)
    pipeline = flow.pipeline()
    catalog = kedro_config.configuration(flows.context, "catalog")
    in_memory = in_memory_names(kedro_pipeline.dataset_names(pipeline), catalog)
    return graph_of(flow, pipeline, in_memory, list(_facts(flows, flow, name)))


def _facts(flows: ProjectFlows, flow: KedroFlow, name: str) -> Iterator[tuple[str, str]]:
    config = flows.config.flows[name]
    if config.description:
        yield "about", config.description
    yield "Prefect project", flows.project_name
    yield "Kedro pipeline", config.pipeline
    if flow.schedule is not None:
        yield "schedule", in_words(ScheduleSchema().dump(flow.schedule))
    yield "executor", type(flow.executor).__name__
    if config.group_by != "none":
        yield "grouped by", config.group_by
