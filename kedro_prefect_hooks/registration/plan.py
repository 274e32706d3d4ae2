"""Plans how to make the API match the desired state. Compares data and sends nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Callable, Collection, Iterable, Sequence

from kedro_prefect_hooks.api.key import Key
from kedro_prefect_hooks.api.registered import Registered, Snapshot, Stored
from kedro_prefect_hooks.api.task_times import parse_time
from kedro_prefect_hooks.flows.changes import Change
from kedro_prefect_hooks.registration.differences import differences
from kedro_prefect_hooks.registration.wanted import Wanted

BY_OTHER_VERSION = Change("registration", "registered by another version of this plugin or of Prefect")
BY_OTHERS = Change("registration", "registered by something other than this plugin")
FORCED = Change("registration", "registered again because of --force")


class Kind(str, enum.Enum):
    """The kind of an action."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    INCOMPLETE = "incomplete"
    ORPHANED = "orphaned"


@dataclass(frozen=True)
class Action:
    """What to do about one flow.

    Args:
        kind: the kind of action.
        name: the flow's name.
        wanted: the flow as it should be; None for an orphan.
        registered: the flow as it is; None for a new one.
        changes: what has changed, or what is missing from an incomplete flow.
        key: the key to register it with; None for an orphan.
        duplicates: other live flows of ours with the same name, to be archived.
    """

    kind: Kind
    name: str
    wanted: Wanted | None = None
    registered: Registered | None = None
    changes: tuple[Change, ...] = ()
    key: Key | None = None
    duplicates: tuple[Registered, ...] = ()

    @property
    def sends_requests(self) -> bool:
        """Whether registering sends requests for it. Orphans are only reported, unless they are pruned."""
        return self.kind in (Kind.NEW, Kind.CHANGED, Kind.INCOMPLETE) or bool(self.duplicates)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "flow": self.name,
            "action": self.kind.value,
            "version": None if self.registered is None else self.registered.version,
            "changes": [change.as_dict() for change in self.changes],
        }


@dataclass(frozen=True)
class Plan:
    """What to do about all flows of a project.

    Args:
        project: the Prefect project's name.
        snapshot: the state of the API that the plan was made from.
        actions: one per flow, in the order of `prefect.yml`, orphans last.
        api: the API's name in messages.
    """

    project: str
    snapshot: Snapshot
    actions: tuple[Action, ...]
    api: str = ""

    @property
    def to_do(self) -> list[Action]:
        """The actions that send requests."""
        return [action for action in self.actions if action.sends_requests]

    @property
    def orphans(self) -> list[Action]:
        """Flows that this project registered and no longer declares."""
        return [action for action in self.actions if action.kind is Kind.ORPHANED]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "project": self.project,
            "api": self.api,
            "to_do": len(self.to_do),
            "flows": [action.as_dict() for action in self.actions],
        }


def make_plan(
    project: str,
    wanted: Iterable[Wanted],
    snapshot: Snapshot,
    stored: Callable[[Registered], Stored],
    *,
    owner: str,
    declared: Iterable[str] | None = None,
    force: bool = False,
    api: str = "",
) -> Plan:
    """Compare the desired state with what the API has.

    Args:
        project: the Prefect project's name.
        wanted: the flows as they should be.
        snapshot: the state of the API.
        stored: fetches all of a flow; called only for flows that have changed.
        owner: the owner in this project's keys.
        declared: names of all flows of `prefect.yml`, if `wanted` has only some of them.
        force: register unchanged flows again.
        api: the API's name in messages.
    """
    flows = list(wanted)
    actions = [_action(each, snapshot.named(each.name), stored, force) for each in flows]
    names = {each.name for each in flows} if declared is None else set(declared)
    actions += [
        Action(Kind.ORPHANED, flow.name, registered=flow)
        for flow in sorted(snapshot.flows, key=lambda flow: flow.name)
        if flow.key is not None and flow.key.owner == owner and flow.name not in names
    ]
    return Plan(project, snapshot, tuple(actions), api)


