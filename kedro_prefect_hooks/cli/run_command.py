"""`kedro prefect run`."""

from __future__ import annotations

from typing import Any, Collection, Iterable

import click

from kedro_prefect_hooks import garbage
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.errors import KedroPrefectError, did_you_mean

NOT_SUCCESSFUL = 1


@base.command(name="run", short_help="Start a flow run and follow it, or run a flow locally with --local.")
@click.argument("flow", metavar="FLOW")
@base.env_option
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A flow parameter, such as a.b=1. Can be repeated.",
)
@click.option(
    "--load-versions",
    metavar="DATASET:VERSION,…",
    help="Versions of datasets to load, as in `kedro run --load-versions`.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="A label that replaces the flow's labels. Can be repeated.",
)
@click.option(
    "--name", "run_name", metavar="NAME", help="The flow run's name. Default: a name that Prefect generates."
)
@click.option(
    "--watch", "-w", is_flag=True, help="Print states and log lines until the flow run has finished."
)
@click.option("--local", is_flag=True, help="Run the flow in this process, without an API.")
@click.option("--verbose", "-v", is_flag=True, help="With --local: print all log lines of Kedro and Prefect.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    flow: str,
    env: str | None,
    params: tuple[str, ...],
    load_versions: str | None,
    labels: tuple[str, ...],
    run_name: str | None,
    watch: bool,
    local: bool,
    verbose: bool,
) -> None:
    """Start a flow run of FLOW, one of the flows in prefect.yml.

    The flow run is created in Prefect, and an agent runs it (`kedro prefect up` or `kedro prefect agent`).
    With --watch, its states and log lines are printed as they arrive. Ctrl+C then offers to cancel the flow
    run or to let it run.

    With --local, the flow runs in this process, with the executor that is set in prefect.yml and without an
    API. One line is printed for each task that finishes, and at the end a table of all tasks.

    The values of --param are parsed as by `kedro run --params`: 1 and 1e-3 are numbers, 2026-01-31 is a
    string, [a, b] a list. Only the parameters that the flow lists under `parameters:` in prefect.yml are
    accepted.

    \b
    Exit codes:
      0  the flow run was created; with --watch or --local: it ended in Success
      1  otherwise; with --local, the code of a node that called sys.exit
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject

    if local and (labels or run_name or watch):
        raise click.UsageError("--label, --name and --watch need an API, which --local does not use.")
    parameters = parse_parameters(params)
    versions = parse_load_versions(load_versions or "")
    with garbage.none_until_exit():  # what is left at the end was there before the flow run
        project = OpenProject(env)
        project.describe_environment()
        flows = project.flows()
    flows.check_declared([flow])
    check_parameters(parameters, flow, flows.config.flows[flow].parameters)
    if local:
        from kedro_prefect_hooks.cli.run_local import run_local

        ctx.exit(run_local(project, flows.build(flow), parameters, versions, verbose=verbose))
    else:
        from kedro_prefect_hooks.cli.run_remote import FlowRunOptions, run_remote

        options = FlowRunOptions(flow, parameters, versions, list(labels) or None, run_name)
        succeeded = run_remote(flows, options, watch=watch)
    ctx.exit(0 if succeeded else NOT_SUCCESSFUL)


def parse_parameters(params: Iterable[str]) -> dict[str, Any]:
    """The values of `--param` by name, parsed as Kedro parses those of `--params`.

    Raises:
        click.BadParameter: one is not NAME=VALUE, or its value cannot be represented in JSON.
    """
    from kedro_prefect_hooks.compat.kedro_params import parse_json_value

    values: dict[str, Any] = {}
    for param in params:
        name, equals, text = param.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(
                f"found '{param}', expected NAME=VALUE, such as model.depth=3", param_hint="--param"
            )
        try:
            values[name.strip()] = parse_json_value(text)
        except ValueError as error:
            raise click.BadParameter(
                f"the value of '{name}' cannot be parsed: {error}", param_hint="--param"
            ) from None
    return values


def parse_load_versions(text: str) -> dict[str, str]:
    """The versions of `--load-versions` by dataset.

    Raises:
        click.BadParameter: a part is not DATASET:VERSION.
    """
    versions = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        dataset, colon, version = part.partition(":")
        if not (dataset and colon and version):
            raise click.BadParameter(
                f"found '{part}', expected DATASET:VERSION, such as model:2026-01-31T06.00.00.000Z",
                param_hint="--load-versions",
            )
        versions[dataset] = version
    return versions


def check_parameters(parameters: Iterable[str], flow: str, accepted: Collection[str]) -> None:
    """Raise KedroPrefectError for a parameter that the flow does not accept."""
    for name in parameters:
        if name not in accepted:
            accepts = f"It accepts: {', '.join(accepted)}." if accepted else "It accepts none."
            raise KedroPrefectError(
                f"Flow '{flow}' has no parameter '{name}'.{did_you_mean(name, accepted)} {accepts} To add "
                f"it, list it under `flows: {flow}: parameters:` in prefect.yml and register the flow again."
            )
