"""Describes the differences between a flow as it is wanted and as it is registered.

Compares two pieces of data and sends nothing. Environment variables are described by name, never by value.
"""

from __future__ import annotations

from typing import Iterator

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.api.registered import Json, Stored
from kedro_prefect_hooks.flows.changes import (
    Change,
    as_text,
    edge_changes,
    parameter_changes,
    schedule_changes,
    task_changes,
)
from kedro_prefect_hooks.flows.settings_digests import ON_DRIFT, from_text
from kedro_prefect_hooks.registration.wanted import Wanted, comparable_storage, edge_slugs


def differences(wanted: Wanted, stored: Stored) -> list[Change]:
    """Return all differences, the most important first; only fields that the API returns are compared."""
    now, before = wanted.content, stored.content
    changes = [
        *parameter_changes(now.get("parameters") or (), before.get("parameters") or ()),
        *schedule_changes(now.get("schedule"), before.get("schedule")),
        *task_changes({task["slug"]: task for task in now["tasks"]}, stored.tasks),
        *edge_changes({edge_slugs(edge) for edge in now["edges"]}, set(stored.edges)),
        *_run_config(now.get("run_config"), before.get("run_config")),
        *_storage(comparable_storage(now.get("storage")), comparable_storage(before.get("storage"))),
    ]
    if wanted.description != stored.description:
        changes.append(
            Change("description", "description", as_text(stored.description), as_text(wanted.description))
        )
    reference = [sorted(task["slug"] for task in each.get("reference_tasks") or ()) for each in (before, now)]
    if reference[0] != reference[1]:
        changes.append(Change("tasks", "reference tasks", *map(as_text, reference)))
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


def _run_config(now: Json | None, before: Json | None) -> Iterator[Change]:
    new, old = now or {}, before or {}
    if new.get("type") != old.get("type"):
        yield Change("run config", "run config", old.get("type"), new.get("type"))
        return
    for field in sorted({*new, *old} - {"env", "__version__"}):
        if new.get(field) != old.get(field):
            what = "labels" if field == "labels" else f"{field} of the run config"
            yield Change("run config", what, as_text(old.get(field)), as_text(new.get(field)))
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
            yield Change(
                "storage", f"{field} of the storage", as_text(old.get(field)), as_text(new.get(field))
            )
