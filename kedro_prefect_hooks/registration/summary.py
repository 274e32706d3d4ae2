"""What a registration came to, for a person and as data. Readable without colours and in a log file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

from kedro_prefect_hooks.api.client import Link
from kedro_prefect_hooks.registration.application import Outcome
from kedro_prefect_hooks.registration.differences import Change
from kedro_prefect_hooks.registration.plan import Action, Kind, Plan

SHOWN = 4
"""How many changes a line names before it only counts the rest."""

AS_IT_WAS = (Kind.UNCHANGED.value, Kind.ORPHANED.value)
"""Flows that nothing was done to: nobody is shown where to look at them."""


@dataclass(frozen=True)
class Line:
    """What became of one flow.

    Args:
        flow: its name.
        action: new, changed, unchanged, incomplete (then it has been repaired), orphaned, archived.
        version: its version now; None for an archived one.
        changes: what was different.
        link: its address in a browser, where there is a page that stays.
        paused: its schedule is off, because somebody paused it.
        repaired: it was incomplete, and is no more.
    """

    flow: str
    action: str
    version: int | None
    changes: tuple[Change, ...] = ()
    link: str | None = None
    paused: bool = False
    repaired: bool = False

    def __str__(self) -> str:
        return "  ".join(self.parts()).rstrip()

    def parts(self, width: int = 0) -> list[str]:
        """The pieces of the line; the flow's name is filled up to `width`."""
        version = "" if self.version is None else f"version {self.version}"
        return [f"{self.action:<10}", f"{self.flow:<{width}}", f"{version:<11}", self._notes()]

    def _notes(self) -> str:
        notes = [in_short(self.changes)] if self.changes else []
        notes += ["schedule paused in Prefect"] * self.paused
        if self.action == Kind.ORPHANED.value:
            notes.append("no longer in prefect.yml")
        if self.repaired:
            notes.append("repaired")
        return "; ".join(notes)


@dataclass(frozen=True)
class Summary:
    """What became of all flows.

    Args:
        project: the Prefect project's name.
        api: the API, as messages name it.
        lines: one a flow, in the order of `prefect.yml`.
        applied: False when the plan was declined: then the lines say what would have been done.
        next_step: what a person can do now to see the flows, when no link says so.
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
        declined = "" if self.applied else " nothing was done; what would be:"
        yield f"Prefect project '{self.project}' ({self.api}):{declined}"
        width = max((len(line.flow) for line in self.lines), default=0)
        for line in self.lines:
            yield "  " + "  ".join(line.parts(width)).rstrip()
            if line.link and line.action not in AS_IT_WAS:
                yield f"  {'':<10}  {line.link}"
        orphans = [line.flow for line in self.lines if line.action == Kind.ORPHANED.value]
        if orphans:
            what = "a flow" if len(orphans) == 1 else f"{len(orphans)} flows"
            yield f"  To archive {what} no longer in prefect.yml: kedro prefect register --prune"
        if self.next_step and any(line.action not in AS_IT_WAS for line in self.lines):
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


def in_short(changes: Sequence[Change]) -> str:
    """The first few changes on one line."""
    texts = [str(change) for change in changes]
    shown = "; ".join(texts[:SHOWN])
    return shown if len(texts) <= SHOWN else f"{shown}; and {len(texts) - SHOWN} more"


def summary(plan: Plan, outcomes: Sequence[Outcome] | None, link: Link, next_step: str = "") -> Summary:
    """What the outcomes of a plan come to.

    Args:
        plan: the plan.
        outcomes: of `apply`; None when the plan was declined.
        link: from a flow group's id and the tenant's slug to an address.
        next_step: what to do to see the flows, where there is no such address.
    """
    applied = outcomes is not None
    if outcomes is None:
        outcomes = [Outcome(action, action.registered) for action in plan.actions]
    lines = tuple(_line(outcome, plan, link) for outcome in outcomes)
    return Summary(plan.project, plan.api, lines, applied, next_step)


def _line(outcome: Outcome, plan: Plan, link: Link) -> Line:
    action, flow = outcome.action, outcome.registered
    return Line(
        flow=action.name,
        action="archived" if outcome.archived else action.kind.value,
        version=None if flow is None else flow.version,
        changes=action.changes,
        link=None if flow is None else link(flow.group_id, plan.snapshot.tenant_slug),
        paused=_is_paused(action, outcome),
        repaired=action.kind is Kind.INCOMPLETE and flow is not None and not flow.is_incomplete,
    )


def _is_paused(action: Action, outcome: Outcome) -> bool:
    flow = outcome.registered
    has_schedule = flow is not None and (flow.has_schedule or flow.has_group_schedule)
    return flow is not None and has_schedule and not flow.schedule_active and action.kind is not Kind.ORPHANED
