"""Gives a flow run the name that `run_name` in `prefect.yml` describes, when it starts."""

from __future__ import annotations

import prefect

from kedro_prefect_hooks.compat.prefect_client import PatientClient
from kedro_prefect_hooks.config.name_template import filled

NAMED = "kedro_run_is_named"
"""Where Prefect's context says that a flow run got its name from the person who started it."""


def name_this_run(template: str | None, flow_name: str) -> None:
    """Name the flow run that is starting, if there is an API and nobody has named it. Never fails."""
    context = prefect.context
    if template is None or not context.get("running_with_backend") or context.get(NAMED):
        return
    run_id = str(context.get("flow_run_id"))
    values = {
        "date": context.get("date"),
        "flow_name": flow_name,
        "flow_run_id": run_id,
        "parameters": dict(context.get("parameters") or {}),
        "scheduled_start_time": context.get("scheduled_start_time"),
    }
    try:
        name = filled(template, values)
        PatientClient.of_context().set_flow_run_name(run_id, name)
    except Exception as error:
        context.logger.warning("The flow run was not named by `run_name`: %s", error)
        return
    context["flow_run_name"] = name
