"""`kedro prefect plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import click

from kedro_prefect_hooks.cli import base

if TYPE_CHECKING:
    from kedro_prefect_hooks.registration.differences import Change
    from kedro_prefect_hooks.registration.plan import Action, Plan

NOTHING_TO_DO, SOMETHING_TO_DO = 0, 2


@base.command(name="plan", short_help="Show what register would do, and why. Changes nothing.")
@base.env_option
@base.pipeline_option
@click.option("--flow", "names", multiple=True, metavar="NAME", help="Only this flow; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="Write to this file. With --json: Kedro's own log lines go to standard output too.",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    env: str | None,
    pipeline: str | None,
    names: tuple[str, ...],
    as_json: bool,
    output: str | None,
) -> None:
    """Show what `kedro prefect register` would do, and why, without changing anything.

    Each flow of prefect.yml is new, changed (then each difference is shown), unchanged, or incomplete (its
    last registration died half way). Flows that this project registered and no longer declares are orphaned.

    \b
    Exit codes:
      0  nothing to do
      1  something is wrong
      2  there is something to register
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject, chosen
    from kedro_prefect_hooks.registration import plan_project

    project = OpenProject(env)
    flows = project.flows()
    plan = plan_project(flows, only=chosen(flows, names, pipeline))
    text = json.dumps(plan.as_dict(), indent=2, ensure_ascii=False) if as_json else "\n".join(lines(plan))
    if output is None:
        click.echo(text)
    else:
        Path(output).write_text(text + "\n", encoding="utf-8")
        click.echo(f"Wrote {output}.")
    if not as_json:
        click.echo(_next_step(plan, env))
    ctx.exit(SOMETHING_TO_DO if plan.to_do else NOTHING_TO_DO)


def lines(plan: Plan) -> Iterator[str]:
    """The table of flows, and below each what is different."""
    yield f"Prefect project '{plan.project}' ({plan.api}):"
    yield ""
    width = max([4, *(len(action.name) for action in plan.actions)])
    yield f"  {'FLOW':<{width}}  {'ACTION':<10}  VERSION"
    for action in plan.actions:
        yield f"  {action.name:<{width}}  {action.kind.value:<10}  {_version(action)}"
        yield from _changes(action)
    yield ""


def _version(action: Action) -> str:
    now = None if action.registered is None else action.registered.version
    kind = action.kind.value
    if kind == "new":
        return "none yet"
    return f"{now} → {now + 1}" if kind == "changed" and now is not None else str(now)


def _changes(action: Action) -> Iterator[str]:
    section = None
    for change in action.changes:
        heading = "" if change.section == section else change.section
        section = change.section
        yield f"      {heading:<12}  {_difference(change)}"


def _difference(change: Change) -> str:
    what = str(change)
    sign = "+" if what.endswith(" added") else "-" if what.endswith((" removed", " missing")) else "~"
    return f"{sign} {what}"


def _next_step(plan: Plan, env: str | None) -> str:
    flag = f" --env {env}" if env else ""
    orphans = len(plan.orphans)
    pruned = f" To archive what is orphaned: kedro prefect register{flag} --prune." if orphans else ""
    if not plan.to_do:
        return f"Nothing to do.{pruned}"
    count = len(plan.to_do)
    return f"To register {count} flow{'' if count == 1 else 's'}: kedro prefect register{flag}.{pruned}"
