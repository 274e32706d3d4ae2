"""Finding flow runs and flows of one Prefect project. Reads only, and prints nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Collection, Mapping, Sequence

from kedro_prefect_hooks.api.flow_runs import FlowRuns
from kedro_prefect_hooks.api.task_times import parse_time
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError, did_you_mean

RUNS = """
query($where: flow_run_bool_exp!, $limit: Int!) {
    flow_run(where: $where, order_by: [{scheduled_start_time: desc}, {id: asc}], limit: $limit) {
        id
        name
        version
        state
        state_message
        labels
        scheduled_start_time
        start_time
        end_time
        flow { name version }
    }
}"""

FLOWS = """
query($project: uuid!, $now: timestamptz!) {
    flow(
        where: {project_id: {_eq: $project}, archived: {_eq: false}}
        order_by: [{name: asc}]
    ) {
        name
        version
        schedule
        is_schedule_active
        flow_runs(
            where: {state: {_eq: "Scheduled"}, scheduled_start_time: {_gte: $now}}
            order_by: [{scheduled_start_time: asc}]
            limit: 1
        ) { scheduled_start_time }
        flow_group {
            schedule
            flows {
                flow_runs(
                    where: {start_time: {_is_null: false}}
                    order_by: [{start_time: desc}]
                    limit: 1
                ) { state start_time }
            }
        }
    }
}"""

SHORTEST_ID = 4
"""Characters of an id that are enough to name a flow run, if no other begins with them."""

_MOST_NAMED = 20
"""Flow runs that a message about an ambiguous name lists."""


@dataclass(frozen=True)
class FoundRun:
    """A flow run, as it was when it was read.

    Attributes:
        id: its id.
        name: its name, which others may have too.
        version: of its state, which a change of the state must give.
        state: the state's name.
        message: the state's message.
        labels: its labels.
        due: when it should start.
        start: when it started, or None.
        end: when it finished, or None.
        flow: the flow's name.
        flow_version: the flow's version.
    """

    id: str
    name: str
    version: int
    state: str
    message: str
    labels: tuple[str, ...]
    due: datetime
    start: datetime | None
    end: datetime | None
    flow: str
    flow_version: int

    @property
    def seconds(self) -> float | None:
        """How long it has taken, so far if it has not finished; None if it has not started."""
        if self.start is None:
            return None
        return ((self.end or datetime.now(timezone.utc)) - self.start).total_seconds()


@dataclass(frozen=True)
class FoundFlow:
    """A registered flow: its schedule, when it runs next, and how its last run ended.

    Attributes:
        name: its name.
        version: its current version.
        schedule: the serialized schedule, or None.
        is_active: whether the schedule is on.
        next: when it runs next, or None.
        last: when the last run of any of its versions started, or None.
        last_state: that run's state.
    """

    name: str
    version: int
    schedule: Mapping[str, Any] | None
    is_active: bool
    next: datetime | None
    last: datetime | None
    last_state: str | None


def list_runs(
    runs: FlowRuns,
    *,
    flows: Collection[str] = (),
    states: Collection[str] = (),
    since: datetime | None = None,
    limit: int,
) -> list[FoundRun]:
    """The latest flow runs of the project.

    Args:
        runs: the flow runs of the Prefect project.
        flows: only those of these flows.
        states: only those in one of these states. Without any, runs that are not due yet are left out.
        since: only those that were due after this time.
        limit: how many at most.

    Raises:
        ApiError: the API is unreachable; the same applies to all functions.
    """
    conditions: list[dict[str, Any]] = []
    if flows:
        conditions.append({"flow": {"name": {"_in": sorted(flows)}}})
    if states:
        conditions.append({"state": {"_in": sorted(states)}})
    else:
        now = datetime.now(timezone.utc).isoformat()
        conditions.append(
            {"_or": [{"scheduled_start_time": {"_lte": now}}, {"start_time": {"_is_null": False}}]}
        )
    if since is not None:
        conditions.append({"scheduled_start_time": {"_gte": since.isoformat()}})
    return _read(runs, conditions, limit)


def newest_run(runs: FlowRuns) -> FoundRun:
    """The flow run that should have started last, of those that have.

    Raises:
        KedroPrefectError: none has started.
    """
    found = _read(runs, [{"start_time": {"_is_null": False}}], 1)
    if not found:
        raise KedroPrefectError(f"No flow run of Prefect project '{runs.project}' has started yet.")
    return found[0]


def find_run(runs: FlowRuns, text: str) -> FoundRun:
    """The flow run with an id, or with the only id that begins so, or with a name.

    Raises:
        KedroPrefectError: there is none, or there are several.
    """
    found = _read(runs, [{"name": {"_eq": text}}], _MOST_NAMED)
    bounds = _ids_that_begin_with(text)
    if not found and bounds:
        found = _read(runs, [{"id": {"_gte": bounds[0], "_lte": bounds[1]}}], _MOST_NAMED)
    if len(found) == 1:
        return found[0]
    if not found:
        recent = _read(runs, [], 100)
        raise KedroPrefectError(
            f"There is no flow run '{text}' in Prefect project '{runs.project}' ({runs.api.display_name})."
            f"{did_you_mean(text, [run.name for run in recent])} "
            "Expected its name, its id, or the beginning of its id: "
            f"`{typed('kedro prefect runs')}` lists them."
        )
    lines = [f"  {run.id}  {run.state}, of flow '{run.flow}'" for run in found]
    more = " or more" if len(found) == _MOST_NAMED else ""
    raise KedroPrefectError(
        "\n".join([f"'{text}' stands for {len(found)}{more} flow runs; give an id of these:", *lines])
    )


def _read(runs: FlowRuns, conditions: Sequence[Mapping[str, Any]], limit: int) -> list[FoundRun]:
    if runs.project_id is None:
        return []
    of_project = {"flow": {"project_id": {"_eq": runs.project_id}}}
    variables = {"where": {"_and": [of_project, *conditions]}, "limit": limit}
    return [_found_run(row) for row in runs.api.transport.graphql(RUNS, variables)["flow_run"]]


def _found_run(row: Mapping[str, Any]) -> FoundRun:
    return FoundRun(
        id=str(row["id"]),
        name=str(row["name"]),
        version=int(row["version"]),
        state=str(row["state"]),
        message=str(row["state_message"] or ""),
        labels=tuple(row["labels"] or ()),
        due=parse_time(row["scheduled_start_time"]),
        start=_time_or_none(row["start_time"]),
        end=_time_or_none(row["end_time"]),
        flow=str(row["flow"]["name"]),
        flow_version=int(row["flow"]["version"]),
    )


def _ids_that_begin_with(text: str) -> tuple[str, str] | None:
    """The first and the last id that begin so; None if none does."""
    digits = text.replace("-", "").lower()
    if not SHORTEST_ID <= len(digits) <= 32 or not re.fullmatch("[0-9a-f]+", digits):
        return None
    first, last = (
        "-".join(full[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        for full in (digits.ljust(32, "0"), digits.ljust(32, "f"))
    )
    return (first, last) if first.startswith(text.lower()) or len(digits) == 32 else None


def list_flows(runs: FlowRuns) -> list[FoundFlow]:
    """The registered flows of the project, by name."""
    if runs.project_id is None:
        return []
    variables = {"project": runs.project_id, "now": datetime.now(timezone.utc).isoformat()}
    return [_found_flow(row) for row in runs.api.transport.graphql(FLOWS, variables)["flow"]]


def _found_flow(row: Mapping[str, Any]) -> FoundFlow:
    group = row["flow_group"]
    started = [run for version in group["flows"] for run in version["flow_runs"]]
    last = max(started, key=lambda run: parse_time(run["start_time"]), default=None)
    return FoundFlow(
        name=str(row["name"]),
        version=int(row["version"]),
        schedule=group["schedule"] or row["schedule"],
        is_active=bool(row["is_schedule_active"]),
        next=_time_or_none(row["flow_runs"][0]["scheduled_start_time"]) if row["flow_runs"] else None,
        last=None if last is None else parse_time(last["start_time"]),
        last_state=None if last is None else str(last["state"]),
    )


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
