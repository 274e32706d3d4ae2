"""Values of parameters as they are given on a command line, read as `kedro run --params` reads them.

Imports nothing of Kedro: its command line takes a third of a second to import, and importing it configures
logging, which the embedded API must not do to its process.
"""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping


def parse_value(text: str) -> Any:
    """The value that Kedro makes of `text` in `kedro run --params name=text`.

    Early versions of Kedro read whole and decimal numbers only; later ones read OmegaConf's YAML, in which
    `1e-3` is a number, `2023-11-01` a string, and an empty text null.

    Raises:
        ValueError: it is not YAML.
    """
    if not reads_yaml():
        return _numeric(text.strip())
    from omegaconf import OmegaConf

    try:
        found: dict[Any, Any] = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))  # type: ignore[assignment]
    except Exception as error:  # YAML's and OmegaConf's own
        raise ValueError(str(error).splitlines()[0]) from None
    return found["value"]


def parse_json_value(text: str) -> Any:
    """The same, for a flow parameter, whose value Prefect keeps as JSON.

    Raises:
        ValueError: it is not YAML, or JSON has no such value.
    """
    value = parse_value(text)
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=None)
def reads_yaml() -> bool:
    """Whether the installed Kedro reads `--params` by OmegaConf: as its source says."""
    spec = importlib.util.find_spec("kedro")
    folders = (spec.submodule_search_locations or ()) if spec else ()
    sources = [Path(folder, "framework", "cli", "utils.py") for folder in folders]
    return any("OmegaConf" in source.read_text(encoding="utf-8") for source in sources)


def _numeric(text: str) -> Any:
    """A number if the text is one, as in early versions of Kedro: `1.0` is 1."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def nested(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested mappings: ``{"model.size": 5}`` → ``{"model": {"size": 5}}``."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        *parents, last = name.split(".")
        target = found
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    return found
