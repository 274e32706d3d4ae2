"""Models of retries, timeouts, tags and mapping of nodes, and which of them apply to a node."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import FrozenSet, Iterable, Mapping, Optional, Tuple, Union

from typing_extensions import Literal

from kedro_prefect_hooks.compat.pydantic_models import Field, PydanticCustomError, StrictBool, field_validator
from kedro_prefect_hooks.config.fields import Count, Duration, Model, Names, PositiveCount, WholeSeconds
from kedro_prefect_hooks.config.messages import format_value

DEFAULT_RETRY_DELAY = datetime.timedelta(seconds=60)
"""Applies where `retry_delay` is not set, since Prefect refuses retries without a delay."""

ALWAYS = ("all_finished", "always_run")
"""Prefect's two names of the trigger that lets a task run whatever became of those before it."""

TAG = "tag:"
NAMESPACE = "namespace:"
"""Before the names of tags and namespaces, in keys that stand for several nodes."""


def selectors(tags: Iterable[str], namespace: Optional[str]) -> FrozenSet[str]:
    """The keys under `nodes` that select a node, besides its name: its tags, and the namespaces it is in."""
    parts = namespace.split(".") if namespace else []
    namespaces = {".".join(parts[: number + 1]) for number in range(len(parts))}
    return frozenset({f"{TAG}{tag}" for tag in tags} | {f"{NAMESPACE}{each}" for each in namespaces})


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
    """Settings for one node, for all nodes with a tag, or for all nodes in a namespace.

    Example:
        ```yaml
        nodes:
          train_model: {max_retries: 5, timeout: 1h, tags: [gpu]}
          "tag:slow": {timeout: 3600}
          "namespace:scoring": {max_retries: 1}
          clean_region: {map: raw_regions, partitions_per_task: 50}
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
    map: Optional[Union[StrictBool, str]] = Field(
        None,
        description="The partitioned input that the node is mapped over, one task per partition; true for "
        "the only one. false cancels the mapping of a `tag:…` entry.",
    )
    partitions_per_task: Optional[PositiveCount] = Field(
        None, description="How many partitions a mapped node processes in one task. Default: 1."
    )
    log_stdout: Optional[bool] = Field(
        None, description="Log what the node prints. Default: that of the flow."
    )
    trigger: Optional[Literal["all_successful", "all_finished", "always_run"]] = Field(
        None,
        description="When the node runs: when all tasks before it have succeeded (all_successful, the "
        "default), or when all have finished, in whatever state (all_finished, also called always_run), as "
        "for a node that cleans up.",
    )
    state_handlers: Names = Field(
        default_factory=list,
        description="Dotted paths of functions `(task, old_state, new_state)`, called at each new state of "
        "the node's task.",
    )
    checkpoint: Optional[bool] = Field(
        None, description="false: do not store the node's in-memory outputs in the flow's `result`."
    )
    on_failed_partition: Optional[Literal["stop", "continue"]] = Field(
        None,
        description="What happens to the tasks after a mapped node if some of its partitions have failed: "
        "they do not run (stop, the default), or run with the results of the others (continue). The flow "
        "run fails in both cases.",
    )

    @field_validator("map", mode="before")
    @classmethod
    def _map_is_a_name_or_true(cls, value: object) -> object:
        if value is None or isinstance(value, bool) or (isinstance(value, str) and value):
            return value
        raise PydanticCustomError(
            "map",
            "found {found}, expected the name of one of the node's inputs, true or false",
            {"found": format_value(value)},
        )


@dataclass(frozen=True)
class NodeSettings:
    """The settings of a node's task, from all of `prefect.yml`.

    Args:
        max_retries: 0 for none.
        retry_delay: None exactly when `max_retries` is 0, as Prefect requires.
        timeout: whole seconds, or None for no limit.
        tags: added to the node's own tags.
        map: the input that the node is mapped over, True for its only partitioned one; None for no mapping.
        partitions_per_task: None where it is not set.
        log_stdout: None where it is not set, and the flow's own applies.
        always: the node runs whatever became of the tasks before it.
        state_handlers: of its task, those of `tag:…` and `namespace:…` entries first.
        checkpoint: whether in-memory outputs are stored, if the flow has a result.
        continues: what comes after runs with what succeeded, if some tasks of the node have failed.
    """

    max_retries: int = 0
    retry_delay: Optional[datetime.timedelta] = None
    timeout: Optional[int] = None
    tags: FrozenSet[str] = frozenset()
    map: Union[bool, str, None] = None
    partitions_per_task: Optional[int] = None
    continues: bool = False
    log_stdout: Optional[bool] = None
    always: bool = False
    state_handlers: Tuple[str, ...] = ()
    checkpoint: bool = True


def node_settings(
    retries: RetriesConfig,
    nodes: Mapping[str, NodeConfig],
    name: str,
    tags: Iterable[str],
    namespace: Optional[str] = None,
) -> NodeSettings:
    """The settings for a node.

    `retries` is overridden by the ``tag:…`` and ``namespace:…`` entries that match, in their order in the
    file, and these by the entry with the node's name. Tags add up; for all other settings the last value
    wins.
    """
    keys = selectors(tags, namespace)
    layers = [entry for key, entry in nodes.items() if key in keys and key != name]
    layers += [nodes[name]] if name in nodes else []
    max_retries, retry_delay = retries.max_retries, retries.retry_delay
    timeout: int | None = None
    mapped: bool | str | None = None
    per_task: int | None = None
    on_failed: str | None = None
    log_stdout: bool | None = None
    trigger: str | None = None
    checkpoint: bool | None = None
    for layer in layers:
        max_retries = max_retries if layer.max_retries is None else layer.max_retries
        retry_delay = retry_delay if layer.retry_delay is None else layer.retry_delay
        timeout = timeout if layer.timeout is None else layer.timeout
        mapped = mapped if layer.map is None else layer.map
        per_task = per_task if layer.partitions_per_task is None else layer.partitions_per_task
        log_stdout = log_stdout if layer.log_stdout is None else layer.log_stdout
        trigger = trigger if layer.trigger is None else layer.trigger
        checkpoint = checkpoint if layer.checkpoint is None else layer.checkpoint
        on_failed = on_failed if layer.on_failed_partition is None else layer.on_failed_partition
    return NodeSettings(
        max_retries=max_retries,
        retry_delay=(retry_delay or DEFAULT_RETRY_DELAY) if max_retries else None,
        timeout=timeout,
        tags=frozenset(tag for layer in layers for tag in layer.tags),
        map=mapped or None,
        partitions_per_task=per_task,
        continues=on_failed == "continue",
        log_stdout=log_stdout,
        always=trigger in ALWAYS,
        state_handlers=tuple(dict.fromkeys(path for layer in layers for path in layer.state_handlers)),
        checkpoint=checkpoint is not False,
    )
