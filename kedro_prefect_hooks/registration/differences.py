"""What is different between a flow as it is wanted and as it is registered, in words.

Pure: compares two pieces of data. Of environment variables only the names are said, never the values.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.api.registered import Json, Stored
from kedro_prefect_hooks.registration.wanted import PARAMETER, Wanted, ends, lasting
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
SHOWN = 5
"""How many names a line shows before it only counts them."""


@dataclass(frozen=True)
class Change:
    """One thing that is different.

    Args:
        section: tasks, edges, parameters, schedule, run config, storage, description or registration.
        what: such as ``tags of train_model``.
        before: what is registered, in words; None where there is nothing to show.
        after: what is wanted, in words.
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
    """All that is different, most telling first; empty when the API has the same in all that it shows."""
    now, before = wanted.content, stored.content
    changes = [
        *_parameters(now.get("parameters") or (), before.get("parameters") or ()),
        *_schedule(now.get("schedule"), before.get("schedule")),
        *_tasks({task["slug"]: task for task in now["tasks"]}, stored.tasks),
        *_edges({ends(edge) for edge in now["edges"]}, set(stored.edges)),
        *_run_config(now.get("run_config"), before.get("run_config")),
        *_storage(lasting(now.get("storage")), lasting(before.get("storage"))),
    ]
    if wanted.description != stored.description:
        changes.append(
            Change("description", "description", _text(stored.description), _text(wanted.description))
        )
    ending = [sorted(task["slug"] for task in each.get("reference_tasks") or ()) for each in (before, now)]
    if ending[0] != ending[1]:
        changes.append(Change("tasks", "tasks that decide the outcome", *map(_text, ending)))
    if now.get("type") != before.get("type"):
        changes.append(Change("registration", "class of the flow", before.get("type"), now.get("type")))
    # The fingerprint follows from tasks and edges, so it counts only when nothing else has changed.
    return [each for each in changes if each.what != _environment(env_vars.FINGERPRINT)] or changes


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
        # The same words for two schedules: a part that the words leave out.
        yield (
            Change("schedule", "schedule", *words) if words[0] != words[1] else Change("schedule", "schedule")
        )


def _tasks(now: Mapping[str, Json], before: Mapping[str, Json]) -> Iterator[Change]:
    new = {slug: task for slug, task in now.items() if task.get("type") != PARAMETER}
    old = {slug: task for slug, task in before.items() if task.get("type") != PARAMETER}
    added = [str(task["name"]) for slug, task in new.items() if slug not in old]
    removed = [str(task["name"]) for slug, task in old.items() if slug not in new]
    if added:
        yield Change("tasks", f"{_many(added, 'task')} added")
    if removed:
        yield Change("tasks", f"{_many(removed, 'task')} removed")
    both = [slug for slug in new if slug in old]
    for field, words in TASK_FIELDS.items():
        alike: dict[tuple[str, str], list[str]] = {}
        for slug in both:
            # A field that the API does not show is taken to be the same.
            if field in old[slug] and old[slug][field] != new[slug].get(field):
                values = _value(field, old[slug][field]), _value(field, new[slug].get(field))
                alike.setdefault(values, []).append(str(new[slug]["name"]))
        for (was, is_now), names in alike.items():
            yield Change("tasks", f"{words} of {_many(names, 'task', alone=True)}", was, is_now)


def _edges(now: set[tuple[str, str]], before: set[tuple[str, str]]) -> Iterator[Change]:
    for words, pairs in (("added", now - before), ("removed", before - now)):
        names = [f"{upstream} → {downstream}" for upstream, downstream in sorted(pairs)]
        if names:
            yield Change("edges", f"{_many(names, 'edge')} {words}")


def _run_config(now: Json | None, before: Json | None) -> Iterator[Change]:
    new, old = now or {}, before or {}
    if new.get("type") != old.get("type"):
        yield Change("run config", "run config", old.get("type"), new.get("type"))
        return
    for field in sorted({*new, *old} - {"env", "__version__"}):
        if new.get(field) != old.get(field):
            called = "labels" if field == "labels" else f"run config's {field}"
            yield Change("run config", called, _text(old.get(field)), _text(new.get(field)))
    env, was = new.get("env") or {}, old.get("env") or {}
    for name in sorted({*env, *was}):
        if env.get(name) != was.get(name):
            yield Change("run config", _environment(name))


def _environment(name: str) -> str:
    return f"environment variable {name} of the run config"


def _storage(now: Json | None, before: Json | None) -> Iterator[Change]:
    new, old = now or {}, before or {}
    if new.get("type") != old.get("type"):
        yield Change("storage", "storage", old.get("type"), new.get("type"))
        return
    for field in sorted({*new, *old} - {"__version__"}):
        # What was empty before the storage was built is filled by building it (a key, an image's tag).
        if new.get(field) is not None and new.get(field) != old.get(field):
            yield Change("storage", f"storage's {field}", _text(old.get(field)), _text(new.get(field)))


def _many(names: list[str], what: str, *, alone: bool = False) -> str:
    if len(names) == 1:
        return names[0] if alone else f"{what} {names[0]}"
    shown = ", ".join(names[:SHOWN])
    if len(names) > SHOWN:
        return f"{len(names)} {what}s ({shown}, …)"
    return shown if alone else f"{what}s {shown}"


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
