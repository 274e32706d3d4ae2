"""Which agent takes which flow run, by their labels: the one place that says so.

Knows neither Prefect's client nor the API: only labels.
"""

from __future__ import annotations

from typing import Collection, Iterable

PROJECT_AGENT = "ProjectAgent"
"""The type under which this package's own agent registers with the API."""


def api_offers(agent_labels: Collection[str], run_labels: Collection[str]) -> bool:
    """Prefect's rule: the agent has every label of the run, and both or neither have labels."""
    return set(run_labels) <= set(agent_labels) and bool(run_labels) == bool(agent_labels)


def agent_takes(agent_type: str, agent_labels: Collection[str], run_labels: Collection[str]) -> bool:
    """Whether an agent takes a flow run with these labels.

    This package's own agent asks a second time, without labels, so it takes unlabelled runs too.
    """
    if agent_type == PROJECT_AGENT and not run_labels:
        return True
    return api_offers(agent_labels, run_labels)


def labels_in_words(labels: Iterable[str]) -> str:
    """Such as ``the labels a, b``."""
    names = sorted(labels)
    return f"the label{'' if len(names) == 1 else 's'} {', '.join(names)}" if names else "no labels"
