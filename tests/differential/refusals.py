"""The messages with which a run may be refused, where Kedro's own runner goes on, and for which cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Set

from tests.differential.cases import DASK, PROCESSES, TIMEOUTS, Case


def remote(case: Case) -> bool:
    return case["executor"] in (PROCESSES, DASK, TIMEOUTS)


def kinds(case: Case) -> Set[str]:
    return {dataset["kind"] for dataset in case["datasets"].values()}


@dataclass
class Refusal:
    """A message with which a run may be refused before its first node, and when."""

    label: str
    message: str
    when: Callable[[Case], bool]


def _changes_catalog(case: Case) -> bool:
    return bool(case["hooks"]["before_pipeline_run"])


REFUSALS = [
    Refusal(
        "a dataset that lives in one process",
        r"Tasks in other processes cannot use the datasets? ",
        lambda case: remote(case) and bool(kinds(case) & {"cached_memory"}),
    ),
    Refusal(
        "a catalog changed by a hook",
        r"Dataset '\w+' was .*by a `before_pipeline_run` hook.*another process, where the catalog is built",
        lambda case: remote(case) and _changes_catalog(case),
    ),
    Refusal(
        "a hook's value that cannot be pickled",
        r"was set by a `before_pipeline_run` hook.*cannot be passed",
        lambda case: (
            remote(case)
            and any(each["how"] == "unpicklable" for each in case["hooks"]["before_pipeline_run"])
        ),
    ),
    Refusal(
        "a tag prefix that no node has", "unknown grouping 'group'", lambda case: case["group_by"] == "group"
    ),
    Refusal(
        "a mapped input whose maker is filtered out",
        r"cannot be mapped over '\w+', .*no node that this flow runs makes it",
        lambda case: bool(case["filters"]) and any(node.get("each") for node in case["nodes"]),
    ),
    Refusal(
        "groups that depend on each other",
        r"makes tasks that wait for each other",
        lambda case: case["group_by"] != "none",
    ),
]

RESTART_REFUSALS = [
    Refusal(
        "a restart that would run a node again past a checkpoint",
        r"This flow run cannot be restarted here: .*past the checkpoint"
        r"|it was loaded before this flow run was restarted",
        lambda case: not case["result"] and any(node["confirms"] for node in case["nodes"]),
    ),
    Refusal(
        "a restart that would load past a checkpoint",
        r"before this flow run was restarted, node '[\w.]+' may have confirmed it",
        lambda case: "incremental" in kinds(case) and any(node["confirms"] for node in case["nodes"]),
    ),
]
"""Messages with which a restart may be refused at any node."""

UNPICKLABLE_LABEL = "a value in memory that cannot be pickled (once it was made)"
UNPICKLABLE_VALUE = {
    "passed": r"made in memory by node '[\w.]+', cannot be passed to another process",
    "kept": r"made in memory by node '[\w.]+', cannot be kept in the flow's result",
}
