"""One Kedro dataset: what it holds in memory, its versions, its partitions, whether processes can share it.

Kedro has no public interface for most of this, so the attributes are named here and nowhere else.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import Any, Iterator

# 0.18.13 renamed MemoryDataSet; 0.19 dropped the old name.
_io: Any = importlib.import_module("kedro.io")
MemoryDataset: type = getattr(_io, "MemoryDataset", None) or _io.MemoryDataSet
AbstractDataset: type = getattr(_io, "AbstractDataset", None) or _io.AbstractDataSet

_LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Semaphore)


def is_memory(dataset: Any) -> bool:
    """Whether the dataset lives in this process's memory alone."""
    return isinstance(dataset, MemoryDataset)


def has_value(dataset: Any) -> bool:
    """Whether a memory dataset holds a value."""
    return bool(dataset._exists())


def memory_value(dataset: Any) -> Any:
    """The very object that a memory dataset holds, not a copy of it.

    Raises:
        LookupError: the dataset is empty. Kedro's "empty" marker loses its identity when it is pickled,
            so it must never leave here as if it were a value.
    """
    if not has_value(dataset):
        raise LookupError("empty")
    return dataset._data


def copy_mode(dataset: Any) -> str | None:
    """The copy mode that a memory dataset was given; None where Kedro infers it from the value."""
    mode: str | None = getattr(dataset, "_copy_mode", None)
    return mode


def effective_copy_mode(dataset: Any, value: Any) -> str:
    """How a memory dataset passes on a value: `assign`, `copy` or `deepcopy`, inferred if not given."""
    mode = copy_mode(dataset)
    if mode:
        return mode
    infer: Any = importlib.import_module(MemoryDataset.__module__)._infer_copy_mode
    found: str = infer(value)
    return found


def fill(dataset: Any, value: Any) -> None:
    """Put a value into a memory dataset as it is: the copies its mode asks for are made when it is loaded."""
    dataset._data = value


def holding(value: Any) -> Any:
    """A new memory dataset with a value."""
    dataset = MemoryDataset()
    fill(dataset, value)
    return dataset


def empty(dataset: Any) -> None:
    """Release a memory dataset's value."""
    dataset.release()


def wrapped(dataset: Any) -> Any:
    """The dataset inside a CachedDataset, which is the one that is versioned; any other dataset itself."""
    return getattr(dataset, "_dataset", dataset)


# --- versions --------------------------------------------------------------------------------------


def is_lost_cache(dataset: Any) -> bool:
    """Whether this is a CachedDataset that has nothing persisted, and nothing in this process."""
    inner = wrapped(dataset)
    return inner is not dataset and is_memory(inner) and not dataset.exists()


def is_versioned(dataset: Any) -> bool:
    """Whether saving makes a new version, which Kedro makes only once per save version."""
    version = getattr(wrapped(dataset), "_version", None)
    return version is not None and version.save is not None


def load_version(dataset: Any) -> str | None:
    """The version that the dataset is set to load; None for the newest, or without versions."""
    version = getattr(wrapped(dataset), "_version", None)
    return None if version is None else version.load


def pin_version(dataset: Any) -> None:
    """Make a versioned dataset load what this run saves.

    Kedro loads the newest version there is, which is another run's when two run side by side.
    """
    inner = wrapped(dataset)
    version = getattr(inner, "_version", None)
    if version is not None and version.save is not None and version.load is None:
        inner._version = type(version)(version.save, version.save)


def set_load_version(dataset: Any, wanted: str) -> None:
    """Make a versioned dataset load this version."""
    inner = wrapped(dataset)
    inner._version = type(inner._version)(wanted, inner._version.save)


def newest_version(dataset: Any) -> str | None:
    """The version that a load would read now; None where there is none yet."""
    inner = wrapped(dataset)
    resolve = getattr(inner, "resolve_load_version", None)
    if resolve is None:
        return None
    try:
        found: str | None = resolve()
    except Exception:  # no version yet, no access …: loading says so, in the node that does
        return None
    return found


@contextlib.contextmanager
def version_set_aside(dataset: Any) -> Iterator[None]:
    """Let the dataset save its version again: until then, the version saved before is moved aside.

    It comes back if saving again fails, so nothing that was saved is lost. It stays in the version's own
    folder under another name, where Kedro, which looks for `*/<file name>`, finds no version.
    """
    inner = wrapped(dataset)
    path = inner._get_versioned_path(inner._version.save)
    files = _files_of(inner)
    if not files.exists(str(path)):
        yield
        return
    aside = path.parent / f".{path.name}.earlier"
    if files.exists(str(aside)):
        files.rm(str(aside), recursive=True)
    files.mv(str(path), str(aside), recursive=True)
    _forget_listings(inner, files)
    try:
        yield
    except BaseException:
        if files.exists(str(path)):  # half saved
            files.rm(str(path), recursive=True)
        files.mv(str(aside), str(path), recursive=True)
        _forget_listings(inner, files)
        raise
    files.rm(str(aside), recursive=True)
    _forget_listings(inner, files)


def _files_of(dataset: Any) -> Any:
    """The fsspec file system that the dataset saves to; the local one for a dataset that names none."""
    import fsspec  # type: ignore[import-untyped]

    return getattr(dataset, "_fs", None) or getattr(dataset, "_filesystem", None) or fsspec.filesystem("file")


def _forget_listings(dataset: Any, files: Any) -> None:
    files.invalidate_cache()
    cache = getattr(dataset, "_version_cache", None)
    if cache is not None:
        cache.clear()


# --- partitions ------------------------------------------------------------------------------------


def lists_partitions(dataset: Any) -> bool:
    """Whether the dataset remembers what it has listed, to confirm just that."""
    return hasattr(dataset, "_cached_partitions") or hasattr(dataset, "_partition_cache")


def list_partitions(dataset: Any) -> Any:
    """List a partitioned dataset now, as loading it does; None for other datasets."""
    if not lists_partitions(dataset):
        return None
    dataset._list_partitions()
    return listed_partitions(dataset)


def listed_partitions(dataset: Any) -> Any:
    """What a partitioned dataset has listed in this process, to be confirmed or loaded again; else None."""
    listed = getattr(dataset, "_cached_partitions", None)
    if listed is not None:
        return list(listed)
    cache = getattr(dataset, "_partition_cache", None)  # older kedro-datasets: a cachetools.Cache
    return dict(cache.items()) if cache else None


def set_listed_partitions(dataset: Any, listed: Any) -> None:
    """Give a partitioned dataset what another process of the run has listed."""
    if isinstance(listed, dict):
        dataset._partition_cache.update(listed)
    else:
        dataset._cached_partitions = list(listed)


# --- other processes -------------------------------------------------------------------------------


def why_single_process(dataset: Any) -> str | None:
    """Why tasks in other processes cannot share this dataset through its storage; None when they can.

    `ParallelRunner` refuses the same, and every CachedDataset. One over a persisted dataset is fine here:
    each process loads what was saved.
    """
    inner = wrapped(dataset)
    if inner is not dataset:
        return f"it caches a {type(inner).__name__}" if is_memory(inner) else why_single_process(inner)
    if getattr(dataset, "_SINGLE_PROCESS", False):
        return f"{type(dataset).__name__} keeps its data in the process (_SINGLE_PROCESS)"
    # A lock that each dataset makes for itself guards that dataset; one of the class is shared by all.
    shared = [
        name
        for base in type(dataset).__mro__
        for name, value in vars(base).items()
        if isinstance(value, _LOCKS) and base.__module__.split(".")[0] != "kedro"
    ]
    return f"its lock `{shared[0]}` works within one process" if shared else None
