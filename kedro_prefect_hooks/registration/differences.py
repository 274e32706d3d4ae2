"""Describes the differences between a flow as it is wanted and as it is registered.

Compares two pieces of data and sends nothing. Environment variables are described by name, never by value.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.api.registered import Json, Stored
from kedro_prefect_hooks.flows.settings_digests import ON_DRIFT, from_text
from kedro_prefect_hooks.registration.wanted import PARAMETER, Wanted, comparable_storage, edge_slugs
from kedro_prefect_hooks.schedule_text import in_words

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


def differences(wanted: Wanted, stored: Stored) -> list[Change]:
    """Return all differences, the most important first; only fields that the API returns are compared."""
    now, before = wanted.content, stored.content
    changes = [
        *_parameters(now.get("parameters") or (), before.get("parameters") or ()),
        *_schedule(now.get("schedule"), before.get("schedule")),
        *_tasks({task["slug"]: task for task in now["tasks"]}, stored.tasks),
        *_edges({edge_slugs(edge) for edge in now["edges"]}, set(stored.edges)),
        *_run_config(now.get("run_config"), before.get("run_config")),
        *_storage(comparable_storage(now.get("storage")), comparable_storage(before.get("storage"))),
    ]
    if wanted.description != stored.description:
        changes.append(
            Change("description", "description", _text(stored.description), _text(wanted.description))
        )
    reference = [sorted(task["slug"] for task in each.get("reference_tasks") or ()) for each in (before, now)]
    if reference[0] != reference[1]:
        changes.append(Change("tasks", "reference tasks", *map(_text, reference)))
    if now.get("type") != before.get("type"):
        changes.append(Change("registration", "class of the flow", before.get("type"), now.get("type")))
    # The fingerprint is derived from tasks and edges, so it matters only when nothing else has changed.
    return [each for each in changes if each.what != _env_var_of_run_config(env_vars.FINGERPRINT)] or changes


def _settings(now: str | None, before: str | None) -> Iterator[Change]:
    """Settings of which the API has only a hash: the others are compared where it has them."""
    if now is None or before is None:
        return  # the user's own value, or a registration by an earlier version of this package
    new, old = from_text(now), from_text(before)
    for kind in ("executor", "result", ON_DRIFT):
        if new.get(kind) != old.get(kind):
            yield Change("settings", kind, *((old.get(kind), new.get(kind)) if kind == ON_DRIFT else ()))


def _parameters(now: Iterable[Json], before: Iterable[Json]) -> Iterator[Change]:
    new = {str(each["name"]): each for each in now}
    old = {str(each["name"]): each for each in before}
    for name in sorted({*new, *old}):
        if name not in old:
            yield Change("parameters", f"parameter {name} added", None, None)
        elif name not in new:
            yield Change("parameters", f"parameter {name} removed", None, None)
        elif new[name].get("default") != old[name].get("default"):
            values = (_text(each[name].get("default")) for each in (old, new))
            yield Change("parameters", f"parameter {name}", *values)
        elif new[name].get("required") != old[name].get("required"):
            values = ("required" if each[name].get("required") else "optional" for each in (old, new))
            yield Change("parameters", f"parameter {name}", *values)


def _schedule(now: Json | None, before: Json | None) -> Iterator[Change]:
    if now != before:
        words = in_words(before), in_words(now)
        # Equal texts for two schedules: they differ in something that the text does not mention.
        yield (
            Change("schedule", "schedule", *words) if words[0] != words[1] else Change("schedule", "schedule")
        )


def _tasks(now: Mapping[str, Json], before: Mapping[str, Json]) -> Iterator[Change]:
    new = {slug: task for slug, task in now.items() if task.get("type") != PARAMETER}
    old = {slug: task for slug, task in before.items() if task.get("type") != PARAMETER}
    added = [str(task["name"]) for slug, task in new.items() if slug not in old]
    removed = [str(task["name"]) for slug, task in old.items() if slug not in new]
    if added:
        yield Change("tasks", f"{_join_names(added, 'task')} added")
    if removed:
        yield Change("tasks", f"{_join_names(removed, 'task')} removed")
    both = [slug for slug in new if slug in old]
    for field, words in TASK_FIELDS.items():
        same_change: dict[tuple[str, str], list[str]] = {}
        for slug in both:
            # A field that the API does not return counts as unchanged.
            if field in old[slug] and old[slug][field] != new[slug].get(field):
                values = _value(field, old[slug][field]), _value(field, new[slug].get(field))
                same_change.setdefault(values, []).append(str(new[slug]["name"]))
        for (was, is_now), names in same_change.items():
            yield Change("tasks", f"{words} of {_join_names(names, 'task', alone=True)}", was, is_now)


def _edges(now: set[tuple[str, str]], before: set[tuple[str, str]]) -> Iterator[Change]:
    for words, pairs in (("added", now - before), ("removed", before - now)):
        names = [f"{upstream} → {downstream}" for upstream, downstream in sorted(pairs)]
        if names:
            yield Change("edges", f"{_join_names(names, 'edge')} {words}")


def _run_config(now: Json | None, before: Json | None) -> Iterator[Change]:
    new, old = now or {}, before or {}
    if new.get("type") != old.get("type"):
        yield Change("run config", "run config", old.get("type"), new.get("type"))
        return
    for field in sorted({*new, *old} - {"env", "__version__"}):
        if new.get(field) != old.get(field):
            what = "labels" if field == "labels" else f"{field} of the run config"
            yield Change("run config", what, _text(old.get(field)), _text(new.get(field)))
    env, was = new.get("env") or {}, old.get("env") or {}
    for name in sorted({*env, *was}):
        if name == env_vars.SETTINGS and env.get(name) != was.get(name):
            yield from _settings(env.get(name), was.get(name))
        elif env.get(name) != was.get(name):
            yield Change("run config", _env_var_of_run_config(name))


def _env_var_of_run_config(name: str) -> str:
    return f"environment variable {name} of the run config"


def _storage(now: Json | None, before: Json | None) -> Iterator[Change]:
    new, old = now or {}, before or {}
    if new.get("type") != old.get("type"):
        yield Change("storage", "storage", old.get("type"), new.get("type"))
        return
    for field in sorted({*new, *old} - {"__version__"}):
        # Building the storage fills fields that are empty before (a key, an image's tag).
        if new.get(field) is not None and new.get(field) != old.get(field):
            yield Change("storage", f"{field} of the storage", _text(old.get(field)), _text(new.get(field)))


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
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return ", ".join(sorted(value)) or "none"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
