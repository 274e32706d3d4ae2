"""The pipeline of a generated project, from `case.json`."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from .case_nodes import CASE, function


def made(spec: dict):
    def named(names: list, prefix: str):
        if spec["style"] == "dict":
            return {f"{prefix}{number}": name for number, name in enumerate(names)} or None
        return names[0] if len(names) == 1 else names or None

    # a dictionary of inputs maps arguments to datasets, one of outputs returned keys to datasets
    return node(
        function(spec),
        named(spec["inputs"], "in"),
        named(spec["outputs"], "out"),
        name=spec["name"],
        tags=spec["tags"],
        confirms=spec["confirms"] or None,
        namespace=spec["namespace"],
    )


def register_pipelines():
    return {"__default__": Pipeline([made(spec) for spec in CASE["nodes"]])}
