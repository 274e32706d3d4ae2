"""`kedro prefect restart`."""

from __future__ import annotations

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.terminal import echo


@base.command(name="restart", short_help="Restart a flow run where it failed.")
@click.argument("run", metavar="RUN")
@base.env_option
@click.option("--watch", "-w", is_flag=True, help="Follow it, as `kedro prefect run --watch` does.")
@click.pass_context
def command(ctx: click.Context, *, run: str, env: str | None, watch: bool) -> None:
    """Restart a flow run that has failed or was cancelled, with the tasks that did not succeed.

    RUN is its name, its id, or the beginning of its id; `kedro prefect runs` lists them. The results of tasks
    that did succeed are used again. What a restart reads, and when it is refused, is described in the guide
    "Restart from failed".

    \b
    Exit codes:
      0  the flow run waits for an agent; with --watch: it ended in Success
      1  error, such as a flow run that has not finished; with --watch: it ended otherwise
      2  wrong usage
    """
    from kedro_prefect_hooks.cli.project_runs import next_step, project_runs, watch_until_finished

    with project_runs(env) as runs:
        from datetime import datetime, timezone

        from kedro_prefect_hooks.api.flow_run_watch import FlowRunWatch
        from kedro_prefect_hooks.api.run_restart import restart
        from kedro_prefect_hooks.api.run_search import find_run

        found = find_run(runs, run)
        if watch:
            runs.check_is_served()
        view = runs.view(found.id, datetime.now(timezone.utc))
        followed = FlowRunWatch(runs, view, found.id)
        if watch:
            followed.skip_earlier_events()
        count = restart(runs, found)
        tasks = base.counted(count, "task")
        echo(f"Restarted flow run '{found.name}' of '{found.flow}': {tasks} will run again.")
        if not watch:
            echo(next_step(runs, view))
            return
        ctx.exit(0 if watch_until_finished(followed) else 1)
