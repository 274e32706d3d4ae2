"""`kedro prefect init`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kedro_prefect_hooks.cli import base, settings_file
from kedro_prefect_hooks.errors import KedroPrefectError

REGISTERING = "deploy"
"""The environment whose runs register, in a first prefect.yml."""


@base.command(
    name="init", short_help="Write a commented prefect.yml, filled in with this project's pipelines."
)
@click.option("--env", "-e", default="base", metavar="ENV", help="The environment whose folder it goes to.")
@click.option("--settings", is_flag=True, help="Also add the hook to settings.py, and nothing else there.")
@click.option("--force", "-f", is_flag=True, help="Overwrite a prefect.yml that is there.")
def command(env: str, settings: bool, force: bool) -> None:
    """Write a commented prefect.yml, filled in with this project's pipelines.

    It goes to conf/ENV/prefect.yml, and its JSON Schema, for your editor, to conf/prefect.schema.json. Flows
    are registered on `kedro run --env deploy`; the folder conf/deploy is made when it is missing.

    The hook needs two lines in settings.py. They are shown; with --settings they are added, leaving the rest
    of the file as it is, byte for byte, and never twice.
    """
    from kedro_prefect_hooks.cli.opened_project import metadata
    from kedro_prefect_hooks.compat import kedro_project

    project = metadata()
    folder = Path(str(project.project_path))
    source = kedro_project.project_source(folder)
    target = source / env / "prefect.yml"
    if target.exists() and not force and not settings:
        raise KedroPrefectError(
            f"{_shown(target, folder)} is there already: edit it, or overwrite it with --force."
        )
    if target.exists() and not force:
        click.echo(f"{_shown(target, folder)} is there already, and left as it is.")
    else:
        _write_configuration(folder, source, target, str(project.package_name))
    _settings_py(Path(str(project.source_dir)) / project.package_name / "settings.py", folder, settings)
    click.echo(
        "Next: look at the flows in prefect.yml, then try one with `kedro prefect run FLOW --local`, or "
        "start the API with `kedro prefect up` and register them with `kedro prefect register`."
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
    click.echo(f"Wrote {_shown(target, folder)}, and its schema for editors, {_shown(schema, folder)}.")
    registering = source / REGISTERING
    if not registering.is_dir():
        registering.mkdir(parents=True)
        (registering / ".gitkeep").touch()
        click.echo(f"Made {_shown(registering, folder)}/, the environment whose runs register.")


def _settings_py(path: Path, folder: Path, edit: bool) -> None:
    shown = _shown(path, folder)
    before = path.read_bytes() if path.is_file() else b""
    try:
        after = settings_file.with_hook(before)
    except (settings_file.CannotEdit, SyntaxError) as error:
        if edit:
            raise KedroPrefectError(
                f"{shown} was left alone: {error}\n"
                f"Add PrefectHooks() to HOOKS there by hand, with the import:\n  {settings_file.IMPORT}"
            ) from None
        after = None
    if after == before:
        click.echo(f"{shown} has the hook already.")
    elif edit and after is not None:
        path.write_bytes(after)
        click.echo(f"Added the hook to {shown}.")
    else:
        lines = "\n".join(f"    {line}".rstrip() for line in settings_file.LINES.splitlines())
        click.echo(f"To register on `kedro run --env {REGISTERING}`, add to {shown} (or say --settings):")
        click.echo(f"\n{lines}\n")


def _shown(path: Path, folder: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return str(path)
