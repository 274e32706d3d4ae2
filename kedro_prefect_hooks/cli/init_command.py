"""`kedro prefect init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from kedro_prefect_hooks.cli import base, settings_file
from kedro_prefect_hooks.cli.docker_command import keep_state_out
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.terminal import echo

REGISTERING = "deploy"
"""The environment in which runs register the flows, in a first prefect.yml."""


@base.command(
    name="init", short_help="Write a commented prefect.yml, filled in with this project's pipelines."
)
@click.option(
    "--env",
    "-e",
    metavar="ENV",
    help="The environment to write prefect.yml to. Default: the project's base environment.",
)
@base.package_option
@base.conf_source_option
@click.option("--settings", is_flag=True, help="Add the hook to settings.py, and change nothing else there.")
@click.option("--force", "-f", is_flag=True, help="Overwrite an existing prefect.yml.")
def command(env: str | None, settings: bool, force: bool) -> None:
    """Write a commented prefect.yml, filled in with this project's pipelines.

    The file is conf/ENV/prefect.yml. Its JSON Schema, for your editor, is conf/prefect.schema.json. Flows are
    registered by `kedro run --env deploy`; the folder conf/deploy is created if it does not exist. Nothing is
    written beside an existing prefect*.yml, which Kedro would read together with it.

    The hook needs two lines in settings.py. Without --settings they are printed. With --settings they are
    added once, and the rest of the file stays the same, byte for byte. Settings that set HOOKS in another way
    than as a plain tuple or list are left alone.

    An existing .dockerignore gets the line that keeps .kedro_prefect out of images.

    With --package, only the configuration is written: an installed project's settings.py is part of its
    package.
    """
    from kedro_prefect_hooks.cli.opened_project import (
        PackagedProject,
        config_loader,
        given_conf_source,
        project_metadata,
    )
    from kedro_prefect_hooks.compat import kedro_config
    from kedro_prefect_hooks.config.reading import paths_in

    project = project_metadata()
    is_packaged = isinstance(project, PackagedProject)
    if is_packaged and settings:
        raise KedroPrefectError(
            "--settings needs the project's folder: an installed project's settings.py is part of its "
            "package. Add the hook there, before `kedro package`."
        )
    folder = Path(str(project.project_path))
    loader = config_loader(folder, given_conf_source())
    base_folder = kedro_config.configuration_folders(loader)[0]
    source = Path(kedro_config.configuration_source(loader))
    if source.is_file() or "://" in kedro_config.configuration_source(loader):
        raise KedroPrefectError(
            f"--conf-source: found {kedro_config.configuration_source(loader)}, expected a folder, in which "
            "prefect.yml can be written."
        )
    target = (base_folder if env is None else source / env) / "prefect.yml"
    existing = [path for path in paths_in(target.parent) if path != target]
    if existing:
        text = (
            f"{_relative(existing[0], folder)} already exists, and Kedro would read "
            f"{_relative(target, folder)} "
            "together with it"
        )
        if force or not settings:
            raise KedroPrefectError(f"{text}. Edit it, or delete or rename it first.")
        echo(f"{text}: nothing was written.")
    elif target.exists() and not force:
        if not settings:
            raise KedroPrefectError(
                f"{_relative(target, folder)} already exists. Edit it, or overwrite it with --force."
            )
        echo(f"{_relative(target, folder)} already exists and was not changed.")
    else:
        _write_configuration(
            folder, source, target, str(project.package_name), has_environments=base_folder != source
        )
    if is_packaged:
        _say_whether_runs_register(str(project.package_name))
    else:
        _add_hook(Path(str(project.source_dir)) / project.package_name / "settings.py", folder, settings)
    for line in keep_state_out(folder):
        echo(line)
    _say_what_is_read(loader, base_folder, source)
    echo(
        "Next: review the flows in prefect.yml, then run one with "
        f"`{typed('kedro prefect run FLOW --local')}`, or start the API with "
        f"`{typed('kedro prefect up')}` and register the flows with "
        f"`{typed('kedro prefect register')}`."
    )


def _say_whether_runs_register(package: str) -> None:
    if not any(_is_ours(hook) for hook in _hooks_in_use()):
        echo(
            f"{package} does not have the hook in its settings.py: only "
            f"`{typed('kedro prefect register')}` registers its flows."
        )


def _say_what_is_read(loader: Any, base: Path, source: Path) -> None:
    from kedro_prefect_hooks.config.reading import display_path

    default = getattr(loader, "default_run_env", "local") or ""
    if base == source or not default or default == REGISTERING:
        return
    registering = display_path(loader, source / REGISTERING)
    echo(
        f"Registered flows run in the environment {REGISTERING}: they read {display_path(loader, base)} and "
        f"{registering}, not {display_path(loader, source / default)}. What they need from it, such as "
        f"credentials, belongs in {registering}."
    )


def _write_configuration(
    folder: Path, source: Path, target: Path, package: str, *, has_environments: bool
) -> None:
    from kedro_prefect_hooks.cli.schema_command import FILE_NAME, schema_text
    from kedro_prefect_hooks.compat import kedro_project
    from kedro_prefect_hooks.config.template import first_prefect_yml

    schema = source / FILE_NAME
    if not has_environments:
        # Kedro reads all of a flat folder, and the schema's name is one of those it looks for.
        schema = folder / FILE_NAME
    text = first_prefect_yml(
        package,
        kedro_project.all_pipelines(),
        environment=REGISTERING,
        schema=Path(os.path.relpath(str(schema), str(target.parent))).as_posix(),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text(schema_text(), encoding="utf-8")
    target.write_text(text, encoding="utf-8")
    echo(f"Wrote {_relative(target, folder)} and its schema for editors, {_relative(schema, folder)}.")
    registering = source / REGISTERING
    if not has_environments:
        echo(
            f"This project has no environments: register its flows with `{typed('kedro prefect register')}`."
        )
    elif not registering.is_dir():
        registering.mkdir(parents=True)
        (registering / ".gitkeep").touch()
        echo(f"Created {_relative(registering, folder)}/, the environment that registers flows.")


def _add_hook(path: Path, folder: Path, edit: bool) -> None:
    """Add the hook to settings.py, or print the lines to add."""
    name = _relative(path, folder)
    before = path.read_bytes() if path.is_file() else b""
    in_use = _hooks_in_use()
    if any(_is_ours(hook) for hook in in_use):
        echo(f"{name} already has the hook.")
        return
    reason, after = "", None
    try:
        after = settings_file.with_hook(before)
        if in_use and not settings_file.sets_hooks(before):
            reason, after = "the project's HOOKS are set elsewhere.", None
    except (settings_file.CannotEdit, SyntaxError) as error:
        reason = str(error)
    if after == before:
        echo(f"{name} already has the hook.")
    elif edit and after is not None:
        path.write_bytes(after)
        echo(f"Added the hook to {name}.")
    else:
        given = settings_file.MORE_LINES if after is None else settings_file.LINES
        lines = "\n".join(f"    {line}".rstrip() for line in given.splitlines())
        if edit:
            raise KedroPrefectError(
                f"{name} was left alone and was not changed: {reason} Add to its end:\n\n{lines}\n"
            )
        where = f"the end of {name}" if after is None else f"{name} (or use --settings)"
        echo(f"To register flows with `{typed(f'kedro run --env {REGISTERING}')}`, add to {where}:")
        echo(f"\n{lines}\n")


def _hooks_in_use() -> tuple[Any, ...]:
    """The hooks of the project's settings, as Kedro has read them."""
    from kedro.framework.project import settings

    return tuple(settings.HOOKS)


def _is_ours(hook: Any) -> bool:
    from kedro_prefect_hooks.hooks import PrefectHooks

    return isinstance(hook, PrefectHooks)


def _relative(path: Path, folder: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return str(path)
