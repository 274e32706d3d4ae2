"""`kedro prefect register`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kedro_prefect_hooks import garbage
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.registration.plan import Plan


@base.command(name="register", short_help="Register the flows of prefect.yml that are new or have changed.")
@base.env_option
@base.pipeline_option
@base.flow_option
@click.option("--force", "-f", is_flag=True, help="Register unchanged flows too, each as a new version.")
@click.option(
    "--prune", is_flag=True, help="Archive flows that this project registered and no longer declares."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before archiving.")
def command(
    *, env: str | None, pipeline: str | None, names: tuple[str, ...], force: bool, prune: bool, yes: bool
) -> None:
    """Register the flows of prefect.yml that are new, changed or incomplete.

    Unchanged flows cost a single API request and do not get a new version. A schedule that was paused in
    Prefect stays paused. `kedro prefect plan` previews what this command does; with the hook,
    `kedro run --env deploy` does the same.

    With --prune, flows that this plugin registered from this project and that prefect.yml no longer declares
    are listed and, after confirmation, archived: they remain visible, but no longer run. Flows registered by
    anything else are never touched.
    """
    with garbage.none_until_exit():
        from kedro_prefect_hooks.cli.opened_project import OpenProject, selected_flows
        from kedro_prefect_hooks.flows.project_notes import notes
        from kedro_prefect_hooks.registration import register_project

        project = OpenProject(env)
        flows = project.flows()
        project.describe_environment(err=False)
        for note in notes(flows):
            echo(f"Note: {note}")
        summary = register_project(
            flows,
            only=selected_flows(flows, names, pipeline),
            prune=prune,
            force=force,
            confirm=_confirm_archiving if prune and not yes else None,
        )
        registered = [line.flow for line in summary.lines if line.action in ("new", "changed", "incomplete")]
        declared = [line.flow for line in summary.lines if line.action not in ("orphaned", "archived")]
        archived = [line.flow for line in summary.lines if line.action == "archived" or line.archived]
        done = [f"Registered {base.counted(len(registered), 'flow')}."] if registered else []
        done += [f"Archived flows named {', '.join(archived)}."] if archived else []
        echo(" ".join(done) or "Nothing has changed.")
        if declared:
            argument = f"'{declared[0]}'" if " " in declared[0] else declared[0]
            echo("Next: " + typed(f"kedro prefect run {argument} --watch{f' --env {env}' if env else ''}"))


def _confirm_archiving(plan: Plan) -> bool:
    """List the flows to archive and ask; without any, there is nothing to ask."""
    if not plan.orphans:
        return True
    echo("These flows are no longer in prefect.yml and will be archived in Prefect:")
    for action in plan.orphans:
        version = "" if action.registered is None else f" (version {action.registered.version})"
        echo(f"  {action.name}{version}")
    if not sys.stdin.isatty():
        raise KedroPrefectError(
            "Nothing was registered or archived: there is no terminal to ask for confirmation. "
            "Use --yes to archive without asking."
        )
    if click.confirm("Archive them?"):
        return True
    echo("Nothing was registered or archived. Without --prune, these flows are kept.")
    return False
