"""Applies a plan, in such a way that if it is interrupted between two requests, the next one completes it.

A flow of up to 500 tasks and edges (10,000 for the embedded API) is sent in one request, which the API
performs entirely or not at all. A larger flow is sent in batches. Its schedule is started before the last
batch, so that anything missing shows in the number of tasks and edges. Finally, the result is read back from
the API.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from functools import partial
from typing import Callable, Iterable, Iterator, Mapping, Sequence

from kedro_prefect_hooks.api.client import Api, batches
from kedro_prefect_hooks.api.registered import Json, Registered, Snapshot, Stored
from kedro_prefect_hooks.api.transport import Refusal
from kedro_prefect_hooks.errors import RegistrationError
from kedro_prefect_hooks.registration.plan import Action, Kind, Plan, duplicates_of, last_created
from kedro_prefect_hooks.registration.wanted import Wanted, edge_slugs

Progress = Callable[[str, int, int], None]
"""Called with the flow's name, how many of its tasks and edges have been sent, and their total."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one action.

    Args:
        action: the action.
        registered: the flow as the API has it now; None for an orphan that was archived.
        archived: whether it is an orphan that was archived.
        own_version: the version that this registration created, if another has come after it.
    """

    action: Action
    registered: Registered | None = None
    archived: bool = False
    own_version: int | None = None


def apply(
    plan: Plan, api: Api, *, prune: bool = False, progress: Progress = lambda *_: None
) -> list[Outcome]:
    """Apply the plan and return the outcome of each action, in the plan's order.

    Args:
        plan: made from a snapshot of the same API.
        api: the API.
        prune: archive orphans.
        progress: called after each batch of a flow that is sent in batches.

    Raises:
        ApiError: the API has become unreachable.
        RegistrationError: a flow could not be registered; those before it have been.
    """
    if not plan.to_do and not (prune and plan.orphans):
        return [Outcome(action, action.registered) for action in plan.actions]
    project_id = plan.snapshot.project_id
    if project_id is None:
        project_id = api.create_project(plan.project, plan.snapshot.tenant_id)
    flow_ids: dict[str, str] = {}
    for action in plan.to_do:
        with _flow_named_in_errors(action):
            flow_ids[action.name] = _perform(action, api, project_id, progress)
    for orphan in plan.orphans if prune else ():
        if orphan.registered is not None:
            api.archive(orphan.registered.id)
    now = _with_live_versions(plan, api, project_id, flow_ids, progress)
    if _repair(plan.to_do, now, flow_ids, api, progress):
        now = api.snapshot(plan.project)
        _check_complete(plan.to_do, now, flow_ids)
    return [_outcome(action, now, flow_ids, api, prune) for action in plan.actions]


def _with_live_versions(
    plan: Plan, api: Api, project_id: str, flow_ids: dict[str, str], progress: Progress
) -> Snapshot:
    """A snapshot in which each flow that has been sent has a live version, as far as that can be had.

    Prefect Server does not lock: new versions that are registered at the same moment archive each other, and
    may leave none. If all processes then registered theirs again, that could go on for ever. So only the one
    whose version was created last does. The others wait for it, but not for ever: it may have been killed.

    Raises:
        RegistrationError: there is none in the end.
    """
    now = api.snapshot(plan.project)
    for patience in _PATIENCE:
        archived = [action for action in plan.to_do if not now.named(action.name)]
        if not archived:
            return now
        own = [each for each in archived if api.newest(project_id, each.name) == flow_ids[each.name]]
        if not own:
            time.sleep(patience)
        for action in own or (archived if patience == _PATIENCE[-1] else ()):
            with _flow_named_in_errors(action):
                flow_ids[action.name] = _create(action, api, project_id, progress)
        now = api.snapshot(plan.project)
    for action in plan.to_do:
        if not now.named(action.name):
            raise RegistrationError(
                f"Flow '{action.name}' was registered, but other registrations at the same moment have "
                "archived all of its versions. Try again."
            )
    return now


_PATIENCE = (0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Seconds to wait for another process's new version, try by try."""


def _outcome(action: Action, now: Snapshot, flow_ids: Mapping[str, str], api: Api, prune: bool) -> Outcome:
    if action.kind is Kind.ORPHANED:
        return Outcome(action, None if prune else action.registered, archived=prune)
    live = now.named(action.name)
    flow_id = flow_ids.get(action.name)
    own = [flow for flow in live if flow.id == flow_id]
    if own or not live:
        return Outcome(action, next(iter(own), action.registered))
    # Without an id nothing was sent for this flow, and it is what it was.
    version = api.version(flow_id) if flow_id else None
    return Outcome(action, last_created(live), own_version=version)


def _perform(action: Action, api: Api, project_id: str, progress: Progress) -> str:
    """Perform one action and return the id of the flow that is live afterwards."""
    wanted, registered = action.wanted, action.registered
    assert wanted is not None
    if registered is not None and action.kind in (Kind.INCOMPLETE, Kind.UNCHANGED):
        flow_id = registered.id
        if action.kind is Kind.INCOMPLETE:
            _complete(wanted, registered, api, progress)
    else:
        flow_id = _create(action, api, project_id, progress)
    for duplicate in action.duplicates:
        if duplicate.id != flow_id:
            api.archive(duplicate.id)
    return flow_id


