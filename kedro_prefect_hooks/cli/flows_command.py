"""`kedro prefect flows`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kedro_prefect_hooks import terminal
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.run_search import FoundFlow


@base.command(name="flows", short_help="List the registered flows, with their schedules and last runs.")
@base.env_option
@base.json_option
def command(*, env: str | None, as_json: bool) -> None:
    """List the flows that are registered in this project's Prefect project.

    `kedro prefect plan` compares them with prefect.yml.

    \b
    Exit codes:
      0  also if there are none
      1  error, such as an API that is unreachable
      2  wrong usage
    """
    if as_json:
        terminal.send_logs_to_stderr()
    from kedro_prefect_hooks.cli.project_runs import project_runs

    with project_runs(env) as runs:
        from kedro_prefect_hooks.api.run_search import list_flows

        found = list_flows(runs)
        where = f"Prefect project '{runs.project}' ({runs.api.display_name})"
    if as_json:
        echo(json.dumps([_as_dict(flow) for flow in found], indent=2))
        return
    if not found:
        echo(f"No flows in {where}.\nNext: {typed('kedro prefect register')}")
        return
    echo(f"{where}:")
    echo("")
    from kedro_prefect_hooks.cli.task_table import table

    headers = ["FLOW", "VERSION", "SCHEDULE", "NEXT RUN", "LAST RUN", "STATE"]
    for line in table(headers, [_row(flow) for flow in found], ["left", "right", *["left"] * 4]):
        echo(line)


def _row(flow: FoundFlow) -> list[str]:
    from kedro_prefect_hooks.cli.project_runs import local_time

    next_run, last_run = local_time(flow.next), local_time(flow.last)
    return [flow.name, str(flow.version), _schedule(flow), next_run, last_run, flow.last_state or "-"]


def _schedule(flow: FoundFlow) -> str:
    from kedro_prefect_hooks.schedule_text import in_words

    if flow.schedule is None:
        return "-"
    return in_words(flow.schedule) + ("" if flow.is_active else ", paused")


def _as_dict(flow: FoundFlow) -> dict[str, Any]:
    from kedro_prefect_hooks.cli.project_runs import json_time

    return {
        "name": flow.name,
        "version": flow.version,
        "schedule": None if flow.schedule is None else _schedule(flow),
        "schedule_is_active": flow.is_active,
        "next": json_time(flow.next),
        "last": json_time(flow.last),
        "last_state": flow.last_state,
    }
