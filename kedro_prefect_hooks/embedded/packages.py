"""The packages of the `embedded` extra. Imports none of them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Iterable

from kedro_prefect_hooks.errors import KedroPrefectError

API = ("alembic", "graphql", "sqlalchemy")
"""What the API itself needs."""

SERVER = (*API, "starlette", "uvicorn")
"""What serving it over HTTP needs."""


def require(packages: Iterable[str]) -> None:
    """Raise KedroPrefectError, with the remedy, if one of `packages` is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise KedroPrefectError(
                f"The embedded Prefect API needs the package {package!r}, which is not installed. "
                "Install it with: uv pip install 'kedro-prefect-hooks[embedded]' (or pip older than 24.1)"
            )
