"""Which agent accepts which flow run, by their labels and kinds: the one place that says so.

Knows neither Prefect's client nor the API: only labels.
"""

from __future__ import annotations

import shlex
from typing import Collection, Iterable, NamedTuple, Sequence, Tuple

from kedro_prefect_hooks.command_lines import typed

PROJECT_AGENT = "ProjectAgent"
"""The type under which this package's agent registers, if a flow of its project has no labels."""

SILENT_AFTER_SECONDS = 60
"""An agent asks for work every half minute at least; one that has been silent for so long is not running."""


CONTAINER_RUN_CONFIGS = {"DockerRun": "docker", "KubernetesRun": "kubernetes"}
"""Run configs for which this package has an agent of its own kind, each with the name of the kind."""

_SAME_MACHINE = ("LocalRun", "UniversalRun")


def is_kind_for(agent_type: str, run_config: str | None) -> bool:
    """Whether an agent of a type can run flow runs with a run config; True where that is not known."""
    kind = CONTAINER_RUN_CONFIGS.get(run_config or "")
    if kind is not None:
        return agent_type.lower().startswith(kind)
    return run_config != "LocalRun" or not agent_type.lower().startswith(
        tuple(CONTAINER_RUN_CONFIGS.values())
    )


def agent_command(run_config: str | None, run_labels: Collection[str] = ()) -> str:
    """The command that starts an agent for flow runs with a run config.

    Args:
        run_config: the run config's type.
        run_labels: the labels of a flow run. They may have been set in Prefect's UI, so that those of the
            flows in prefect.yml, which the agent has anyway, are not enough.
    """
    options = "".join(f" --label {shlex.quote(label)}" for label in sorted(run_labels))
    if run_config is None or run_config in _SAME_MACHINE:
        return typed(f"kedro prefect agent{options}")
    kind = CONTAINER_RUN_CONFIGS.get(run_config)
    if kind is None:
        return f"prefect agent {run_config.replace('Run', '').lower()} start{options}"
    return typed(f"kedro prefect agent --type {kind}{options}")


class LabelledAgent(NamedTuple):
    """What decides which flow runs an agent accepts."""

    type: str
    labels: Tuple[str, ...]

    def accepts(self, run_labels: Collection[str]) -> bool:
        """Whether it accepts a flow run with these labels."""
        return agent_accepts(self.type, self.labels, run_labels)


def api_offers(agent_labels: Collection[str], run_labels: Collection[str]) -> bool:
    """Prefect's rule: the agent has every label of the run, and both or neither have labels."""
    return set(run_labels) <= set(agent_labels) and bool(run_labels) == bool(agent_labels)


def agent_accepts(agent_type: str, agent_labels: Collection[str], run_labels: Collection[str]) -> bool:
    """Whether an agent accepts a flow run with these labels.

    This package's own agent polls a second time, without labels, so it accepts unlabelled runs too.
    """
    if agent_type == PROJECT_AGENT and not run_labels:
        return True
    return api_offers(agent_labels, run_labels)


def why_not_accepted(agents: Sequence[LabelledAgent], run_labels: Collection[str]) -> str | None:
    """Why no agent accepts a flow run with these labels, or None if one does.

    Args:
        agents: those that are running.
        run_labels: the labels of the flow run.
    """
    if any(agent.accepts(run_labels) for agent in agents):
        return None
    if not agents:
        needed = f" with {labels_in_words(run_labels)}" if run_labels else ""
        return f"No agent{needed} is running."
    present = "; ".join(sorted({", ".join(sorted(agent.labels)) or "none" for agent in agents}))
    if run_labels:
        each = "all of " if len(run_labels) > 1 else ""
        reason = f"No running agent has {each}{labels_in_words(run_labels)}."
    else:
        reason = (
            "No running agent accepts runs without labels: Prefect's agents with labels accept only runs "
            "that have labels too."
        )
    return f"{reason} Labels of the running agents: {present}."


def labels_in_words(labels: Iterable[str]) -> str:
    """Such as ``the labels a, b``."""
    names = sorted(labels)
    return f"the label{'' if len(names) == 1 else 's'} {', '.join(names)}" if names else "no labels"
