"""What all commands have in common: one message instead of a traceback, and the options they share."""

from __future__ import annotations

import os
import traceback
from typing import Any, Callable, TypeVar

import click

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.errors import KedroPrefectError

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command that ends with one message whatever goes wrong.

    An error that is not meant for a person (in the project's own code, say) is told by its class, its text
    and its place; with the environment variable KEDRO_PREFECT_TRACEBACK=1 it is raised as it is.
    """

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if os.environ.get(env_vars.TRACEBACK):
                raise
            raise KedroPrefectError(_in_short(error)) from error


def _in_short(error: Exception) -> str:
    text = str(error).strip() or "no further message"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"\n  in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {text}{place}\n  For the whole traceback set {env_vars.TRACEBACK}=1."


def command(**attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command of `kedro prefect`."""
    settings = {"help_option_names": ["-h", "--help"], "show_default": True}
    return click.command(cls=Command, context_settings=settings, **attributes)


def env_option(function: F) -> F:
    """`--env`."""
    return click.option(
        "--env",
        "-e",
        metavar="ENV",
        help="Kedro environment. Default: KEDRO_ENV, else the first of `register.environments` in "
        "prefect.yml, so that it is the one that `kedro run --env …` registers.",
    )(function)


def pipeline_option(function: F) -> F:
    """`--pipeline`."""
    return click.option(
        "--pipeline", "-p", metavar="NAME", help="Only the flows of this registered pipeline."
    )(function)
