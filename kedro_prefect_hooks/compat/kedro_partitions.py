"""A partitioned dataset, slice by slice: listing it, loading some of it, saving some of it.

Works with Kedro's `PartitionedDataset`, its `IncrementalDataset` and their subclasses, of all versions. A
slice is named by ids of partitions; it is loaded through a copy of the dataset that lists these alone, so
that what is loaded, and how lazily, is what the dataset's own code makes of it.
"""

from __future__ import annotations

import copy
from typing import Any, Callable, Iterable, Mapping

from kedro.io.core import Version, generate_timestamp


def is_partitioned(dataset: Any) -> bool:
    """Whether the dataset lists partitions."""
    return hasattr(dataset, "_list_partitions") and hasattr(dataset, "_path_to_partition")


def overwrites(dataset: Any) -> bool:
    """Whether saving removes all partitions that were there before."""
    return bool(getattr(dataset, "_overwrite", False))


def list_ids(dataset: Any) -> list[str]:
    """The ids of the dataset's partitions, in the order in which loading has them.

    An incremental dataset keeps what it has listed until it is confirmed; others look again, as loading does.
    """
    if not hasattr(dataset, "confirm"):
        dataset._invalidate_caches()
    # A partition with several versions is listed as often.
    return list(dict.fromkeys(dataset._path_to_partition(path) for path in dataset._list_partitions()))


def slice_of(dataset: Any, ids: Iterable[str]) -> Any:
    """A copy of the dataset that has only these partitions, which may grow until it is loaded."""
    path = getattr(dataset, "_normalized_path", dataset._path)
    folder = str(dataset._filesystem._strip_protocol(path)).rstrip(dataset._sep) + dataset._sep
    copied = copy.copy(dataset)
    copied._list_partitions = lambda: [f"{folder}{each}{dataset._filename_suffix}" for each in ids]
    return copied


def confirm(dataset: Any, ids: Iterable[str]) -> None:
    """Confirm the dataset as if it had loaded exactly these partitions."""
    slice_of(dataset, ids).confirm()


def renew_version(dataset: Any) -> None:
    """Let partitions that have versions be saved again; a dataset chooses their version when it is made."""
    settings: dict[str, Any] = getattr(dataset, "_dataset_config", {}) if is_partitioned(dataset) else {}
    version = settings.get("version")
    if isinstance(version, Version):
        dataset._dataset_config = {**settings, "version": Version(version.load, generate_timestamp())}


def empty(dataset: Any) -> None:
    """Remove all partitions of a dataset that overwrites, as its own first save would."""
    path = getattr(dataset, "_normalized_path", dataset._path)
    files = dataset._filesystem
    if files.exists(path):
        files.rm(path, recursive=True)
    dataset._invalidate_caches()


def saving_slices(dataset: Any, check: Callable[[Any], Mapping[str, Any]]) -> Any:
    """A copy of any dataset whose `save` adds a slice, once `check` has accepted it."""
    copied = copy.copy(dataset)
    if overwrites(copied):
        copied._overwrite = False  # it was emptied before the first slice

    def save(data: Any) -> None:
        type(copied).save(copied, check(data))

    copied.save = save
    return copied
