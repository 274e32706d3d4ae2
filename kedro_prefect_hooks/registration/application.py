"""A plan put into practice, so that it may stop between any two requests and the next run mends it.

What makes it so: a flow of up to 500 tasks and edges (10,000 for the embedded API) goes to the API in one
request, which makes all of it or nothing. A longer one goes in parts, and its schedule is started before the
last part, so that whatever is missing shows in the number of tasks and edges. At the end the API is asked
what it has now.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, Mapping, Sequence

from kedro_prefect_hooks.api.client import Api, batches
from kedro_prefect_hooks.api.registered import Json, Registered, Snapshot, Stored
from kedro_prefect_hooks.api.transport import Refusal
from kedro_prefect_hooks.errors import RegistrationError
from kedro_prefect_hooks.registration.plan import Action, Kind, Plan, doubles_of
from kedro_prefect_hooks.registration.wanted import Wanted, ends

Progress = Callable[[str, int, int], None]
"""Told the flow's name, how many of its tasks and edges have been sent, and how many there are."""


@dataclass(frozen=True)
class Outcome:
    """What became of one action.

    Args:
        action: the action.
        registered: the flow as the API has it now; None for an orphan that was archived.
        archived: whether it was an orphan and has been archived.
    """

    action: Action
    registered: Registered | None = None
    archived: bool = False


def apply(
    plan: Plan, api: Api, *, prune: bool = False, progress: Progress = lambda *_: None
) -> list[Outcome]:
    """Do what the plan says; returns what became of each action, in the plan's order.

    Args:
        plan: made from the API's own snapshot.
        api: the API.
        prune: archive orphans.
        progress: called as parts of a flow arrive.

    Raises:
        ApiError: the API went away.
        RegistrationError: a flow could not be registered; those before it have been.
    """
    if not plan.to_do and not (prune and plan.orphans):
        return [Outcome(action, action.registered) for action in plan.actions]
    project_id = plan.snapshot.project_id
    if project_id is None:
        project_id = api.create_project(plan.project, plan.snapshot.tenant_id)
    made: dict[str, str] = {}
    for action in plan.to_do:
        with _naming(action):
            made[action.name] = _do(action, api, project_id, progress)
    for orphan in plan.orphans if prune else ():
        if orphan.registered is not None:
            api.archive(orphan.registered.id)
    now = api.snapshot(plan.project)
    if _settle(plan.to_do, now, made, api, progress):
        now = api.snapshot(plan.project)
        _check(plan.to_do, now, made)
    return [_outcome(action, now, made, prune) for action in plan.actions]


def _outcome(action: Action, now: Snapshot, made: Mapping[str, str], prune: bool) -> Outcome:
    if action.kind is Kind.ORPHANED:
        return Outcome(action, None if prune else action.registered, archived=prune)
    live = [flow for flow in now.flows if flow.name == action.name]
    mine = [flow for flow in live if flow.id == made.get(action.name)]
    return Outcome(action, next(iter(mine or live), action.registered))


def _do(action: Action, api: Api, project_id: str, progress: Progress) -> str:
    """One action; returns the id of the flow that is live after it."""
    wanted, registered = action.wanted, action.registered
    assert wanted is not None
    if registered is not None and action.kind in (Kind.INCOMPLETE, Kind.UNCHANGED):
        flow_id = registered.id
        if action.kind is Kind.INCOMPLETE:
            _complete(wanted, registered, api, progress)
    else:
        flow_id = _create(action, wanted, api, project_id, progress)
    for double in action.doubles:
        if double.id != flow_id:
            api.archive(double.id)
    return flow_id


def _create(action: Action, wanted: Wanted, api: Api, project_id: str, progress: Progress) -> str:
    key = action.key
    assert key is not None
    content = _built(wanted)
    tasks, edges = content["tasks"], content["edges"]
    whole = len(tasks) + len(edges)
    if max(len(tasks), len(edges)) <= api.batch:
        flow_id = api.create_flow(project_id, content, key, description=wanted.description, start=key.starts)
    else:
        content = {**content, "tasks": [], "edges": []}
        flow_id = api.create_flow(project_id, content, key, description=wanted.description, start=False)
        sent = 0
        for count in _send(api, flow_id, tasks, edges, start=key.starts):
            sent += count
            progress(wanted.name, sent, whole)
    return flow_id


