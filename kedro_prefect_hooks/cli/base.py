"""What all commands share: their options, and one message instead of a traceback."""

from __future__ import annotations

import os
import traceback
from typing import Any, Callable, TypeVar

import click

from kedro_prefect_hooks import env_vars, terminal
from kedro_prefect_hooks.errors import KedroPrefectError

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command that ends with one message, whatever goes wrong.

    An unexpected error, such as one in the project's own code, is reported with its class, message and
    location. With the environment variable KEDRO_PREFECT_TRACEBACK=1 it is raised instead.
    """

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        terminal.make_streams_tolerant()  # before the help is printed
        return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `| head` has read enough: click ends the command without a message
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if os.environ.get(env_vars.TRACEBACK):
                raise
            raise KedroPrefectError(_summary(error)) from error


def _summary(error: Exception) -> str:
    message = str(error).strip() or "no message"
    frames = traceback.extract_tb(error.__traceback__)
    location = f"\n  in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    return (
        f"{type(error).__name__}: {message}{location}\n  Set {env_vars.TRACEBACK}=1 for the full traceback."
    )


def command(**attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command of `kedro prefect`."""
    settings = {"help_option_names": ["-h", "--help"], "show_default": True}
    return click.command(cls=Command, context_settings=settings, **attributes)


def subcommand(group: click.Group, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command of a group of commands of `kedro prefect`."""

    def add(function: Callable[..., Any]) -> click.Command:
        made = command(**attributes)(function)
        group.add_command(made)
        return made

    return add


def env_option(function: F) -> F:
    """`--env`, and the options that say which project and configuration are meant."""
    return _env_option(package_option(conf_source_option(function)))


def package_option(function: F) -> F:
    """`--package`, for a project that is installed and has no folder."""
    return click.option(
        "--package",
        metavar="NAME",
        expose_value=False,
        callback=_noted,
        help="The Python package of an installed project (`kedro package`), where there is no project "
        "folder: `python -m kedro_prefect_hooks COMMAND --package NAME`.",
    )(function)


def conf_source_option(function: F) -> F:
    """`--conf-source`."""
    return click.option(
        "--conf-source",
        metavar="PATH",
        expose_value=False,
        callback=_noted,
        help="Configuration source, as in `kedro run --conf-source`. Default: the one in the project's "
        "settings.",
    )(function)


def _noted(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    """Keep an option for whoever opens the project, so that not every command has to pass it on."""
    if value is not None:
        ctx.meta[f"{__name__}.{option.name}"] = value


def noted_option(name: str) -> str | None:
    """An option of `env_option` that the current command was given, by the name of its parameter."""
    value: str | None = click.get_current_context().meta.get(f"{__name__}.{name}")
    return value


def _env_option(function: F) -> F:
    return click.option(
        "--env",
        "-e",
        metavar="ENV",
        help="Kedro environment. Default: KEDRO_ENV, or else the first of `register.environments` in "
        "prefect.yml, the environment in which `kedro run` registers flows.",
    )(function)


def json_option(function: F) -> F:
    """`--json`.

    Kedro reports its logging configuration on standard output when its first module is imported, before any
    plugin is: only another program than `kedro` can keep it off there.
    """
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print JSON, for programs. Kedro prints a line of its own before; with `python -m "
        "kedro_prefect_hooks` in place of `kedro prefect`, there is only JSON on standard output.",
    )(function)


def prepare_option(function: F) -> F:
    """`--prepare/--no-prepare`."""
    return click.option(
        "--prepare/--no-prepare",
        default=True,
        help="Keep one Python process ready (some 85 MB of memory), in which the next flow run starts in "
        "half the time. On by default.",
    )(function)


def pipeline_option(function: F) -> F:
    """`--pipeline`."""
    return click.option(
        "--pipeline", "-p", metavar="NAME", help="Only the flows of this registered pipeline."
    )(function)


def flow_option(function: F) -> F:
    """`--flow`, which can be repeated."""
    return click.option(
        "--flow", "names", multiple=True, metavar="NAME", help="Only this flow. Can be repeated."
    )(function)


def duration(text: str, option: str) -> float:
    """The seconds of an option such as ``30d`` or ``1h 30m``.

    Raises:
        click.BadParameter: it is no duration.
    """
    from kedro_prefect_hooks.config import fields

    try:
        return fields.seconds(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def counted(count: int, noun: str) -> str:
    """Such as ``1 flow`` or ``2 flows``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
