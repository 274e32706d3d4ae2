"""`kedro prefect …`: the part that Kedro's command line loads.

Kedro imports this module whatever the command, be it `kedro run` or `kedro --help`, so it imports click only;
the module of a command is imported when that command is used.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

COMMANDS = (
    *("init", "plan", "register", "run", "agent", "up"),
    *("flows", "runs", "logs", "cancel", "restart"),
    *("doctor", "db", "docker", "graph", "schema"),
)
"""In the order in which a newcomer needs them."""


class PrefectGroup(click.Group):
    """The group `prefect`; each command is in the module `<name>_command` of this package."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        from kedro_prefect_hooks import terminal

        terminal.make_streams_tolerant()  # before the help is printed
        return super().make_context(*arguments, **options)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}_command").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from kedro_prefect_hooks.errors import did_you_mean

            hint = did_you_mean(args[0], COMMANDS) if args else ""
            if hint and "Did you mean" not in error.message:  # click 8.2 and later add a suggestion
                raise click.UsageError(f"{error.message}{hint}", ctx) from None
            raise


@click.group(
    name="prefect",
    cls=PrefectGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="Kedro pipelines as Prefect 1 flows.",
)
def prefect() -> None:
    """Kedro pipelines as Prefect 1 flows.

    \b
    From a new project to a finished flow run:
      kedro prefect init --settings     write conf/base/prefect.yml, add the hook
      kedro prefect run FLOW --local    try a flow on this machine, without an API
      kedro prefect up                  start the embedded API and an agent
      kedro prefect register            in another terminal: register the flows
      kedro prefect run FLOW --watch    start a flow run and follow it

    The flows are declared in prefect.yml; `kedro run --env deploy` registers them too. Use --help with any
    command for details.

    Exit codes, unless the help of a command says more: 0 success, 1 error, 2 wrong usage.
    """


class _GlobalGroup(click.Group):
    """The same commands outside a project, so that they can print that there is none.

    Inside a project, Kedro lists `kedro.project_commands`, and this group would be a duplicate.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [] if ctx.find_root().obj is not None else super().list_commands(ctx)


commands = click.Group(name="kedro-prefect-hooks", commands={"prefect": prefect})
"""The entry point `kedro.project_commands`."""

outside = _GlobalGroup(name="kedro", commands={"prefect": prefect})
"""The entry point `kedro.global_commands`."""
