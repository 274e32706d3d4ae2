"""`kedro prefect cancel`."""

from __future__ import annotations

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.terminal import echo


@base.command(name="cancel", short_help="Cancel a flow run.")
@click.argument("run", metavar="RUN")
@base.env_option
def command(*, run: str, env: str | None) -> None:
    """Cancel a flow run that is running, or that waits to be run.

    RUN is its name, its id, or the beginning of its id; `kedro prefect runs` lists them. A flow run that is
    running notices within 15 seconds.

    \b
    Exit codes:
      0  cancellation was requested
      1  error, such as a flow run that has finished
      2  wrong usage
    """
    from kedro_prefect_hooks.cli.project_runs import project_runs

    with project_runs(env) as runs:
        from kedro_prefect_hooks import states
        from kedro_prefect_hooks.api.run_search import find_run

        found = find_run(runs, run)
        if found.state in states.FINISHED:
            raise KedroPrefectError(
                f"Flow run '{found.name}' ({found.id}) has ended in {found.state}: nothing is left to cancel."
            )
        state = runs.cancel(found.id)
    soon = "" if state in states.FINISHED else " and will stop within some seconds"
    echo(f"Requested cancellation; flow run '{found.name}' of '{found.flow}' is {state}{soon}.")
