"""Models of retries, timeouts and tags of nodes, and which of them apply to a node."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import FrozenSet, Iterable, Mapping, Optional

from pydantic import Field

from kedro_prefect_hooks.config.fields import Count, Duration, Model, Names, WholeSeconds

DEFAULT_RETRY_DELAY = datetime.timedelta(seconds=60)
"""Applies where `retry_delay` is not set, since Prefect refuses retries without a delay."""

TAG = "tag:"


class RetriesConfig(Model):
    """How often a failed node is retried, and after how long.

    Example:
        ```yaml
        retries:
          max_retries: 2
          retry_delay: 5m   # or a number of seconds; one minute by default
        ```
    """

    max_retries: Count = Field(0, description="How many times a failed node is retried.")
    retry_delay: Optional[Duration] = Field(
        None, description="The time between retries. Default: one minute."
    )


class NodeConfig(RetriesConfig):
    """Settings for one node, or for all nodes with a tag.

    Example:
        ```yaml
        nodes:
          train_model: {max_retries: 5, timeout: 1h, tags: [gpu]}
          "tag:slow": {timeout: 3600}
        ```
    """

    max_retries: Optional[Count] = Field(  # type: ignore[assignment] # optional only here
        None, description="How many times the node is retried."
    )
    timeout: Optional[WholeSeconds] = Field(
        None,
        description="How long the node may run, in whole seconds. Dask worker threads are not interrupted.",
    )
    tags: Names = Field(default_factory=list, description="Prefect tags to add, such as dask-resource:GPU=1.")


@dataclass(frozen=True)
class NodeSettings:
    """The settings of a node's task, from all of `prefect.yml`.

    Args:
        max_retries: 0 for none.
        retry_delay: None exactly when `max_retries` is 0, as Prefect requires.
        timeout: whole seconds, or None for no limit.
        tags: added to the node's own tags.
    """

    max_retries: int = 0
    retry_delay: Optional[datetime.timedelta] = None
    timeout: Optional[int] = None
    tags: FrozenSet[str] = frozenset()


def node_settings(
    retries: RetriesConfig, nodes: Mapping[str, NodeConfig], name: str, tags: Iterable[str]
) -> NodeSettings:
    """The settings for a node.

    `retries` is overridden by the ``tag:…`` entries that match, in their order in the file, and these by the
    entry with the node's name. Tags add up; for all other settings the last value wins.
    """
    tag_keys = {f"{TAG}{tag}" for tag in tags}
    layers = [entry for key, entry in nodes.items() if key in tag_keys and key != name]
    layers += [nodes[name]] if name in nodes else []
    max_retries, retry_delay = retries.max_retries, retries.retry_delay
    timeout: int | None = None
    for layer in layers:
        max_retries = max_retries if layer.max_retries is None else layer.max_retries
        retry_delay = retry_delay if layer.retry_delay is None else layer.retry_delay
        timeout = timeout if layer.timeout is None else layer.timeout
    return NodeSettings(
        max_retries=max_retries,
        retry_delay=(retry_delay or DEFAULT_RETRY_DELAY) if max_retries else None,
        timeout=timeout,
        tags=frozenset(tag for layer in layers for tag in layer.tags),
    )
