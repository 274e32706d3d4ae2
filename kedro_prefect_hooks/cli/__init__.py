"""`kedro prefect …`: what Kedro's command line loads, and no more.

Kedro imports this module whenever it is called, be it for `kedro run` or `kedro --help`, so it imports click
alone; each command's module is imported when the command is.
"""

from __future__ import annotations

import importlib

import click

COMMANDS = ("init", "plan", "register", "run", "agent", "up", "graph", "schema")
"""In the order in which one needs them."""


class PrefectGroup(click.Group):
    """The group `prefect`; its commands are found in modules of this package, `<name>_command`."""

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
            if hint and "Did you mean" not in error.message:  # click 8.2 and later suggest one
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
    From nothing to a finished flow run:
      kedro prefect init --settings     write conf/base/prefect.yml, add the hook
      kedro prefect run FLOW --local    try a flow here, without any API
      kedro prefect up                  start the embedded API and an agent
      kedro prefect register            in another terminal: register the flows
      kedro prefect run FLOW --watch    start a flow run and follow it

    The flows are declared in prefect.yml; `kedro run --env deploy` registers them too. Each command
    explains itself with --help.
    """


class _OutsideOfProjects(click.Group):
    """The same commands where there is no project, so that they can say so themselves.

    In a project Kedro lists `kedro.project_commands`, and this would name the same group twice.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [] if ctx.find_root().obj is not None else super().list_commands(ctx)


commands = click.Group(name="kedro-prefect-hooks", commands={"prefect": prefect})
"""The entry point `kedro.project_commands`."""

outside = _OutsideOfProjects(name="kedro", commands={"prefect": prefect})
"""The entry point `kedro.global_commands`."""
