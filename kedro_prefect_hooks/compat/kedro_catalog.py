"""A Kedro catalog and its datasets: building it, looking datasets up, filling and releasing them."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from kedro_prefect_hooks.compat.kedro_version import version

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.pipeline import Pipeline

# 0.18.13 renamed MemoryDataSet; 0.19 dropped the old name.
_io: Any = importlib.import_module("kedro.io")
MemoryDataset: type = getattr(_io, "MemoryDataset", None) or _io.MemoryDataSet

Catalog = Any  # DataCatalog, KedroDataCatalog (0.19.9 to 0.19.15), or a class of the user's own


def build_catalog(context: KedroContext, save_version: str) -> Catalog:
    """A new catalog from the configuration, as `KedroSession.run` makes it; fires `after_catalog_created`."""
    arguments: dict[str, Any] = {"save_version": save_version, "load_versions": None}
    if "catalog_class" in inspect.signature(context._get_catalog).parameters:
        from kedro.framework.project import settings

        arguments["catalog_class"] = settings.DATA_CATALOG_CLASS
    return context._get_catalog(**arguments)


def dataset(catalog: Catalog, name: str) -> Any:
    """The dataset of that name; one that the catalog does not know becomes a memory dataset of its own."""
    if name not in (catalog if hasattr(catalog, "__contains__") else catalog.list()):
        if hasattr(catalog, "__setitem__"):
            catalog[name] = MemoryDataset()
        else:
            catalog.add(name, MemoryDataset())
    getter = getattr(catalog, "_get_dataset", None) or catalog.get
    return getter(name)


def knows(catalog: Catalog, name: str) -> bool:
    """Whether the catalog has `name`, by itself or through a dataset factory."""
    return name in (catalog if hasattr(catalog, "__contains__") else catalog.list())


def is_memory(dataset: Any) -> bool:
    """Whether the dataset lives in this process's memory alone."""
    return isinstance(dataset, MemoryDataset)


def memory_value(dataset: Any) -> Any:
    """The very object that a memory dataset holds, not a copy of it.

    Raises:
        LookupError: the dataset is empty. Kedro's "empty" marker loses its identity when it is pickled,
            so it must never leave here as if it were a value.
    """
    if not dataset._exists():
        raise LookupError("empty")
    return dataset._data


def fill(dataset: Any, value: Any) -> None:
    """Put a value into a memory dataset as it is: the copies its mode asks for are made when it is loaded."""
    dataset._data = value


def empty(dataset: Any) -> None:
    """Let go of a memory dataset's value."""
    dataset.release()


def pin_version(dataset: Any) -> None:
    """Make a versioned dataset load what this flow run saves.

    Kedro loads the newest version there is, which is another run's when two run side by side.
    """
    inner = getattr(dataset, "_dataset", dataset)  # CachedDataset wraps the one that is versioned
    version = getattr(inner, "_version", None)
    if version is not None and version.save is not None and version.load is None:
        inner._version = type(version)(version.save, version.save)


def is_versioned(dataset: Any) -> bool:
    """Whether saving makes a new version, which can be done once only for one session id."""
    version = getattr(getattr(dataset, "_dataset", dataset), "_version", None)
    return version is not None and version.save is not None


def unsatisfied_inputs(pipeline: Pipeline, catalog: Catalog) -> set[str]:
    """Free inputs of the pipeline that the catalog does not know."""
    return {name for name in pipeline.inputs() if not knows(catalog, name)}


def run_result(pipeline: Pipeline, catalog: Catalog) -> dict[str, Any]:
    """What Kedro's runners return: since 1.0 all outputs' datasets, before the in-memory ones' values."""
    outputs = {name: dataset(catalog, name) for name in sorted(pipeline.outputs())}
    if version() >= (1, 0):
        return outputs
    return {name: found.load() for name, found in outputs.items() if is_memory(found)}
