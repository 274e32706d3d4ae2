"""What is to be done so that Prefect has what is wanted. Pure: compares, sends nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Sequence

from kedro_prefect_hooks.api.key import Key
from kedro_prefect_hooks.api.registered import Registered, Snapshot, Stored
from kedro_prefect_hooks.registration.differences import Change, differences
from kedro_prefect_hooks.registration.wanted import Wanted

DIFFERENTLY = Change("registration", "registered by another version of this plugin or of Prefect")
ELSEWHERE = Change("registration", "registered by something else than this plugin")
FORCED = Change("registration", "registered again because of --force")


class Kind(str, enum.Enum):
    """What a flow's registration needs."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    INCOMPLETE = "incomplete"
    ORPHANED = "orphaned"


@dataclass(frozen=True)
class Action:
    """What is to be done about one flow.

    Args:
        kind: which sort of action.
        name: the flow's name.
        wanted: the flow as it shall be; None for an orphan.
        registered: the flow as it is; None for a new one.
        changes: what is different; for an incomplete one what is missing.
        key: what it will be registered with; None for an orphan.
        doubles: other live flows of that name, registered by this plugin at the same moment as the one that
            counts; they are archived.
    """

    kind: Kind
    name: str
    wanted: Wanted | None = None
    registered: Registered | None = None
    changes: tuple[Change, ...] = ()
    key: Key | None = None
    doubles: tuple[Registered, ...] = ()

    @property
    def does_something(self) -> bool:
        """Whether registering sends anything for it. Orphans are only told of, unless they are pruned."""
        return self.kind in (Kind.NEW, Kind.CHANGED, Kind.INCOMPLETE) or bool(self.doubles)

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
    """What is to be done about all flows of a project, in the order of `prefect.yml`, orphans last.

    Args:
        project: the Prefect project's name.
        snapshot: what the API had.
        actions: one a flow.
        api: the API, as messages name it.
    """

    project: str
    snapshot: Snapshot
    actions: tuple[Action, ...]
    api: str = field(default="")

    @property
    def to_do(self) -> list[Action]:
        """The actions that send something."""
        return [action for action in self.actions if action.does_something]

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


def plan(
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
    """Compare what is wanted with what the API has.

    Args:
        project: the Prefect project's name.
        wanted: the flows as they shall be.
        snapshot: what the API has.
        stored: reads all of a flow; asked only for those that changed or are incomplete.
        owner: who registers, as in keys.
        declared: names of all flows of `prefect.yml`, when `wanted` is only some of them.
        force: register again what has not changed.
        api: how messages name the API.
    """
    flows = list(wanted)
    actions = [_action(each, snapshot, stored, force) for each in flows]
    names = {each.name for each in flows} if declared is None else set(declared)
    actions += [
        Action(Kind.ORPHANED, flow.name, registered=flow)
        for flow in sorted(snapshot.flows, key=lambda flow: flow.name)
        if flow.key is not None and flow.key.owner == owner and flow.name not in names
    ]
    return Plan(project, snapshot, tuple(actions), api)


def _action(
    wanted: Wanted, snapshot: Snapshot, stored: Callable[[Registered], Stored], force: bool
) -> Action:
    registered = _current(wanted, [flow for flow in snapshot.flows if flow.name == wanted.name])
    starts = _starts(wanted, registered)
    key = Key(wanted.owner, wanted.digest, wanted.tasks, wanted.edges, starts)
    if registered is None:
        return Action(Kind.NEW, wanted.name, wanted, None, (), key)
    doubles = doubles_of(registered, snapshot.flows)
    common = (wanted.name, wanted, registered)
    if force:
        key = key._replace(again=registered.version)
        return Action(Kind.CHANGED, *common, (FORCED,), key, doubles)
    if not _same(wanted, registered):
        return Action(Kind.CHANGED, *common, tuple(_changes(wanted, registered, stored)), key, doubles)
    if registered.is_incomplete:
        missing = tuple(_missing(wanted, registered))
        return Action(Kind.INCOMPLETE, *common, missing, registered.key, doubles)
    return Action(Kind.UNCHANGED, *common, (), registered.key, doubles)


def _same(wanted: Wanted, registered: Registered) -> bool:
    key = registered.key
    return key is not None and (key.owner, key.digest) == (wanted.owner, wanted.digest)


def _current(wanted: Wanted, flows: Sequence[Registered]) -> Registered | None:
    """The flow that counts, where Prefect has several live ones of one name."""
    best = sorted(flows, key=lambda flow: (not _same(wanted, flow), *_rank(flow)))
    return best[0] if best else None


def _rank(flow: Registered) -> tuple[bool, int, str]:
    return flow.is_incomplete, -flow.version, flow.id


def doubles_of(flow: Registered, flows: Iterable[Registered]) -> tuple[Registered, ...]:
    """Other live flows of the same name and key, which this plugin made and which must go.

    Prefect Server does not keep two registrations of a new flow, sent at the same moment, from making two
    flows of one name. Both processes must keep the same one, so the choice is by what both of them see.
    """
    same = [
        each for each in flows if each.name == flow.name and each.key is not None and each.key == flow.key
    ]
    return tuple(sorted(same, key=_rank)[1:])


def _starts(wanted: Wanted, registered: Registered | None) -> bool:
    """Whether registering starts the schedule: a new version comes with its schedule off."""
    if registered is None:
        return wanted.has_schedule
    if not wanted.has_schedule and not registered.has_group_schedule:
        return False
    had_one = registered.has_schedule or registered.has_group_schedule
    # One that died before it came to starting its schedule has it off, but nobody has paused it.
    died = registered.is_incomplete and registered.key is not None and registered.key.starts
    return registered.schedule_active or not had_one or died


def _changes(
    wanted: Wanted, registered: Registered, stored: Callable[[Registered], Stored]
) -> Iterable[Change]:
    key = registered.key
    if key is None:
        yield ELSEWHERE
    elif key.owner != wanted.owner:
        yield Change("registration", "registered from", key.owner, wanted.owner)
    found = differences(wanted, stored(registered))
    yield from found
    if not found and key is not None and key.owner == wanted.owner:
        yield DIFFERENTLY


def _missing(wanted: Wanted, registered: Registered) -> Iterable[Change]:
    for what, has, wants in (
        ("tasks", registered.tasks, wanted.tasks),
        ("edges", registered.edges, wanted.edges),
    ):
        if has < wants:
            yield Change(what, f"{wants - has:,} of {wants:,} {what} missing")
