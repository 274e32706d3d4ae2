"""A Kedro catalog: building it from the configuration, looking datasets up, adding some."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any, Iterable, Mapping

from kedro_prefect_hooks.compat.kedro_datasets import MemoryDataset, has_value, is_memory
from kedro_prefect_hooks.compat.kedro_version import version

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.pipeline import Pipeline

Catalog = Any  # DataCatalog, KedroDataCatalog (0.19.9 to 0.19.15), or a class of the user's own


def build_catalog(
    context: KedroContext, save_version: str, load_versions: Mapping[str, str] | None = None
) -> Catalog:
    """A new catalog from the configuration, as `KedroSession.run` makes it; fires `after_catalog_created`."""
    arguments: dict[str, Any] = {
        "save_version": save_version,
        "load_versions": dict(load_versions) if load_versions else None,
    }
    if "catalog_class" in inspect.signature(context._get_catalog).parameters:
        from kedro.framework.project import settings

        arguments["catalog_class"] = settings.DATA_CATALOG_CLASS
    return context._get_catalog(**arguments)


def parameters_in_catalog(context: KedroContext) -> dict[str, Any]:
    """The datasets `parameters` and `params:…` that the configuration gives a catalog, with their values."""
    either: Any = context
    feed = either._get_parameters if hasattr(either, "_get_parameters") else either._get_feed_dict
    found: dict[str, Any] = feed()
    return found


def dataset(catalog: Catalog, name: str) -> Any:
    """The dataset of that name; one that the catalog does not know becomes a memory dataset of its own."""
    if not knows(catalog, name):
        put(catalog, name, MemoryDataset())
    getter = getattr(catalog, "_get_dataset", None) or catalog.get
    return getter(name)


def existing_dataset(catalog: Catalog, name: str) -> Any:
    """The dataset of that name if the catalog has already made it; None otherwise. Makes nothing."""
    return existing_datasets(catalog).get(name)


def existing_datasets(catalog: Catalog) -> Mapping[str, Any]:
    """The datasets that the catalog has already made, by name: a view, not a copy."""
    # KedroDataCatalog of Kedro 0.19 also has those in `_datasets` that it has not made yet.
    for attribute in ("_KedroDataCatalog__datasets", "_datasets", "_data_sets"):
        made = getattr(catalog, attribute, None)
        if isinstance(made, Mapping):
            return made
    return {}


def declared_names(catalog: Catalog) -> set[str]:
    """The names of the datasets that the catalog has, made or not, without those of dataset factories."""
    names = set(existing_datasets(catalog)) | set(getattr(catalog, "_lazy_datasets", ()))
    return {str(name) for name in names}


def configured_dataset(catalog: Catalog, name: str) -> Any:
    """A new dataset as the configuration has it; None where it has none.

    Before Kedro 0.19.9 only of dataset factories: other datasets are made when the catalog is.
    """
    resolver = getattr(catalog, "_config_resolver", None)
    if resolver is None:
        return _made_by_factory(catalog, name)
    configuration = resolver.resolve_pattern(name)
    if not configuration:
        return None
    from kedro.io import AbstractDataset

    load_version = (getattr(catalog, "_load_versions", None) or {}).get(name)
    save_version = getattr(catalog, "_save_version", None)
    return AbstractDataset.from_config(name, dict(configuration), load_version, save_version)


def _made_by_factory(catalog: Catalog, name: str) -> Any:
    """A new dataset from the catalog's factories, made by Kedro 0.18.10 to 0.19.8 in an empty catalog."""
    if not getattr(catalog, "_dataset_patterns", None):
        return None
    factories = copy.copy(catalog)
    for attribute in ("_datasets", "_data_sets"):
        if hasattr(factories, attribute):
            setattr(factories, attribute, {})
    return factories._get_dataset(name) if name in factories else None


def put(catalog: Catalog, name: str, added: Any) -> None:
    """Add a dataset, in place of one of that name."""
    if hasattr(catalog, "__setitem__"):
        catalog[name] = added
    elif "replace" in inspect.signature(catalog.add).parameters:
        catalog.add(name, added, replace=True)
    else:
        catalog.add(name, added)


def with_datasets(catalog: Catalog, own: Mapping[str, Any]) -> Catalog:
    """The same catalog with other datasets in the places of some; all others are shared."""
    copied = copy.copy(catalog)
    for attribute in ("_KedroDataCatalog__datasets", "_datasets", "_data_sets"):
        held = vars(copied).get(attribute)
        if isinstance(held, Mapping):
            setattr(copied, attribute, {**held, **own})
    lazy = vars(copied).get("_lazy_datasets")
    if lazy:
        copied._lazy_datasets = {name: entry for name, entry in lazy.items() if name not in own}
    return copied


def knows(catalog: Catalog, name: str) -> bool:
    """Whether the catalog has `name`, declared or through a dataset factory."""
    return name in (catalog if hasattr(catalog, "__contains__") else catalog.list())


def unsatisfied_inputs(pipeline: Pipeline, catalog: Catalog) -> set[str]:
    """Free inputs of the pipeline that the catalog does not know."""
    return {name for name in pipeline.inputs() if not knows(catalog, name)}


def returned_outputs(pipeline: Pipeline, catalog: Catalog) -> set[str]:
    """The outputs that Kedro's runners return; to be called before the run's own datasets are made.

    Before 0.19.2, a memory dataset that the catalog declares is not among them.
    """
    from kedro.runner import AbstractRunner

    outputs: set[str] = pipeline.outputs()
    if version() >= (1, 0) or "memory_datasets" in AbstractRunner.run.__code__.co_varnames:
        return outputs
    return {name for name in outputs if not knows(catalog, name)}


def run_result(names: Iterable[str], catalog: Catalog) -> dict[str, Any]:
    """What Kedro's runners return: since 1.0 all outputs' datasets, before the in-memory ones' values.

    Those in memory that were made before a restart, and are kept in no result, are missing.
    """
    outputs = {name: dataset(catalog, name) for name in sorted(names)}
    there = {name: found for name, found in outputs.items() if not is_memory(found) or has_value(found)}
    if version() >= (1, 0):
        return there
    return {name: found.load() for name, found in there.items() if is_memory(found)}
