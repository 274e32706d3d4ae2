"""`kedro prefect graph`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.drawing.graph import Graph

MERMAID = (".mmd", ".mermaid")


@base.command(name="graph", short_help="Draw a flow: tasks, edges, groups, persisted datasets.")
@click.argument("flow", metavar="FLOW")
@base.env_option
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="The file to write: .html (default: FLOW.html), .svg, .mmd (Mermaid) or .md (Mermaid code block).",
)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print Mermaid, for a README.")
def command(*, flow: str, env: str | None, output: str | None, as_mermaid: bool) -> None:
    """Draw FLOW, one of the flows in prefect.yml: its tasks and edges, the nodes that share a task, and the
    datasets that are persisted.

    The HTML page and the SVG image are single files that need no network. GitHub and GitLab render Mermaid in
    Markdown files.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject

    project = OpenProject(env)
    project.describe_environment()
    flows = project.flows()
    flows.check_declared([flow])
    from kedro_prefect_hooks.flows.project_graph import declared_graph

    graph = declared_graph(flows, flow)
    if as_mermaid and output is None:
        from kedro_prefect_hooks.drawing.mermaid import mermaid

        echo(mermaid(graph), nl=False)
        return
    target = Path(output or f"{flow.replace('/', '_')}.html")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_content(graph, target.suffix.lower(), as_mermaid), encoding="utf-8")
    tasks = sum(vertex.kind == "task" for vertex in graph.vertices)
    echo(f"Wrote {target}: flow '{flow}' with {base.counted(tasks, 'task')}.")


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
        f"found '{suffix or 'no extension'}', expected .html, .svg, .mmd or .md", param_hint="--output"
    )
