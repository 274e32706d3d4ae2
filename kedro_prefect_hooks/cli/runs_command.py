"""`kedro prefect runs`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from kedro_prefect_hooks import states as prefect_states
from kedro_prefect_hooks import terminal
from kedro_prefect_hooks.cli import base, durations
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import did_you_mean
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.run_search import FoundRun


@base.command(name="runs", short_help="List flow runs.")
@base.env_option
@base.flow_option
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="STATE",
    help="Only flow runs in this state, such as Failed or Scheduled. Can be repeated.",
)
@click.option("--since", metavar="DURATION", help="Only those that were due within this time, such as 2d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, help="How many at most.")
@base.json_option
def command(
    *,
    env: str | None,
    names: tuple[str, ...],
    states: tuple[str, ...],
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the flow runs of this project, the latest first.

    Flow runs that are not due yet are not listed; `--state Scheduled` lists those that wait, whenever they
    are due. The other commands accept a name, an id, or the beginning of an id.

    \b
    Exit codes:
      0  also if there are none
      1  error, such as an API that is unreachable
      2  wrong usage
    """
    wanted = {kind for state in states for kind in _kinds_of(state)}
    seconds = None if since is None else base.duration(since, "--since")
    if as_json:
        terminal.send_logs_to_stderr()
    from kedro_prefect_hooks.cli.project_runs import project_runs

    with project_runs(env) as runs:
        from kedro_prefect_hooks.api.run_search import list_runs

        after = None if seconds is None else datetime.now(timezone.utc) - timedelta(seconds=seconds)
        found = list_runs(runs, flows=names, states=wanted, since=after, limit=limit)
        where = f"Prefect project '{runs.project}' ({runs.api.display_name})"
    if as_json:
        echo(json.dumps([_as_dict(run) for run in found], indent=2))
        return
    if not found:
        echo(f"No flow runs{' of that kind' * bool(names or states or since)} in {where}.")
        return
    echo(f"{where}:")
    echo("")
    from kedro_prefect_hooks.cli.task_table import table

    rows = [_row(run) for run in found]
    headers = ["NAME", "FLOW", "STATE", "STARTED", "DURATION", "ID"]
    for line in table(headers, rows, ["left", "left", "left", "left", "right", "left"]):
        echo(line)
    echo("")
    if len(found) == limit:
        echo(f"Only the latest {limit}: use --limit, --flow, --state or --since for others.")
    logs, restart, cancel = (typed(f"kedro prefect {word} NAME") for word in ("logs", "restart", "cancel"))
    echo(f"Next: {logs}, {restart}, or {cancel}")


def _kinds_of(state: str) -> frozenset[str]:
    """A state and those that are of its kind: TimedOut is a kind of Failed."""
    names = [name for name in prefect_states.ALL if not name.startswith("_")]
    exact = next((name for name in names if name.casefold() == state.casefold()), None)
    if exact is None:
        raise click.BadParameter(
            f"found '{state}', expected one of Prefect's states.{did_you_mean(state, names)} "
            "Those of flow runs: Scheduled, Submitted, Running, Success, Failed, Cancelling, Cancelled.",
            param_hint="--state",
        )
    return prefect_states.kinds_of(exact)


def _row(run: FoundRun) -> list[str]:
    from kedro_prefect_hooks.cli.project_runs import local_time

    started = local_time(run.start) if run.start else f"due {local_time(run.due)}"
    return [run.name, run.flow, run.state, started, durations.in_words(run.seconds), run.id]


def _as_dict(run: FoundRun) -> dict[str, Any]:
    from kedro_prefect_hooks.cli.project_runs import json_time

    return {
        "id": run.id,
        "name": run.name,
        "flow": run.flow,
        "flow_version": run.flow_version,
        "state": run.state,
        "message": run.message,
        "labels": list(run.labels),
        "due": json_time(run.due),
        "started": json_time(run.start),
        "ended": json_time(run.end),
        "seconds": run.seconds,
    }
