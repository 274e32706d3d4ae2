"""Called by MkDocs: puts the version into the footer, and refuses pages that load from other hosts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1] / "kedro_prefect_hooks" / "__init__.py"
LOADED = re.compile(
    r"""<(?:script|img|iframe|link(?![^>]*rel="canonical"))\b[^>]*(?:src|href)="?(https?://[^"\s>]+)"""
)


def version() -> str:
    """The version of the package, read without importing it: `make docs` does not install its dependencies.

    Raises:
        ValueError: the package does not state its version.
    """
    found = re.search(r'^__version__ = "(.+)"$', PACKAGE.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{PACKAGE} has no line __version__ = …")
    return found[1]


def on_config(config: Any) -> Any:
    """Called by MkDocs after it has read mkdocs.yml."""
    config.copyright = f"kedro-prefect-hooks {version()} · {config.copyright}"
    return config


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Called by MkDocs with the HTML of each page.

    Raises:
        ValueError: the page loads something from another host, so it would not work without that.
    """
    found = LOADED.search(output)
    if found is not None:
        raise ValueError(f"{page.url} loads {found[1]}")
    return output
