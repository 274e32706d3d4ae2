"""Summarizes a registration, as text and as data. The text has no colors, so it also suits log files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

from kedro_prefect_hooks.api.client import Link
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.flows.changes import Change
from kedro_prefect_hooks.registration.application import Outcome
from kedro_prefect_hooks.registration.plan import Action, Kind, Plan

MAX_CHANGES = 4
"""The number of changes on one line; more are only counted."""

NOT_LINKED = (Kind.UNCHANGED.value, Kind.ORPHANED.value)
"""Flows for which nothing was done: no link is printed."""


@dataclass(frozen=True)
class Line:
    """The result for one flow.

    Args:
        flow: its name.
        action: new, changed, unchanged, incomplete, orphaned or archived.
        version: its version now; None for an archived one.
        changes: what has changed, or what was missing.
        link: the URL of its page, if it has one.
        paused: whether its schedule is paused.
        repaired: whether it was incomplete and has been repaired.
        followed_by: the version that another registration at the same moment has created after this one.
        archived: how many other live flows of this name were archived.
    """

    flow: str
    action: str
    version: int | None
    changes: tuple[Change, ...] = ()
    link: str | None = None
    paused: bool = False
    repaired: bool = False
    followed_by: int | None = None
    archived: int = 0

    def __str__(self) -> str:
        return "  ".join(self.cells()).rstrip()

    def cells(self) -> list[str]:
        """The cells of its row in the table."""
        version = "" if self.version is None else f"version {self.version}"
        return [self.action, self.flow, version, " ".join(self._notes().split())]

    def _notes(self) -> str:
        notes = [_first_changes(self.changes)] if self.changes else []
        notes += ["schedule paused in Prefect"] * self.paused
        if self.action == Kind.ORPHANED.value:
            notes.append("no longer in prefect.yml")
        if self.repaired:
            notes.append("repaired")
        if self.followed_by is not None:
            notes.append(f"version {self.followed_by} was registered at the same moment, and has replaced it")
        if self.archived:
            others = "another live flow" if self.archived == 1 else f"{self.archived} other live flows"
            notes.append(f"archived {others} of this name")
        return "; ".join(notes)


@dataclass(frozen=True)
class Summary:
    """The result of a registration.

    Args:
        project: the Prefect project's name.
        api: the API's name in messages.
        lines: one per flow, in the order of `prefect.yml`.
        applied: False when the plan was declined; then the lines describe what would have been done.
        next_step: how to see the flows, if they have no link.
    """

    project: str
    api: str
    lines: tuple[Line, ...]
    applied: bool = True
    next_step: str = ""

    def __str__(self) -> str:
        return "\n".join(self.text())

    def text(self) -> Iterator[str]:
        """The lines to print."""
        from tabulate import tabulate

        declined = "" if self.applied else " nothing was done; the plan was:"
        yield f"Prefect project '{self.project}' ({self.api}):{declined}"
        rows = [line.cells() for line in self.lines]
        table = tabulate(rows, tablefmt="plain", disable_numparse=True).splitlines()
        for line, row in zip(self.lines, table):
            yield f"  {row}".rstrip()
            if line.link and line.action not in NOT_LINKED:
                yield f"    {line.link}"
        orphans = [line.flow for line in self.lines if line.action == Kind.ORPHANED.value]
        if orphans:
            what = "the flow that is" if len(orphans) == 1 else f"the {len(orphans)} flows that are"
            yield f"  To archive {what} no longer in prefect.yml: {typed('kedro prefect register --prune')}"
        if self.next_step and any(line.action not in NOT_LINKED for line in self.lines):
            yield f"  {self.next_step}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "project": self.project,
            "api": self.api,
            "applied": self.applied,
            "flows": [
                {
                    "flow": line.flow,
                    "action": line.action,
                    "version": line.version,
                    "changes": [change.as_dict() for change in line.changes],
                    "link": line.link,
                    "schedule_paused": line.paused,
                }
                for line in self.lines
            ],
        }


def _first_changes(changes: Sequence[Change]) -> str:
    text = "; ".join(str(change) for change in changes[:MAX_CHANGES])
    more = len(changes) - MAX_CHANGES
    return text if more <= 0 else f"{text}; and {more} more"


def summarize(plan: Plan, outcomes: Sequence[Outcome] | None, link: Link, next_step: str = "") -> Summary:
    """Summarize the outcomes of a plan.

    Args:
        plan: the plan.
        outcomes: returned by `apply`; None when the plan was declined.
        link: maps a flow group's id and the tenant's slug to a URL, or to None.
        next_step: how to see the flows, if they have no link.
    """
    applied = outcomes is not None
    if outcomes is None:
        outcomes = [Outcome(action, action.registered) for action in plan.actions]
    lines = tuple(_line(outcome, plan, link) for outcome in outcomes)
    return Summary(plan.project, plan.api, lines, applied, next_step)


def _line(outcome: Outcome, plan: Plan, link: Link) -> Line:
    action, flow = outcome.action, outcome.registered
    followed_by = None if outcome.own_version is None or flow is None else flow.version
    return Line(
        flow=action.name,
        action="archived" if outcome.archived else action.kind.value,
        version=outcome.own_version or (None if flow is None else flow.version),
        changes=action.changes,
        link=None if flow is None else link(flow.group_id, plan.snapshot.tenant_slug),
        paused=_is_paused(action, outcome),
        repaired=action.kind is Kind.INCOMPLETE and flow is not None and not flow.is_incomplete,
        followed_by=followed_by,
        archived=len(action.duplicates),
    )


def _is_paused(action: Action, outcome: Outcome) -> bool:
    flow = outcome.registered
    has_schedule = flow is not None and (flow.has_schedule or flow.has_group_schedule)
    return flow is not None and has_schedule and not flow.schedule_active and action.kind is not Kind.ORPHANED
