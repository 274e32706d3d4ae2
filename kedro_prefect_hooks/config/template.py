"""The commented `prefect.yml` that `kedro prefect init` writes, with a flow of the project's pipelines."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline

_TEMPLATE = Path(__file__).parent.parent / "templates" / "prefect.yml"


def first_prefect_yml(
    project: str, pipelines: Mapping[str, Pipeline], *, environment: str = "deploy", schema: str
) -> str:
    """Return the content of a project's first `prefect.yml`.

    Args:
        project: the name that flow names start with, such as that of the package.
        pipelines: the project's registered pipelines. `__default__` becomes a flow; the others are added as
            comments, because registering all of them is rarely intended.
        environment: the environment in which `kedro run` registers.
        schema: path or URL of the JSON Schema, for editors.
    """
    name = project.replace("_", "-")
    others = sorted(pipeline for pipeline in pipelines if pipeline != "__default__")
    lines = [f"  {name}:", "    pipeline: __default__"]
    nodes = len(pipelines["__default__"].nodes) if "__default__" in pipelines else 0
    lines[1] += f"   # {nodes} node{'' if nodes == 1 else 's'}"
    for other in others:
        count = len(pipelines[other].nodes)
        lines += [
            f"  # {_quoted(f'{name}-{other}')}:",
            f"  #   pipeline: {_quoted(other)}   # {count} node{'' if count == 1 else 's'}",
        ]
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(schema=schema, environment=environment, flows="\n".join(lines))


def _quoted(word: str) -> str:
    return word if word.replace("-", "").replace("_", "").isalnum() and not word.isdigit() else f'"{word}"'
