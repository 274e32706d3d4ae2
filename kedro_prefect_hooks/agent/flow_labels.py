"""The labels of a project's flow runs, and the flows that its own agent cannot run.

Reads only the configuration. Which agent accepts which labels is the business of `labels`.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from kedro_prefect_hooks.config.typed import SAME_MACHINE_RUN_CONFIGS

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import FlowConfig, PrefectConfig


def label_sets(config: PrefectConfig) -> list[frozenset[str]]:
    """The sets of labels that runs of the flows can have; an empty set stands for runs without labels.

    Flows for another kind of agent are left out.
    """
    others = flows_for_other_agents(config)
    return [
        labels for name, flow in config.flows.items() if name not in others for labels in label_sets_of(flow)
    ]


def flows_for_other_agents(config: PrefectConfig) -> dict[str, str]:
    """Flows whose run config asks for another kind of agent, each with the name of that run config."""
    kinds = {name: type(flow.build_run_config()).__name__ for name, flow in config.flows.items()}
    return {name: kind for name, kind in kinds.items() if kind not in SAME_MACHINE_RUN_CONFIGS}


def flows_for(config: PrefectConfig, run_config: str) -> list[str]:
    """The flows that have a run config of that type."""
    return [name for name, kind in flows_for_other_agents(config).items() if kind == run_config]


def label_sets_of(flow: FlowConfig) -> list[frozenset[str]]:
    """The sets of labels that runs of a flow can have."""
    # Prefect labels a flow in `Local` storage with the name of the machine that stores it.
    is_local = type(flow.build_storage()).__name__ == "Local"
    machine = [socket.gethostname()] if is_local else []
    labels = frozenset([*(flow.build_run_config().labels or ()), *machine])
    clocks = getattr(flow.build_schedule(), "clocks", ())
    return [labels, *(frozenset(clock.labels) for clock in clocks if clock.labels is not None)]
