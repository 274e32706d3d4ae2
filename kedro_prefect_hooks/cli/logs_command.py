"""`kedro prefect logs`."""

from __future__ import annotations

import logging

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.terminal import echo

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

STATE = "STATE"


@base.command(name="logs", short_help="Print the states and log lines of a flow run.")
@click.argument("run", metavar="[RUN]", required=False)
@base.env_option
@click.option("--follow", "-f", is_flag=True, help="Go on until the flow run has finished.")
@click.option(
    "--level",
    type=click.Choice(LEVELS, case_sensitive=False),
    help="Only log lines of this level and above, and states.",
)
@click.pass_context
def command(ctx: click.Context, *, run: str | None, env: str | None, follow: bool, level: str | None) -> None:
    """Print the states and log lines of a flow run, in the order of their times.

    RUN is its name, its id, or the beginning of its id; `kedro prefect runs` lists them. Default: the latest
    flow run that has started.

    With --follow, new ones are printed as they arrive until the flow run has finished, and then a table of
    its tasks. Ctrl+C then offers to cancel the flow run or to let it run.

    \b
    Exit codes:
      0  with --follow: the flow run ended in Success
      1  error; with --follow: it ended otherwise, or is still running
      2  wrong usage
    """
    from kedro_prefect_hooks.cli.project_runs import event_line, project_runs, watch_until_finished

    lowest = logging.getLevelName(level.upper()) if level else 0
    with project_runs(env) as runs:
        from datetime import datetime, timezone

        from kedro_prefect_hooks import states
        from kedro_prefect_hooks.api.flow_run_watch import FlowRunWatch
        from kedro_prefect_hooks.api.flow_runs import Event
        from kedro_prefect_hooks.api.run_logs import events_so_far
        from kedro_prefect_hooks.api.run_search import find_run, newest_run

        def is_shown(event: Event) -> bool:
            known = logging.getLevelName(event.level)
            return event.level == STATE or not isinstance(known, int) or known >= lowest

        found = newest_run(runs) if run is None else find_run(runs, run)
        if run is None:
            echo(f"Flow run '{found.name}' of '{found.flow}' ({found.id}):", err=True)
        if follow and found.state not in states.FINISHED:
            runs.check_is_served()
        watch = FlowRunWatch(runs, runs.view(found.id, datetime.now(timezone.utc)), found.id)
        for event in events_so_far(runs, found.id):
            watch.skip(event)
            if is_shown(event):
                echo(event_line(event))
        if follow:
            ctx.exit(0 if watch_until_finished(watch, is_shown) else 1)
