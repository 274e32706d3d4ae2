"""The version of the installed Kedro.

Differences are detected by what Kedro has wherever possible, and by this number only elsewhere.
"""

from __future__ import annotations

from kedro import __version__ as KEDRO_VERSION

__all__ = ["KEDRO_VERSION", "version"]


def version() -> tuple[int, ...]:
    return tuple(int(part) for part in KEDRO_VERSION.split(".")[:2])