def _action(
    wanted: Wanted, same_name: Sequence[Registered], stored: Callable[[Registered], Stored], force: bool
) -> Action:
    registered = _current(wanted, same_name)
    starts = _starts(wanted, registered)
    key = Key(wanted.owner, wanted.digest, wanted.tasks, wanted.edges, starts)
    if registered is None:
        return Action(Kind.NEW, wanted.name, wanted, None, (), key)
    duplicates = duplicates_of(registered, same_name)
    common = (wanted.name, wanted, registered)
    if force:
        key = key._replace(again=registered.version)
        return Action(Kind.CHANGED, *common, (FORCED,), key, duplicates)
    if not _same(wanted, registered):
        return Action(Kind.CHANGED, *common, tuple(_changes(wanted, registered, stored)), key, duplicates)
    if registered.is_incomplete:
        missing = tuple(_missing(wanted, registered))
        return Action(Kind.INCOMPLETE, *common, missing, registered.key, duplicates)
    return Action(Kind.UNCHANGED, *common, (), registered.key, duplicates)


def _same(wanted: Wanted, registered: Registered) -> bool:
    key = registered.key
    return key is not None and (key.owner, key.digest) == (wanted.owner, wanted.digest)


def _current(wanted: Wanted, flows: Sequence[Registered]) -> Registered | None:
    """The flow to compare with, if Prefect has several live flows of the same name: the last one of ours."""
    ours = [flow for flow in flows if flow.key is not None and flow.key.owner == wanted.owner]
    return last_created(ours or [flow for flow in flows if flow.key is not None] or flows)


def last_created(flows: Collection[Registered]) -> Registered | None:
    """The flow that was registered last."""
    if len(flows) < 2:
        return next(iter(flows), None)
    return max(flows, key=lambda flow: (parse_time(flow.created), flow.id))


def duplicates_of(flow: Registered, flows: Iterable[Registered]) -> tuple[Registered, ...]:
    """Return the live flows that this plugin has registered beside another of the same name and owner.

    When two processes register a new flow at the same moment, Prefect Server may create two flows of the same
    name, whose code may differ. The one that was created last is kept, as if they had been registered one
    after the other. Both processes must keep the same one, so the choice depends only on what both see.
    """
    same = [
        each
        for each in flows
        if each.name == flow.name and each.key and flow.key and each.key.owner == flow.key.owner
    ]
    kept = last_created(same)
    return tuple(each for each in same if each is not kept)


def _starts(wanted: Wanted, registered: Registered | None) -> bool:
    """Whether registering starts the schedule, which is inactive in a new version."""
    if registered is None:
        return wanted.has_schedule
    if not wanted.has_schedule and not registered.has_group_schedule:
        return False
    had_schedule = registered.has_schedule or registered.has_group_schedule
    # After an interrupted registration the schedule is inactive although nobody has paused it.
    interrupted = registered.is_incomplete and registered.key is not None and registered.key.starts
    return registered.schedule_active or not had_schedule or interrupted


def _changes(
    wanted: Wanted, registered: Registered, stored: Callable[[Registered], Stored]
) -> Iterable[Change]:
    key = registered.key
    if key is None:
        yield BY_OTHERS
    elif key.owner != wanted.owner:
        yield Change("registration", "registered from", key.owner, wanted.owner)
    found = differences(wanted, stored(registered))
    yield from found
    if not found and key is not None and key.owner == wanted.owner:
        yield BY_OTHER_VERSION


def _missing(wanted: Wanted, registered: Registered) -> Iterable[Change]:
    for what, has, wants in (
        ("tasks", registered.tasks, wanted.tasks),
        ("edges", registered.edges, wanted.edges),
    ):
        if has < wants:
            yield Change(what, f"{wants - has:,} of {wants:,} {what} missing")
