"""Says in words what differs between the parts of two serialized flows.

Compares data and sends nothing. `plan` compares what is wanted with what is registered; the process of a flow
run compares what it has built with what was registered.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import AbstractSet, Any, Iterable, Iterator, Mapping, Tuple

from kedro_prefect_hooks.schedule_text import in_words

Json = Mapping[str, Any]
Edge = Tuple[str, str]
"""The slugs of the two tasks."""

PARAMETER = "prefect.core.parameter.Parameter"
"""The type of a serialized parameter, which is a task to Prefect and a section of its own to us."""

TASK_FIELDS = {
    "name": "name",
    "type": "class",
    "tags": "tags",
    "max_retries": "retries",
    "retry_delay": "retry delay",
    "timeout": "timeout",
    "trigger": "trigger",
    "cache_for": "cache time",
    "cache_key": "cache key",
    "cache_validator": "cache validator",
    "skip_on_upstream_skip": "skipping after a skipped task",
    "inputs": "inputs",
    "outputs": "outputs",
}
SECONDS = ("retry_delay", "cache_for", "timeout")
MAX_NAMES = 5
"""The number of names on one line; more are only counted."""


@dataclass(frozen=True)
class Change:
    """One difference.

    Args:
        section: tasks, edges, parameters, schedule, run config, storage, description or registration.
        what: what differs, such as ``tags of train_model``.
        before: the registered value; None where there is no value to show.
        after: the wanted value.
    """

    section: str
    what: str
    before: str | None = None
    after: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """For `--json`."""
        return {"section": self.section, "what": self.what, "before": self.before, "after": self.after}

    def __str__(self) -> str:
        if self.before is None and self.after is None:
            return self.what
        return f"{self.what}: {self.before or 'none'} → {self.after or 'none'}"


def parameter_changes(now: Iterable[Json], before: Iterable[Json]) -> Iterator[Change]:
    """Parameters that were added or removed, or have another default."""
    new = {str(each["name"]): each for each in now}
    old = {str(each["name"]): each for each in before}
    for name in sorted({*new, *old}):
        if name not in old:
            yield Change("parameters", f"parameter {name} added", None, None)
        elif name not in new:
            yield Change("parameters", f"parameter {name} removed", None, None)
        elif new[name].get("default") != old[name].get("default"):
            values = (as_text(each[name].get("default")) for each in (old, new))
            yield Change("parameters", f"parameter {name}", *values)
        elif new[name].get("required") != old[name].get("required"):
            values = ("required" if each[name].get("required") else "optional" for each in (old, new))
            yield Change("parameters", f"parameter {name}", *values)


def schedule_changes(now: Json | None, before: Json | None) -> Iterator[Change]:
    """The schedule, in words."""
    if now != before:
        words = in_words(before), in_words(now)
        # Equal texts for two schedules: they differ in something that the text does not mention.
        yield (
            Change("schedule", "schedule", *words) if words[0] != words[1] else Change("schedule", "schedule")
        )


def task_changes(
    now: Mapping[str, Json], before: Mapping[str, Json], fields: Iterable[str] = TASK_FIELDS
) -> Iterator[Change]:
    """Tasks that were added or removed, and those whose settings differ.

    Args:
        now: the tasks that are wanted, by slug.
        before: the registered tasks, by slug.
        fields: the settings to compare, which are keys of `TASK_FIELDS`.
    """
    new = {slug: task for slug, task in now.items() if task.get("type") != PARAMETER}
    old = {slug: task for slug, task in before.items() if task.get("type") != PARAMETER}
    added = [str(task["name"]) for slug, task in new.items() if slug not in old]
    removed = [str(task["name"]) for slug, task in old.items() if slug not in new]
    if added:
        yield Change("tasks", f"{_join_names(added, 'task')} added")
    if removed:
        yield Change("tasks", f"{_join_names(removed, 'task')} removed")
    both = [slug for slug in new if slug in old]
    for field in fields:
        same_change: dict[tuple[str, str], list[str]] = {}
        for slug in both:
            # A field that the API does not return counts as unchanged.
            if field in old[slug] and old[slug][field] != new[slug].get(field):
                values = _value(field, old[slug][field]), _value(field, new[slug].get(field))
                same_change.setdefault(values, []).append(str(new[slug]["name"]))
        for (was, is_now), names in same_change.items():
            # Equal texts for two values: they differ in something that the text does not mention.
            texts = (was, is_now) if was != is_now else ()
            yield Change("tasks", f"{TASK_FIELDS[field]} of {_join_names(names, 'task', alone=True)}", *texts)


def edge_changes(now: AbstractSet[Edge], before: AbstractSet[Edge]) -> Iterator[Change]:
    """Edges that were added or removed."""
    for words, pairs in (("added", now - before), ("removed", before - now)):
        names = [f"{upstream} → {downstream}" for upstream, downstream in sorted(pairs)]
        if names:
            yield Change("edges", f"{_join_names(names, 'edge')} {words}")


def _join_names(names: list[str], what: str, *, alone: bool = False) -> str:
    if len(names) == 1:
        return names[0] if alone else f"{what} {names[0]}"
    text = ", ".join(names[:MAX_NAMES])
    if len(names) > MAX_NAMES:
        return f"{len(names)} {what}s ({text}, …)"
    return text if alone else f"{what}s {text}"


def _value(field: str, value: Any) -> str:
    if value is None:
        return "none"
    if field in SECONDS and isinstance(value, (int, float)):
        return str(datetime.timedelta(seconds=value))
    if field in ("trigger", "cache_validator"):
        return str(value["fn"] if isinstance(value, Mapping) else value).rsplit(".", 1)[-1]
    if field == "tags":
        return ", ".join(sorted(value)) or "none"
    if field == "inputs":
        return ", ".join(sorted(value)) or "none"
    return as_text(value)


def as_text(value: Any) -> str:
    """A value as it is shown in a change."""
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return ", ".join(sorted(value)) or "none"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
