"""Flow groups: the settings that all versions of a flow share."""

from __future__ import annotations

from typing import Any, Dict

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.operations import due_times, scheduled_runs
from kedro_prefect_hooks.embedded.operations.registry import Input, Request, mutation
from kedro_prefect_hooks.embedded.storage import tables, values

_GROUP, _FLOW = tables.flow_group, tables.flow


def _update(request: Request, arguments: Input, **changes: Any) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(
            _GROUP.update()
            .where(_GROUP.c.id == arguments["flow_group_id"])
            .values(updated=request.database.now(), **changes)
        )
        if "schedule" in changes:
            # The runs of the old schedule; the scheduler creates those of the new one.
            of_group = sa.select(_FLOW.c.id).where(_FLOW.c.flow_group_id == arguments["flow_group_id"])
            scheduled_runs.delete_scheduled_runs(connection, tables.flow_run.c.flow_id.in_(of_group))
    return {"success": bool(result.rowcount)}


@mutation("success_payload", flow_group_id="UUID!", description="String")
def set_flow_group_description(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update(request, arguments, description=arguments.get("description"))


@mutation("success_payload", flow_group_id="UUID!", labels="[String!]")
def set_flow_group_labels(request: Request, arguments: Input) -> Dict[str, Any]:
    """Labels for the runs of all versions; null restores the flow's own."""
    labels = arguments.get("labels")
    return _update(request, arguments, labels=None if labels is None else sorted(set(labels)))


@mutation("success_payload", flow_group_id="UUID!", run_config="JSON")
def set_flow_group_run_config(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update(request, arguments, run_config=arguments.get("run_config"))


@mutation("success_payload", flow_group_id="UUID!", parameters="JSON!")
def set_flow_group_default_parameters(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update(request, arguments, default_parameters=arguments["parameters"])


@mutation(
    "success_payload",
    flow_group_id="UUID!",
    cron_clocks="[cron_clock_input!]",
    interval_clocks="[interval_clock_input!]",
    timezone="String",
)
def set_flow_group_schedule(request: Request, arguments: Input) -> Dict[str, Any]:
    """A schedule that overrides the flow's own; `timezone` is a name such as ``Europe/Paris``."""
    start = _start_date(request, arguments.get("timezone"))
    found = [{"type": "CronClock", **clock} for clock in arguments.get("cron_clocks") or []]
    for clock in arguments.get("interval_clocks") or []:
        # Prefect serializes intervals in microseconds.
        found.append({"type": "IntervalClock", **clock, "interval": clock["interval"] * values.SECOND})
    for clock in found:
        clock["start_date"] = start
        due_times.check_clock(clock)
    answer = _update(request, arguments, schedule={"type": "Schedule", "clocks": found})
    with request.database.read() as connection:
        of_group = sa.select(_FLOW.c.id).where(
            _FLOW.c.flow_group_id == arguments["flow_group_id"], _FLOW.c.is_schedule_active.is_(sa.true())
        )
        flow_ids = list(connection.execute(of_group).scalars())
    for error in scheduled_runs.schedule_runs(request.database, flow_ids).errors.values():
        raise error
    return answer


def _start_date(request: Request, timezone: str | None) -> Dict[str, str] | None:
    if not timezone:
        return None
    import pendulum

    now = pendulum.instance(values.to_datetime(request.database.now()))
    try:
        now = now.in_timezone(timezone)
    except Exception:
        # pendulum 2 and 3 raise unrelated exceptions.
        raise ValueError(f"Invalid timezone provided for schedule: {timezone}") from None
    return {"dt": now.naive().isoformat(), "tz": timezone}


@mutation("success_payload", flow_group_id="UUID!")
def delete_flow_group_schedule(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update(request, arguments, schedule=None)


@mutation("success_payload", flow_group_id="UUID!")
def delete_flow_group(request: Request, arguments: Input) -> Dict[str, Any]:
    with request.database.write() as connection:
        result = connection.execute(_GROUP.delete().where(_GROUP.c.id == arguments["flow_group_id"]))
    return {"success": bool(result.rowcount)}


@mutation("success_payload", flow_id="UUID!")
def enable_flow_heartbeat(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update_settings(request, arguments, disable_heartbeat=False, heartbeat_enabled=True)


@mutation("success_payload", flow_id="UUID!")
def disable_flow_heartbeat(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update_settings(request, arguments, disable_heartbeat=True, heartbeat_enabled=False)


@mutation("success_payload", flow_id="UUID!")
def enable_flow_lazarus_process(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update_settings(request, arguments, lazarus_enabled=True)


@mutation("success_payload", flow_id="UUID!")
def disable_flow_lazarus_process(request: Request, arguments: Input) -> Dict[str, Any]:
    return _update_settings(request, arguments, lazarus_enabled=False)


def _update_settings(request: Request, arguments: Input, **settings: bool) -> Dict[str, Any]:
    with request.database.write() as connection:
        group = connection.execute(
            sa.select(_GROUP.c.id, _GROUP.c.settings)
            .join_from(_GROUP, _FLOW, _FLOW.c.flow_group_id == _GROUP.c.id)
            .where(_FLOW.c.id == arguments["flow_id"])
        ).first()
        if group is None:
            raise ValueError("Invalid flow ID.")
        changed = _GROUP.update().where(_GROUP.c.id == group.id)
        connection.execute(
            changed.values(settings={**group.settings, **settings}, updated=request.database.now())
        )
    return {"success": True}
