"""A project with partitioned datasets, run by `kedro run` and with mapped nodes; see `tests/same_run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from tests.same_run.conftest import (  # noqa: F401
    executor,
    nodes_project,
    place,
    saved,
    settings,
    start,
    way,
    workers,
)
from tests.scenarios.project_factory import Project

SOURCE = """
import json


def attempt(name, ids):
    with (PROJECT / "attempts.txt").open("a") as file:
        file.write(f"{name} {' '.join(ids)}\\n")
    for each in ids:
        if (PROJECT / "broken" / f"{name}-{each}").exists():
            raise ValueError(f"{each} is broken")
"""

CHAIN = """
def offset():
    return {"plus": 100}


def clean(raw, offset, weight, model):
    attempt("clean", raw)
    model["changed"] = model.get("changed", 0) + len(raw)  # only in this call
    assert model["changed"] <= 5
    offset.setdefault("called", "before")
    return {key: load() + f"-{offset['plus']}-{weight}-{model['factor']}" for key, load in raw.items()}


def score(cleaned):
    attempt("score", cleaned)
    loaded = {key: load() for key, load in cleaned.items()}
    notes = {f"{key}.note": text for key, text in loaded.items()}
    return {key: len(text) for key, text in loaded.items()}, notes


def double(scores):
    attempt("double", scores)
    return {key: 2 * score for key, score in scores.items()}


def total(doubled, notes):
    return [sorted(doubled.items()), sorted((key, load()) for key, load in notes.items())]
"""

NODES = """
    node(offset, None, "offset", name="offset"),
    node(clean, ["raw", "offset", "params:weight", "model"], "cleaned", name="clean"),
    node(score, "cleaned", ["scores", "notes"], name="score"),
    node(double, "scores", "doubled", name="double"),
    node(total, ["doubled", "notes"], "end", name="total"),
"""

MAPPED = {"clean": {"map": "raw"}, "score": {"map": "cleaned"}, "double": {"map": True}}


def folder(name: str, **options: Any) -> dict[str, Any]:
    """A partitioned dataset of text files in `data/<name>`."""
    return {
        "type": "partitions.PartitionedDataset",
        "path": f"data/{name}",
        "filename_suffix": ".txt",
        "dataset": "text.TextDataset",
        **options,
    }


def make(
    path: Path,
    partitions: int = 5,
    source: str = CHAIN,
    nodes: str = NODES,
    *,
    files: Mapping[str, str] | None = None,
    credentials: Mapping[str, Any] | None = None,
    **catalog: Any,
) -> Project:
    """`raw` → clean → `cleaned` → score → `scores` (in memory), `notes` → double → `doubled` → total.

    Args:
        path: the project's folder.
        partitions: how many `raw` has.
        source: of other functions.
        nodes: other nodes.
        files: further modules.
        credentials: of the datasets.
        **catalog: other datasets.
    """
    project = nodes_project(
        path,
        f"{SOURCE}{source}\n\nNODES = [{nodes}]\n",
        parameters={"weight": 3},
        files=files or {},
        credentials=credentials,
        catalog={
            "raw": folder("raw"),
            "cleaned": folder("cleaned"),
            "notes": folder("notes", overwrite=True),
            "end": saved("end"),
            "model": saved("input_model"),
            **catalog,
        },
    )
    project.write("data/input_model.json", '{"factor": 7}')
    for number in range(partitions):
        write(project, f"p{number}")
    return project


def write(project: Project, name: str, folder: str = "raw") -> None:
    """Write a partition of a dataset."""
    project.write(f"data/{folder}/{name}.txt", f"text of {name}")


def attempts(project: Project) -> list[str]:
    """What nodes were called with, in any order."""
    file = project.path / "attempts.txt"
    return sorted(file.read_text().splitlines()) if file.exists() else []
