"""`kedro prefect doctor`."""

from __future__ import annotations

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.terminal import echo


@base.command(name="doctor", short_help="Check versions, configuration, API and agents.")
@base.env_option
@click.pass_context
def command(ctx: click.Context, *, env: str | None) -> None:
    """Check what flow runs of this project depend on, and name common mistakes. Changes nothing.

    Each line begins with `ok`, with `note` (it may explain a surprise), or with `problem`. Checked are the
    versions of packages, other plugins, environment variables (their names only), the environment and the
    folders it reads, the hook, prefect.yml, the API, running agents and their labels, and what
    `kedro prefect register` would do. Include the output in bug reports.

    \b
    Exit codes:
      0  no problem
      1  a problem
      2  wrong usage
    """
    from kedro_prefect_hooks.cli.diagnosis import PROBLEM, findings

    problems = 0
    for finding in findings(env):
        problems += finding.kind == PROBLEM
        first, *rest = finding.text.splitlines() or [""]
        echo(f"{finding.kind:<7}  {first}")
        for line in rest:
            echo(f"{'':<7}  {line}")
    echo(base.counted(problems, "problem") + "." if problems else "No problems.")
    ctx.exit(1 if problems else 0)
