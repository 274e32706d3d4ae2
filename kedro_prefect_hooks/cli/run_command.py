"""`kedro prefect run`."""

from __future__ import annotations

import json
from typing import Any, Iterable, Mapping

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.errors import KedroPrefectError, did_you_mean

NOT_SUCCESSFUL = 1


@base.command(name="run", short_help="Start a flow run and follow it, or run a flow here with --local.")
@click.argument("flow", metavar="FLOW")
@base.env_option
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A flow parameter, as in a.b=1; may be repeated.",
)
@click.option(
    "--label", "labels", multiple=True, metavar="LABEL", help="Instead of the flow's labels; may be repeated."
)
@click.option(
    "--name", "run_name", metavar="NAME", help="A name for the flow run; by default Prefect makes one up."
)
@click.option("--watch", "-w", is_flag=True, help="Follow states and log lines until the run has ended.")
@click.option("--local", is_flag=True, help="Run the flow here and now, without any API.")
@click.option("--verbose", "-v", is_flag=True, help="With --local: all log lines of Kedro and Prefect.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    flow: str,
    env: str | None,
    params: tuple[str, ...],
    labels: tuple[str, ...],
    run_name: str | None,
    watch: bool,
    local: bool,
    verbose: bool,
) -> None:
    """Start a run of FLOW, one of the flows in prefect.yml.

    The run is created in Prefect and an agent takes it (`kedro prefect up` or `kedro prefect agent`). With
    --watch its states and log lines are shown as they come; Ctrl-C then offers to cancel the run or to leave
    it running.

    With --local the flow runs here, with the executor that prefect.yml gives it, and with no API at all: a
    line for each task that ends, and a table of times.

    Values of --param are read as YAML: 1 is a number, "1" a text, [a, b] a list. Only parameters that the
    flow lists under `parameters:` in prefect.yml can be given.

    \b
    Exit codes:
      0  the flow run was created; with --watch or --local: it ended in Success
      1  otherwise
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject

    if local and (labels or run_name or watch):
        raise click.UsageError(
            "--local needs no API and no agent, so --label, --name and --watch have no place."
        )
    given = parsed(params)
    project = OpenProject(env)
    flows = project.flows()
    flows.check_declared([flow])
    check_parameters(given, flow, flows.config.flows[flow].parameters)
    if local:
        from kedro_prefect_hooks.cli.local_run import run_here

        succeeded = run_here(project, flows.build(flow), given, verbose=verbose)
    else:
        from kedro_prefect_hooks.cli.watched_run import Start, start_and_watch

        start = Start(flow, given, list(labels) or None, run_name)
        succeeded = start_and_watch(project, flows, start, watch=watch)
    ctx.exit(0 if succeeded else NOT_SUCCESSFUL)


def parsed(params: Iterable[str]) -> dict[str, Any]:
    """`--param` values by name, read as YAML.

    Raises:
        click.BadParameter: one is not NAME=VALUE, or its value is not one that JSON has.
    """
    import yaml

    values: dict[str, Any] = {}
    for param in params:
        name, equals, text = param.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(
                f"found '{param}', expected NAME=VALUE, such as model.depth=3", param_hint="--param"
            )
        try:
            value = yaml.safe_load(text) if text.strip() else ""
            values[name.strip()] = json.loads(json.dumps(value))
        except (yaml.YAMLError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise click.BadParameter(
                f"the value of '{name}' cannot be read: {reason}", param_hint="--param"
            ) from None
    return values


def check_parameters(given: Mapping[str, Any], flow: str, offered: Iterable[str]) -> None:
    """Raises KedroPrefectError when the flow does not offer a parameter."""
    known = list(offered)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known)
            has = f"It offers: {', '.join(known)}." if known else "It offers none."
            raise KedroPrefectError(
                f"Flow '{flow}' has no parameter '{name}'.{hint} {has} To offer it, list it under "
                f"`flows: {flow}: parameters:` in prefect.yml and register the flow again."
            )
