"""Values of parameters as they are given on a command line, read as `kedro run --params` reads them."""

from __future__ import annotations

import importlib
from typing import Any


def parse_value(text: str) -> Any:
    """The value that Kedro makes of `text` in `kedro run --params name=text`.

    Early versions of Kedro read whole and decimal numbers only; later ones read OmegaConf's YAML, in which
    `1e-3` is a number and `2023-11-01` a string.

    Raises:
        ValueError: it is not YAML.
    """
    utils: Any = importlib.import_module("kedro.framework.cli.utils")
    if not hasattr(utils, "OmegaConf"):
        return utils._try_convert_to_numeric(text.strip())
    from omegaconf import OmegaConf

    try:
        found: dict[Any, Any] = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))  # type: ignore[assignment]
    except Exception as error:  # YAML's and OmegaConf's own
        raise ValueError(str(error).splitlines()[0]) from None
    return found["value"]
