"""A Kedro pipeline: the datasets that it names, and the part of it that filters leave."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping

from kedro_prefect_hooks.compat import kedro_017

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline


def dataset_names(pipeline: Pipeline) -> set[str]:
    """All datasets that the pipeline's nodes name."""
    either: Any = pipeline
    return set((either.datasets if hasattr(either, "datasets") else either.data_sets)())


def base_name(dataset: str) -> str:
    """A dataset's name without its transcoding: `table@pandas` and `table@spark` are one thing on disk."""
    return dataset.partition("@")[0]


def is_parameter(name: str) -> bool:
    """Whether a dataset is a parameter, or all of them."""
    return name == "parameters" or name.startswith("params:")


def filter_pipeline(pipeline: Pipeline, filters: Mapping[str, Iterable[str]]) -> Pipeline:
    """The part of a pipeline that `kedro run` would run with these filters.

    Args:
        pipeline: the whole.
        filters: `tags`, `from_nodes`, `to_nodes`, `node_names`, `from_inputs`, `to_outputs` and
            `namespaces`; empty ones filter nothing.

    Raises:
        ValueError: Kedro's own, when a name does not exist or no node is left.
    """
    given = {name: list(values) for name, values in filters.items() if values}
    if not given and pipeline.nodes:
        return pipeline
    namespaces = given.pop("namespaces", [])
    of_pipeline: Callable[..., Pipeline] | None = getattr(pipeline, "filter", None)
    apply = of_pipeline or partial(kedro_017.filter_pipeline, pipeline)
    if not namespaces:
        return apply(**given)
    if "node_namespaces" in inspect.signature(apply).parameters:  # Kedro 1.0
        return apply(**given, node_namespaces=namespaces)
    # Before, one namespace at a time; filters intersect.
    old_pipeline: Any = pipeline  # has a method that Kedro 1.0 dropped
    parts = [old_pipeline.only_nodes_with_namespace(namespace) for namespace in namespaces]
    left: Pipeline = apply(**given) & sum(parts[1:], parts[0])
    if not left.nodes:
        raise ValueError("no node is left")
    return left
