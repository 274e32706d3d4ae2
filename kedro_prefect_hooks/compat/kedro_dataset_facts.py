"""What a person wants to know of a Kedro dataset: its type, where it is, which version, how large, a preview.

Kedro has no public interface for most of this. Nothing here loads data, except `preview`, and nothing fails.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

from kedro_prefect_hooks.compat.kedro_datasets import is_versioned, wrapped


class Preview(NamedTuple):
    """What a dataset's `preview()` returned.

    Attributes:
        kind: ``table``, ``json`` or ``image``.
        content: of a table, its `columns` and `data`; else a string: JSON, or a PNG in base64.
    """

    kind: str
    content: Any


def type_name(dataset: Any) -> str:
    """Its type as a catalog names it, such as ``pandas.CSVDataset``."""
    found = type(wrapped(dataset))
    package = found.__module__.split(".")
    if package[0] in ("kedro_datasets", "kedro_datasets_experimental") and len(package) > 1:
        return f"{package[1]}.{found.__name__}"
    return found.__name__ if package[0] == "kedro" else f"{found.__module__}.{found.__name__}"


def place(dataset: Any) -> str | None:
    """Its path, URL or table, as it is configured; may contain secrets."""
    inner = wrapped(dataset)
    path = getattr(inner, "_filepath", None) or getattr(inner, "_path", None)
    if path:
        protocol = getattr(inner, "_protocol", None)
        text = str(path)
        return text if protocol in (None, "file", "") or "://" in text else f"{protocol}://{text}"
    url = getattr(inner, "_url", None) or getattr(inner, "url", None)
    if isinstance(url, str):
        return url
    for arguments in (getattr(inner, "_load_args", None), getattr(inner, "_save_args", None), vars(inner)):
        if isinstance(arguments, dict):
            for key in ("table_name", "_table_name"):
                if isinstance(arguments.get(key), str):
                    return f"table {arguments[key]}"
    return None


def version(dataset: Any, saved: bool) -> str | None:
    """The version that was just saved or loaded, if it has versions."""
    inner = wrapped(dataset)
    if not is_versioned(inner):
        return None
    with contextlib.suppress(Exception):
        # Kedro remembers both; neither looks at the files again.
        found = inner.resolve_save_version() if saved else inner.resolve_load_version()
        return None if found is None else str(found)
    return None


def size(dataset: Any, saved: bool) -> int | None:
    """Its bytes, if it is one local file."""
    inner = wrapped(dataset)
    if getattr(inner, "_protocol", "file") not in (None, "file"):
        return None
    with contextlib.suppress(Exception):
        path = getattr(inner, "_filepath", None)
        used = version(inner, saved)
        if path is not None and used is not None:
            path = inner._get_versioned_path(used)
        if path is not None and Path(path).is_file():
            return Path(path).stat().st_size
    return None


def may_be_previewed(dataset: Any) -> bool:
    """Whether it has a `preview()` that its catalog entry does not switch off, as for Kedro-Viz."""
    inner = wrapped(dataset)
    return callable(getattr(inner, "preview", None)) and _viz_settings(inner).get("preview") is not False


def preview(dataset: Any) -> Preview | None:
    """Its own preview, if it is a table, JSON or a picture. Reads a part of the data."""
    inner = wrapped(dataset)
    with contextlib.suppress(Exception):
        arguments = _viz_settings(inner).get("preview_args")
        found = inner.preview(**(arguments if isinstance(arguments, dict) else {}))
        kind = str(getattr(inner.preview, "__annotations__", {}).get("return", ""))
        if isinstance(found, dict) and isinstance(found.get("columns"), list) and "data" in found:
            return Preview("table", found)
        if isinstance(found, str) and found:
            return Preview("image" if "Image" in kind else "json", found)
    return None


def _viz_settings(dataset: Any) -> dict[str, Any]:
    metadata = getattr(dataset, "metadata", None)
    found = metadata.get("kedro-viz") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}