def _create(action: Action, api: Api, project_id: str, progress: Progress) -> str:
    wanted, key = action.wanted, action.key
    assert wanted is not None and key is not None
    content = _built_content(wanted)
    tasks, edges = content["tasks"], content["edges"]
    total = len(tasks) + len(edges)
    create = partial(
        api.create_flow,
        project_id,
        key=key,
        description=wanted.description,
        version_group_id=action.registered.version_group_id if action.registered else None,
    )
    if max(len(tasks), len(edges)) <= api.batch:
        flow_id = create(content, start=key.starts)
    else:
        flow_id = create({**content, "tasks": [], "edges": []}, start=False)
        sent = 0
        for count in _send(api, flow_id, tasks, edges, start=key.starts):
            sent += count
            progress(wanted.name, sent, total)
    return flow_id


def _send(api: Api, flow_id: str, tasks: list[Json], edges: list[Json], *, start: bool) -> Iterator[int]:
    """Send tasks and edges in batches, yielding the size of each; start the schedule before the last one."""
    requests: list[tuple[Callable[[str, Sequence[Json]], None], list[Json]]]
    requests = [(api.register_tasks, batch) for batch in batches(tasks, api.batch)]
    requests += [(api.register_edges, batch) for batch in batches(edges, api.batch)]
    for number, (register, batch) in enumerate(requests, 1):
        if start and number == len(requests):
            api.start_schedule(flow_id)
        register(flow_id, batch)
        yield len(batch)


def _complete(wanted: Wanted, registered: Registered, api: Api, progress: Progress) -> None:
    """Send what is missing from a live version; its key determines whether its schedule is started."""
    stored = api.stored(registered)
    tasks, edges = _missing_from(stored, wanted)
    start = registered.key is not None and registered.key.starts
    sent = 0
    for count in _send(api, registered.id, tasks, edges, start=start):
        sent += count
        progress(wanted.name, sent, len(tasks) + len(edges))


def _missing_from(stored: Stored, wanted: Wanted) -> tuple[list[Json], list[Json]]:
    tasks = [task for task in wanted.content["tasks"] if task["slug"] not in stored.slugs]
    edges = [edge for edge in wanted.content["edges"] if edge_slugs(edge) not in stored.edges]
    return tasks, edges


def _repair(
    actions: Iterable[Action], now: Snapshot, flow_ids: Mapping[str, str], api: Api, progress: Progress
) -> bool:
    """Repair what the API does not have as it was sent, and return whether anything was repaired.

    A server may ignore tasks that are sent with the flow, may fail to start a schedule without reporting it,
    and may create two flows when two processes register the same one at the same moment.
    """
    repaired = False
    for action in actions:
        flow = _registered_now(action, now, flow_ids)
        if flow is None or action.wanted is None:
            continue  # somebody has just registered a newer version, or archived this one
        with _flow_named_in_errors(action):
            if flow.is_incomplete:
                _complete(action.wanted, flow, api, progress)
            elif _should_be_active(action, flow) and not flow.schedule_active:
                api.start_schedule(flow.id)
            else:
                duplicates = duplicates_of(flow, now.named(flow.name))
                for duplicate in duplicates:
                    api.archive(duplicate.id)
                if not duplicates:
                    continue
        repaired = True
    return repaired


def _should_be_active(action: Action, flow: Registered) -> bool:
    # The schedule of a version that existed before may be inactive because somebody paused it.
    return flow.key is not None and flow.key.starts and action.kind in (Kind.NEW, Kind.CHANGED)


def _check_complete(actions: Iterable[Action], now: Snapshot, flow_ids: Mapping[str, str]) -> None:
    for action in actions:
        flow = _registered_now(action, now, flow_ids)
        if flow is not None and flow.key is not None and flow.is_incomplete:
            raise RegistrationError(
                f"Flow '{action.name}' was registered, but the API has only {flow.tasks:,} of its "
                f"{flow.key.tasks:,} tasks and {flow.edges:,} of its {flow.key.edges:,} edges. Try again."
            )


def _registered_now(action: Action, now: Snapshot, flow_ids: Mapping[str, str]) -> Registered | None:
    return next((flow for flow in now.named(action.name) if flow.id == flow_ids[action.name]), None)


def _built_content(wanted: Wanted) -> Json:
    try:
        return wanted.built_content()
    except Exception as error:  # the storage's own: no access, no such bucket, no Docker …
        reason = " ".join(str(error).split()) or type(error).__name__
        storage = type(wanted.flow.storage).__name__
        raise RegistrationError(f"its storage ({storage}) could not be built: {reason}") from error


@contextlib.contextmanager
def _flow_named_in_errors(action: Action) -> Iterator[None]:
    """Add the flow's name to the message of an error."""
    try:
        yield
    except (Refusal, RegistrationError) as error:
        raise RegistrationError(f"Flow '{action.name}' could not be registered: {error}") from error
