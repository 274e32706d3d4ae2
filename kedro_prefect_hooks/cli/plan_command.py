"""`kedro prefect plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import click

from kedro_prefect_hooks import garbage, terminal
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.flows.changes import Change
    from kedro_prefect_hooks.registration.plan import Action, Plan

NOTHING_TO_DO, SOMETHING_TO_DO = 0, 3


@base.command(name="plan", short_help="Show what register would do, and why. Changes nothing.")
@base.env_option
@base.pipeline_option
@base.flow_option
@base.json_option
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="Write to this file, without Kedro's line.",
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

    Each flow of prefect.yml is new, changed (with a list of the differences), unchanged, or incomplete (its
    last registration was interrupted). Flows that this project registered and no longer declares are
    orphaned.

    \b
    Exit codes:
      0  nothing to register
      1  error
      2  wrong usage
      3  there is something to register
    """
    with garbage.none_until_exit():
        from kedro_prefect_hooks.cli.opened_project import OpenProject, selected_flows
        from kedro_prefect_hooks.flows.project_notes import notes
        from kedro_prefect_hooks.registration import plan_project

        if as_json and output is None:
            terminal.send_logs_to_stderr()
        project = OpenProject(env)
        project.describe_environment(err=as_json)
        flows = project.flows()
        found = notes(flows)
        plan = plan_project(flows, only=selected_flows(flows, names, pipeline))
        for note in found:
            echo(f"Note: {note}", err=as_json)
        if as_json:
            content = {**plan.as_dict(), "environment": project.env, "notes": found}
            text = json.dumps(content, indent=2)
        else:
            text = "\n".join(_lines(plan))
        if output is None:
            echo(text)
        else:
            Path(output).write_text(text + "\n", encoding="utf-8")
            echo(f"Wrote {output}.")
        if not as_json:
            echo(_next_step(plan, env))
    ctx.exit(SOMETHING_TO_DO if plan.to_do else NOTHING_TO_DO)


def _lines(plan: Plan) -> Iterator[str]:
    """The table of flows, with the differences of each flow below it."""
    from kedro_prefect_hooks.cli.task_table import table

    yield f"Prefect project '{plan.project}' ({plan.api}):"
    yield ""
    rows = [(action.name, action.kind.value, _version(action)) for action in plan.actions]
    headers, *lines = table(["FLOW", "ACTION", "VERSION"], rows, ["left", "left", "left"])
    yield headers
    for line, action in zip(lines, plan.actions):
        yield line
        yield from _changes(action)
    yield ""


def _version(action: Action) -> str:
    registered = None if action.registered is None else action.registered.version
    kind = action.kind.value
    if kind == "new":
        return "none yet"
    return (
        f"{registered} → {registered + 1}"
        if kind == "changed" and registered is not None
        else str(registered)
    )


def _changes(action: Action) -> Iterator[str]:
    section = None
    for change in action.changes:
        heading = "" if change.section == section else change.section
        section = change.section
        yield f"      {heading:<12}  {_difference(change)}"


def _difference(change: Change) -> str:
    text = str(change)
    sign = "+" if text.endswith(" added") else "-" if text.endswith((" removed", " missing")) else "~"
    return f"{sign} {text}"


def _next_step(plan: Plan, env: str | None) -> str:
    flag = f" --env {env}" if env else ""
    register = typed(f"kedro prefect register{flag}")
    prune = typed(f"kedro prefect register{flag} --prune")
    orphans = f" To archive orphaned flows: {prune}." if plan.orphans else ""
    if not plan.to_do:
        return f"Nothing to register.{orphans}"
    return f"To register {base.counted(len(plan.to_do), 'flow')}: {register}.{orphans}"