def _send(api: Api, flow_id: str, tasks: list[Json], edges: list[Json], *, start: bool) -> Iterator[int]:
    """Send tasks and edges in parts, yielding the length of each; start the schedule before the last part."""
    parts: list[tuple[Callable[[str, Sequence[Json]], None], list[Json]]]
    parts = [(api.register_tasks, part) for part in batches(tasks, api.batch)]
    parts += [(api.register_edges, part) for part in batches(edges, api.batch)]
    for number, (register, part) in enumerate(parts, 1):
        if start and number == len(parts):
            api.start_schedule(flow_id)
        register(flow_id, part)
        yield len(part)


def _complete(wanted: Wanted, registered: Registered, api: Api, progress: Progress) -> None:
    """Send what is missing of a version that is live already; its key says whether its schedule starts."""
    stored = api.stored(registered)
    tasks, edges = _not_in(stored, wanted)
    start = registered.key is not None and registered.key.starts
    sent = 0
    for count in _send(api, registered.id, tasks, edges, start=start):
        sent += count
        progress(wanted.name, sent, len(tasks) + len(edges))


def _not_in(stored: Stored, wanted: Wanted) -> tuple[list[Json], list[Json]]:
    tasks = [task for task in wanted.content["tasks"] if task["slug"] not in stored.slugs]
    edges = [edge for edge in wanted.content["edges"] if ends(edge) not in stored.edges]
    return tasks, edges


def _settle(
    actions: Iterable[Action], now: Snapshot, made: Mapping[str, str], api: Api, progress: Progress
) -> bool:
    """Put right what the API does not have as it was sent; returns whether there was anything.

    A server may leave out tasks that come with the flow, may fail to start a schedule without saying so, and
    may make two flows of one that two processes register at the same moment.
    """
    wrong = False
    for action in actions:
        flow = _live(action, now, made)
        if flow is None or action.wanted is None:
            continue  # somebody registered a newer version just now, or archived this one
        with _naming(action):
            if flow.is_incomplete:
                _complete(action.wanted, flow, api, progress)
            elif _should_run(action, flow) and not flow.schedule_active:
                api.start_schedule(flow.id)
            else:
                doubles = doubles_of(flow, now.flows)
                for double in doubles:
                    api.archive(double.id)
                if not doubles:
                    continue
        wrong = True
    return wrong


def _should_run(action: Action, flow: Registered) -> bool:
    # The schedule of a version that was there before may be off because somebody paused it.
    return flow.key is not None and flow.key.starts and action.kind in (Kind.NEW, Kind.CHANGED)


def _check(actions: Iterable[Action], now: Snapshot, made: Mapping[str, str]) -> None:
    for action in actions:
        flow = _live(action, now, made)
        if flow is not None and flow.key is not None and flow.is_incomplete:
            raise RegistrationError(
                f"Flow '{action.name}' was registered, but the API has {flow.tasks:,} of its "
                f"{flow.key.tasks:,} tasks and {flow.edges:,} of its {flow.key.edges:,} edges. Try again."
            )


def _live(action: Action, now: Snapshot, made: Mapping[str, str]) -> Registered | None:
    return next((flow for flow in now.flows if flow.id == made[action.name]), None)


def _built(wanted: Wanted) -> Json:
    try:
        return wanted.built()
    except Exception as error:  # a storage's own: no access, no such bucket, no Docker …
        why = " ".join(str(error).split()) or type(error).__name__
        storage = type(wanted.flow.storage).__name__
        raise RegistrationError(f"its storage ({storage}) could not be built: {why}") from error


@contextlib.contextmanager
def _naming(action: Action) -> Iterator[None]:
    """Say which flow it was that could not be registered."""
    try:
        yield
    except (Refusal, RegistrationError) as error:
        raise RegistrationError(f"Flow '{action.name}' could not be registered: {error}") from error
