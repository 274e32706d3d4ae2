"""What the catalog configuration says of a dataset, with dataset factories resolved as Kedro resolves them.

Answers from the configuration alone: no dataset is made, and a dataset's class is imported only where its
name does not say what it is.
"""

from __future__ import annotations

import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping

from kedro_prefect_hooks.compat import kedro_config
from kedro_prefect_hooks.compat.kedro_datasets import MemoryDataset
from kedro_prefect_hooks.compat.kedro_pipeline import is_parameter

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

_OF_KEDRO_DATASETS = re.compile(r"(kedro_datasets\.|kedro\.extras\.datasets\.)?[a-z_]+\.[A-Z]\w*")
_ELSEWHERE = ("", "kedro.io.", "kedro_datasets.", "kedro.extras.datasets.")
"""Where Kedro looks for a class that is not given by its whole path."""


def in_memory_names(names: Iterable[str], catalog_configuration: Mapping[str, Any]) -> set[str]:
    """Those of `names` that the configuration does not persist: not declared, or declared as memory.

    Parameters are neither: they come from the configuration in each process.
    """
    entry = entries_of(catalog_configuration)
    return {name for name in names if not is_parameter(name) and not _is_persisted(entry(name))}


def partitioned_names(names: Iterable[str], catalog_configuration: Mapping[str, Any]) -> set[str]:
    """Those of `names` that the configuration declares as partitioned datasets."""
    entry = entries_of(catalog_configuration)
    found = {name: entry(name) for name in names if not is_parameter(name)}
    return {
        name
        for name, each in found.items()
        if isinstance(each, Mapping) and _is_partitioned_type(str(each.get("type", "")))
    }


def _is_partitioned_type(type_name: str) -> bool:
    short = type_name.lower().rsplit(".", 1)[-1]
    if short in ("partitioneddataset", "incrementaldataset"):
        return True
    if not type_name or (_OF_KEDRO_DATASETS.fullmatch(type_name) and not _is_own(type_name)):
        return False
    return hasattr(_imported(type_name), "_list_partitions")


def _is_persisted(entry: Any) -> bool:
    return isinstance(entry, Mapping) and not _is_memory_type(str(entry.get("type", "")))


def _is_memory_type(type_name: str) -> bool:
    if type_name.lower().rsplit(".", 1)[-1] == "memorydataset":
        return True
    if _OF_KEDRO_DATASETS.fullmatch(type_name) and not _is_own(type_name):
        return False  # a class of kedro-datasets: none of them is a memory dataset
    found = _imported(type_name)
    return isinstance(found, type) and issubclass(found, MemoryDataset)


def _is_own(type_name: str) -> bool:
    """Whether `package.Class` is a class of the project rather than of kedro-datasets."""
    from kedro.framework import project

    return type_name.split(".", maxsplit=1)[0] == project.PACKAGE_NAME


def _imported(type_name: str) -> Any:
    for prefix in _ELSEWHERE:
        module, _, name = f"{prefix}{type_name}".rpartition(".")
        try:
            return getattr(importlib.import_module(module), name)
        except Exception:  # not there, or what it imports is missing: making the dataset says so
            continue
    return None


def entries_of(configuration: Mapping[str, Any]) -> Callable[[str], Any]:
    """A function from a dataset's name to its entry, or to None. Entries of factories lack credentials."""
    if not any("{" in str(name) for name in configuration):
        return configuration.get
    bare = {name: _without_credentials(entry) for name, entry in configuration.items()}
    io: Any = importlib.import_module("kedro.io")
    if hasattr(io, "CatalogConfigResolver"):  # since 0.19.9
        given: dict[str, Any] = {"config": bare, "credentials": {}}
        if "default_runtime_patterns" in inspect.signature(io.CatalogConfigResolver).parameters:
            given["default_runtime_patterns"] = {"{default}": {"type": "kedro.io.MemoryDataset"}}
        resolver = io.CatalogConfigResolver(**given)
        resolve = getattr(resolver, "resolve_pattern", None) or resolver.resolve_dataset_pattern
        return lambda name: bare[name] if name in bare else resolve(name) or None
    catalog = io.DataCatalog
    if not hasattr(catalog, "_match_pattern"):  # before 0.18.10 there were no factories
        return configuration.get
    patterns = {name: entry for name, entry in bare.items() if "{" in str(name)}
    if hasattr(catalog, "_sort_patterns"):
        patterns = catalog._sort_patterns(patterns)

    def entry(name: str) -> Any:
        if name in bare:
            return bare[name]
        matched = catalog._match_pattern(patterns, name)
        return patterns[matched] if matched else None

    return entry


def leave_out_unresolvable(context: KedroContext, names: Iterable[str]) -> bool:
    """Let a run read the catalog although entries that it does not use lack runtime parameters.

    Kedro resolves the whole catalog at once, so one `${runtime_params:x}` without a default would keep every
    flow of the project from running. An entry that one of `names` uses stays, and raises Kedro's own error.

    Returns:
        Whether reading the catalog again will succeed where it failed for such an entry.
    """
    missing = kedro_config.missing_runtime_params(context)
    if not missing:
        return False
    found = kedro_config.catalog_with_placeholders(context, missing)
    entry = entries_of(found)
    marks = tuple(missing.values())
    if any(_contains(entry(name), marks) for name in names):
        return False
    context.config_loader["catalog"] = {
        name: each for name, each in found.items() if not _contains(each, marks)
    }
    return True


def _contains(entry: Any, marks: tuple[str, ...]) -> bool:
    if isinstance(entry, Mapping):
        return any(_contains(value, marks) for value in entry.values())
    if isinstance(entry, (list, tuple)):
        return any(_contains(value, marks) for value in entry)
    return isinstance(entry, str) and any(mark in entry for mark in marks)


def _without_credentials(entry: Any) -> Any:
    if isinstance(entry, Mapping):
        return {key: _without_credentials(value) for key, value in entry.items() if key != "credentials"}
    return entry
