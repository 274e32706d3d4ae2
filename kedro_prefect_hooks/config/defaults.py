"""Merges `defaults:` of `prefect.yml` into a flow: pure functions on plain mappings."""

from __future__ import annotations

from typing import Any, Mapping

TYPED = ("storage", "run_config", "executor", "result")
DEEP = ("retries", "nodes", "notify")


def merge_defaults(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A flow's settings, with the defaults where it has none of its own.

    Mappings are merged key by key. An object of another `type`, a list, a schedule and a plain value replace
    the default entirely, since half of each would mean neither.
    """
    merged = dict(defaults)
    for key, value in own.items():
        default = defaults.get(key)
        if not isinstance(value, Mapping) or not isinstance(default, Mapping):
            merged[key] = value
        elif key in TYPED and value.get("type") in (None, default.get("type")):
            merged[key] = _deep_merge(default, value)
        elif key == "notify":
            merged[key] = {**default, **value}  # Slack accepts only one of `secret` and `env`
        elif key in DEEP:
            merged[key] = _deep_merge(default, value)
        else:
            merged[key] = value
    return merged


def _deep_merge(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in own.items():
        default = merged.get(key)
        if isinstance(default, Mapping) and isinstance(value, Mapping):
            merged[key] = _deep_merge(default, value)
        else:
            merged[key] = value
    return merged
