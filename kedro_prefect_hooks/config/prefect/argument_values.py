"""Values that a signature allows and that cannot work: negative sizes, words that dask does not know.

Prefect passes most of them on unchecked, and a flow run would fail, or hang, with the first task. Knows the
arguments by name, and nothing of the classes.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from kedro_prefect_hooks.config.fields import LARGEST_COUNT, tidy_name
from kedro_prefect_hooks.config.messages import Key, format_value, unknown_name

_SCHEDULERS = (
    "threads",
    "threading",
    "processes",
    "multiprocessing",
    "sync",
    "synchronous",
    "single-threaded",
)
_COUNTS = ("num_workers", "chunksize", "threads_per_worker", "nthreads", "processes_per_worker")
"""Whole numbers from 1 on."""

_BOUNDS = ("minimum", "maximum")
_COUNTS_FROM_0 = ("n_workers", *_BOUNDS)
"""Whole numbers; an adaptive cluster may start with no worker."""

_NESTED = ("cluster_kwargs", "adapt_kwargs", "client_kwargs")
_SCHEMES = ("tcp", "tls", "ucx", "ws", "wss", "inproc", "gateway")


def impossible_values(kind: str, arguments: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    """The path and the text of each problem.

    Args:
        kind: "executor", "storage", "run_config" or "result".
        arguments: of the Prefect class, by name.
    """
    if kind == "executor":
        yield from _of_executor(arguments)
        return
    for name, value in arguments.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
            yield (name,), f"found {format_value(value)}, expected 0 or more"
    if arguments.get("git_clone_url_secret_name") and not arguments.get("repo"):
        yield (
            ("git_clone_url_secret_name",),
            "an agent cannot load such a flow, because Prefect 1.1.0 does not accept storage without `repo`: "
            "add one. Its value is not used, since the secret has the URL",
        )
    labels = arguments.get("labels")
    for position, label in enumerate(labels if isinstance(labels, list) else ()):
        yield from _untidy_name(("labels", position), label)
    environment = arguments.get("env")
    for name in environment if isinstance(environment, Mapping) else ():
        yield from _untidy_name(("env", str(name)), name)
        if "=" in str(name):
            yield ("env", str(name)), "found a name with =, expected the name of an environment variable"


def _untidy_name(key: Key, name: Any) -> Iterator[tuple[Key, str]]:
    try:
        tidy_name(name) if isinstance(name, str) else None
    except ValueError as error:
        yield key, str(error)


def _of_executor(arguments: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    scheduler = arguments.get("scheduler")
    if isinstance(scheduler, str) and scheduler.lower() not in _SCHEDULERS:
        yield ("scheduler",), unknown_name("scheduler", scheduler, _SCHEDULERS)
    address = arguments.get("address")
    if isinstance(address, str):
        scheme, separator, host = address.partition("://")
        if separator and (scheme not in _SCHEMES or not host.strip("/")):
            yield (
                ("address",),
                f"found {format_value(address)}, expected the address of a Dask scheduler, such as tcp://host:8786",
            )
    yield from _counts((), arguments)
    for name in _NESTED:
        inner = arguments.get(name)
        if isinstance(inner, Mapping):
            yield from _counts((name,), inner)
    bounds = arguments.get("adapt_kwargs")
    if isinstance(bounds, Mapping):
        low, high = (bounds.get(name) for name in _BOUNDS)
        if isinstance(low, int) and isinstance(high, int) and low > high:
            yield (
                ("adapt_kwargs", "minimum"),
                f"found {low}, which is more than the maximum, expected {high} or less",
            )


def _counts(key: Key, arguments: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    for name, value in arguments.items():
        lowest = 1 if name in _COUNTS else 0 if key and name in _COUNTS_FROM_0 else None
        if lowest is None or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            yield (*key, name), f"found {format_value(value)}, expected an integer of {lowest} or more"
        elif not lowest <= value <= LARGEST_COUNT:
            yield (
                (*key, name),
                f"found {format_value(value)}, expected {lowest} or more (at most {LARGEST_COUNT})",
            )
