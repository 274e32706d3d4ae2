"""Kedro pipelines as Prefect 1 flows.

Importing this package imports neither prefect nor pydantic: the names below are looked up when they
are first asked for, so that a plain ``kedro run`` pays nothing for having the hook in its settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = ["PrefectHooks", "PrefectRunner", "__version__"]

if TYPE_CHECKING:
    from kedro_prefect_hooks.hooks import PrefectHooks
    from kedro_prefect_hooks.runner import PrefectRunner


def __getattr__(name: str) -> object:
    if name == "PrefectHooks":
        from kedro_prefect_hooks.hooks import PrefectHooks

        return PrefectHooks
    if name == "PrefectRunner":
        from kedro_prefect_hooks.runner import PrefectRunner

        return PrefectRunner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
