"""A short hash of each kind of setting that a flow is registered with, to notice that it has changed since.

The registered run config has them in its environment, so the process of a flow run compares them without a
request. They cover settings that Prefect's API does not store, too: executor and result. Knows nothing of
tasks and edges: see `builder.fingerprint`.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import FlowConfig
    from kedro_prefect_hooks.config.typed import TypedConfig
    from kedro_prefect_hooks.flows.flow import KedroFlow

DIGITS = 6
"""Hexadecimal digits: enough to notice a change, too few to confirm a guess at a value that is a secret."""

ON_DRIFT = "on_drift"


def settings_digests(flow: KedroFlow, config: FlowConfig) -> dict[str, str]:
    """The kinds of settings of a flow, each with a short hash, and what to do about a difference.

    Args:
        flow: the flow, with all of its tasks.
        config: its settings in `prefect.yml`.
    """
    tasks = sorted(flow.tasks, key=flow.slugs.__getitem__)
    delays = [task.retry_delay and task.retry_delay.total_seconds() for task in tasks]
    contents = {
        "retries": [[task.max_retries, delay] for task, delay in zip(tasks, delays)],
        "timeouts": [task.timeout for task in tasks],
        "executor": _typed(config.executor, ignored="address"),  # a cluster's may differ by place
        "result": _typed(config.result),
        "schedule": config.schedule and config.schedule.model_dump(exclude_unset=True),
        "parameters": {parameter.name: parameter.default for parameter in flow.parameters()},
    }
    return {ON_DRIFT: config.on_drift, **{kind: _digest(content) for kind, content in contents.items()}}


def as_text(digests: dict[str, str]) -> str:
    """The value of the environment variable."""
    return " ".join(f"{kind}={digest}" for kind, digest in digests.items())


def from_text(text: str) -> dict[str, str]:
    """The reverse of `as_text`; ignores what another version of this package may have written."""
    return dict(part.split("=", 1) for part in text.split() if "=" in part)


def _typed(config: TypedConfig | None, ignored: str | None = None) -> list[Any] | None:
    if config is None:
        return None
    return [config.type_name, {name: value for name, value in config.arguments.items() if name != ignored}]


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
