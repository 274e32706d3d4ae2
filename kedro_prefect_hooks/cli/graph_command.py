"""`kedro prefect graph`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import click

from kedro_prefect_hooks.cli import base

if TYPE_CHECKING:
    from kedro_prefect_hooks.drawing.graph import Graph
    from kedro_prefect_hooks.flows.kedro_flow import KedroFlow
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows

MERMAID = (".mmd", ".mermaid")


@base.command(name="graph", short_help="Draw a flow: tasks, edges, groups, persisted datasets.")
@click.argument("flow", metavar="FLOW")
@base.env_option
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="The file to write: .html (by default FLOW.html), .svg, .mmd (Mermaid), .md (Mermaid in a fence).",
)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print Mermaid, for a README.")
def command(*, flow: str, env: str | None, output: str | None, as_mermaid: bool) -> None:
    """Draw FLOW, one of the flows in prefect.yml: its tasks and edges, the nodes that share a task, and the
    datasets that are persisted.

    The page (.html) and the drawing (.svg) are single files that need no network. Mermaid is drawn by GitHub
    and GitLab where it stands in a README.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject

    project = OpenProject(env)
    flows = project.flows()
    flows.check_declared([flow])
    graph = drawn(flows, flow)
    if as_mermaid and output is None:
        from kedro_prefect_hooks.drawing.mermaid import mermaid

        click.echo(mermaid(graph), nl=False)
        return
    target = Path(output or f"{flow.replace('/', '_')}.html")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_content(graph, target.suffix.lower(), as_mermaid), encoding="utf-8")
    tasks = sum(vertex.kind == "task" for vertex in graph.vertices)
    click.echo(f"Wrote {target}: flow '{flow}' with {tasks} task{'' if tasks == 1 else 's'}.")


def _content(graph: Graph, suffix: str, as_mermaid: bool) -> str:
    if as_mermaid or suffix in (*MERMAID, ".md"):
        from kedro_prefect_hooks.drawing.mermaid import mermaid

        text = mermaid(graph)
        return f"```mermaid\n{text}```\n" if suffix == ".md" else text
    if suffix == ".svg":
        from kedro_prefect_hooks.drawing.svg import svg

        return svg(graph)
    if suffix in (".html", ".htm"):
        from kedro_prefect_hooks.drawing.html import page

        return page(graph)
    raise click.BadParameter(
        f"found '{suffix or 'no ending'}', expected .html, .svg, .mmd or .md", param_hint="--output"
    )


def drawn(flows: ProjectFlows, name: str) -> Graph:
    """The graph of a flow."""
    from kedro_prefect_hooks.compat import kedro_config, kedro_pipeline
    from kedro_prefect_hooks.flows.flow_graph import graph_of

    flow = flows.build(name)
    pipeline = flow.pipeline()
    catalog = kedro_config.configuration(flows.context, "catalog")
    in_memory = kedro_pipeline.in_memory_names(kedro_pipeline.dataset_names(pipeline), catalog)
    return graph_of(flow, pipeline, in_memory, list(_facts(flows, flow, name)))


def _facts(flows: ProjectFlows, flow: KedroFlow, name: str) -> Iterator[tuple[str, str]]:
    from prefect.serialization.schedule import ScheduleSchema

    from kedro_prefect_hooks.schedule_text import in_words

    config = flows.config.flows[name]
    if config.description:
        yield "about", config.description
    yield "Prefect project", flows.project_name
    yield "Kedro pipeline", config.pipeline
    if flow.schedule is not None:
        yield "schedule", in_words(ScheduleSchema().dump(flow.schedule))
    if flow.executor is not None:
        yield "executor", type(flow.executor).__name__
    if config.group_by != "none":
        yield "grouped by", config.group_by
