"""`kedro prefect init`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kedro_prefect_hooks.cli import base, settings_file
from kedro_prefect_hooks.errors import KedroPrefectError

REGISTERING = "deploy"
"""The environment in which runs register the flows, in a first prefect.yml."""


@base.command(
    name="init", short_help="Write a commented prefect.yml, filled in with this project's pipelines."
)
@click.option("--env", "-e", default="base", metavar="ENV", help="The environment to write prefect.yml to.")
@click.option("--settings", is_flag=True, help="Add the hook to settings.py, and change nothing else there.")
@click.option("--force", "-f", is_flag=True, help="Overwrite an existing prefect.yml.")
def command(env: str, settings: bool, force: bool) -> None:
    """Write a commented prefect.yml, filled in with this project's pipelines.

    The file is conf/ENV/prefect.yml. Its JSON Schema, for your editor, is conf/prefect.schema.json. Flows are
    registered by `kedro run --env deploy`; the folder conf/deploy is created if it does not exist.

    The hook needs two lines in settings.py. Without --settings they are printed. With --settings they are
    added once, and the rest of the file stays the same, byte for byte.
    """
    from kedro_prefect_hooks.cli.opened_project import project_metadata
    from kedro_prefect_hooks.compat import kedro_project

    project = project_metadata()
    folder = Path(str(project.project_path))
    source = kedro_project.project_source(folder)
    target = source / env / "prefect.yml"
    if target.exists() and not force and not settings:
        raise KedroPrefectError(
            f"{_relative(target, folder)} already exists. Edit it, or overwrite it with --force."
        )
    if target.exists() and not force:
        click.echo(f"{_relative(target, folder)} already exists and was not changed.")
    else:
        _write_configuration(folder, source, target, str(project.package_name))
    _add_hook(Path(str(project.source_dir)) / project.package_name / "settings.py", folder, settings)
    click.echo(
        "Next: review the flows in prefect.yml, then run one with `kedro prefect run FLOW --local`, or start "
        "the API with `kedro prefect up` and register the flows with `kedro prefect register`."
    )


def _write_configuration(folder: Path, source: Path, target: Path, package: str) -> None:
    from kedro_prefect_hooks.cli.schema_command import FILE_NAME, schema_text
    from kedro_prefect_hooks.compat import kedro_project
    from kedro_prefect_hooks.config.template import first_prefect_yml

    schema = source / FILE_NAME
    text = first_prefect_yml(
        package,
        kedro_project.all_pipelines(),
        environment=REGISTERING,
        schema=Path(os.path.relpath(str(schema), str(target.parent))).as_posix(),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text(schema_text(), encoding="utf-8")
    target.write_text(text, encoding="utf-8")
    click.echo(f"Wrote {_relative(target, folder)} and its schema for editors, {_relative(schema, folder)}.")
    registering = source / REGISTERING
    if not registering.is_dir():
        registering.mkdir(parents=True)
        (registering / ".gitkeep").touch()
        click.echo(f"Created {_relative(registering, folder)}/, the environment that registers flows.")


def _add_hook(path: Path, folder: Path, edit: bool) -> None:
    """Add the hook to settings.py, or print the lines to add."""
    name = _relative(path, folder)
    before = path.read_bytes() if path.is_file() else b""
    try:
        after = settings_file.with_hook(before)
    except (settings_file.CannotEdit, SyntaxError) as error:
        if edit:
            raise KedroPrefectError(
                f"{name} was not changed: {error}\n"
                f"Add PrefectHooks() to HOOKS manually, with the import:\n  {settings_file.IMPORT}"
            ) from None
        after = None
    if after == before:
        click.echo(f"{name} already has the hook.")
    elif edit and after is not None:
        path.write_bytes(after)
        click.echo(f"Added the hook to {name}.")
    else:
        lines = "\n".join(f"    {line}".rstrip() for line in settings_file.LINES.splitlines())
        click.echo(
            f"To register flows with `kedro run --env {REGISTERING}`, add to {name} (or use --settings):"
        )
        click.echo(f"\n{lines}\n")


def _relative(path: Path, folder: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return str(path)
