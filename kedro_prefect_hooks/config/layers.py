"""How `defaults:` is laid under a flow: pure functions on plain mappings."""

from __future__ import annotations

from typing import Any, Mapping

TYPED = ("storage", "run_config", "executor", "result")
DEEP = ("retries", "nodes", "notify")


def laid_under(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A flow's settings with the defaults where it has none of its own.

    Mappings are laid over each other key by key; an object of another `type`, a list, a schedule and a plain
    value replace the default whole, for half of each would mean neither.
    """
    merged = dict(defaults)
    for key, value in own.items():
        below = defaults.get(key)
        if not isinstance(value, Mapping) or not isinstance(below, Mapping):
            merged[key] = value
        elif key in TYPED and value.get("type") in (None, below.get("type")):
            merged[key] = _deep(below, value)
        elif key == "notify":
            merged[key] = {**below, **value}  # of Slack's `secret` and `env` only one may stand
        elif key in DEEP:
            merged[key] = _deep(below, value)
        else:
            merged[key] = value
    return merged


def _deep(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = (
            _deep(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
        )
    return merged
