"""Prefect's context on its way to a task, without the configuration in it.

Prefect sends its whole configuration with each task and merges it, entry by entry, into the current one,
three times per task: three quarters of a task's cost. Within one process the two are the same. To other
processes it is sent in one piece, which each of them reads and merges once.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

import cloudpickle  # type: ignore[import-untyped]
import prefect
from prefect.utilities.collections import merge_dicts


def without_config(context: Mapping[str, Any]) -> dict[str, Any]:
    """A task run's context without the configuration, except for the one entry that task runners read."""
    light = {name: value for name, value in context.items() if name != "config"}
    light.setdefault("checkpointing", prefect.config.flows.checkpointing)
    return light


class WithConfig:
    """A function that runs in another process as if it had the configuration of this one.

    Args:
        function: to be called there.
        config: this process's configuration, as `pickled` returns it.
    """

    def __init__(self, function: Callable[..., Any], config: bytes) -> None:
        self.function = function
        self.config = config

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = prefect.context.get("config")
        prefect.context.config = _merged(self.config)
        try:
            return self.function(*args, **kwargs)
        finally:
            prefect.context.config = before


def pickled(config: Any) -> bytes:
    """A configuration, to be sent."""
    content: bytes = cloudpickle.dumps(config)
    return content


_configs: Dict[bytes, Any] = {}


def _merged(content: bytes) -> Any:
    """The configuration of this process, overlaid with the one that was sent, as Prefect merges them."""
    if content not in _configs:
        _configs.clear()  # that of an earlier flow run, on a worker that stays up
        _configs[content] = merge_dicts(prefect.config, cloudpickle.loads(content))
    return _configs[content]
