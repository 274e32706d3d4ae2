"""`kedro prefect register`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.errors import KedroPrefectError

if TYPE_CHECKING:
    from kedro_prefect_hooks.registration.plan import Plan


@base.command(name="register", short_help="Register the flows of prefect.yml that are new or have changed.")
@base.env_option
@base.pipeline_option
@click.option("--flow", "names", multiple=True, metavar="NAME", help="Only this flow; may be repeated.")
@click.option("--force", "-f", is_flag=True, help="Register what has not changed too: a new version of each.")
@click.option("--prune", is_flag=True, help="Archive flows that this project registered and no longer has.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before archiving.")
def command(
    *, env: str | None, pipeline: str | None, names: tuple[str, ...], force: bool, prune: bool, yes: bool
) -> None:
    """Register the flows of prefect.yml that are new, have changed, or are incomplete.

    What has not changed costs one question to the API and makes no new version. A schedule that was paused in
    Prefect stays paused. `kedro prefect plan` shows beforehand what this does; `kedro run --env deploy` does
    the same with the hook.

    With --prune, flows that this plugin registered from this project and that prefect.yml no longer declares
    are listed and, after a question, archived: they can still be looked at, and run no more. Flows of others
    are never touched.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject, chosen
    from kedro_prefect_hooks.registration import register_project

    project = OpenProject(env)
    flows = project.flows()
    click.echo(f"Environment {project.env}:")
    summary = register_project(
        flows,
        only=chosen(flows, names, pipeline),
        prune=prune,
        force=force,
        confirm=_confirmed if prune and not yes else None,
    )
    done = [line.flow for line in summary.lines if line.action in ("new", "changed", "incomplete")]
    first = next((line.flow for line in summary.lines if line.action not in ("orphaned", "archived")), None)
    count = len(done)
    click.echo(f"Registered {count} flow{'' if count == 1 else 's'}." if done else "Nothing had changed.")
    if first is not None:
        shown = f"'{first}'" if " " in first else first
        click.echo(f"Next: kedro prefect run {shown} --watch{f' --env {env}' if env else ''}")


def _confirmed(plan: Plan) -> bool:
    """Lists what would be archived and asks; with nothing to archive there is nothing to ask."""
    if not plan.orphans:
        return True
    click.echo("No longer in prefect.yml, to be archived in Prefect:")
    for action in plan.orphans:
        version = "" if action.registered is None else f" (version {action.registered.version})"
        click.echo(f"  {action.name}{version}")
    if not sys.stdin.isatty():
        raise KedroPrefectError(
            "Nothing was done: there is no terminal to ask at. Say --yes to archive them."
        )
    if click.confirm("Archive them?"):
        return True
    click.echo("Nothing was done. Without --prune they are left as they are.")
    return False
