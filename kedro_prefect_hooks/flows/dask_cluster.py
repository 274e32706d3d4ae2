"""The settings of a Dask cluster that is started for one flow run."""

from __future__ import annotations

import contextlib
from typing import ContextManager

from prefect.executors import DaskExecutor
from prefect.executors.base import Executor

_INTERVAL = "distributed.scheduler.work-stealing-interval"
_DASKS_OWN = "1s"


def balanced_often(executor: Executor) -> ContextManager[object]:
    """Let a cluster that is started in this context look for idle workers ten times as often as Dask does.

    Dask gives each task to a worker as soon as it can run, and lets idle workers take tasks from busy ones,
    by default once a second: of 16 nodes of half a second, one of two workers often runs 9. A value that the
    user has set stays.
    """
    if not isinstance(executor, DaskExecutor) or getattr(executor, "address") is not None:  # noqa: B009 - untyped
        return contextlib.nullcontext()
    import dask
    import distributed  # noqa: F401 - sets the defaults

    if dask.config.get(_INTERVAL, None) != _DASKS_OWN:
        return contextlib.nullcontext()
    changed: ContextManager[object] = dask.config.set({_INTERVAL: "100ms"})
    return changed
