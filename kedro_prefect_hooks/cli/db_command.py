"""`kedro prefect db …`: the history that the embedded API keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.embedded.storage.database import Database


@click.group(
    name="db",
    short_help="Maintain the history of the embedded API.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Maintain the history of the embedded API, in .kedro_prefect/api.sqlite.

    All of it can be used while the API is running. Finished flow runs are deleted automatically once they are
    older than `retention` in prefect.yml, 90 days by default.
    """


@base.subcommand(command, name="info", short_help="Show the size and the content of the database.")
@base.package_option
def info() -> None:
    """Show the size and the content of the database."""
    from kedro_prefect_hooks.embedded.storage import maintenance, values

    database = _database()
    try:
        found = maintenance.info(database)
    finally:
        database.close()
    rows = found.rows
    oldest = "" if found.oldest is None else f", the oldest of {values.to_datetime(found.oldest):%Y-%m-%d}"
    echo(f"Database    {database.path}")
    echo(f"Size        {_bytes(found.size)}, of which {_bytes(found.free)} free")
    echo(f"Schema      {found.revision}")
    echo(f"Flows       {rows['flow']} versions")
    echo(f"Flow runs   {rows['flow_run']}, {found.finished} of them finished{oldest}")
    echo(f"Task runs   {rows['task_run']}")
    echo(f"States      {rows['flow_run_state'] + rows['task_run_state']}")
    echo(f"Log lines   {rows['log']}")
    echo(f"Artifacts   {rows['task_run_artifact']}")


@base.subcommand(command, name="clean", short_help="Delete old finished flow runs.")
@base.env_option
@click.option(
    "--older-than",
    metavar="DURATION",
    help="Delete the flow runs that finished longer ago, such as 30d. Default: `retention` in prefect.yml.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
def clean(env: str | None, older_than: str | None, dry_run: bool) -> None:
    """Delete old finished flow runs, with their task runs, states, logs and artifacts.

    Former versions of flows that have no runs left are deleted too. The space is used for new flow runs;
    `kedro prefect db vacuum` returns it to the disk.
    """
    from kedro_prefect_hooks.embedded.storage import history, values

    seconds = base.duration(older_than, "--older-than") if older_than is not None else _retention(env)
    database = _database()
    try:
        before = database.now() - int(seconds * values.SECOND)
        deleted = (history.old if dry_run else history.delete_old)(database, before)
    finally:
        database.close()
    verb = "Would delete" if dry_run else "Deleted"
    versions = base.counted(deleted.flow_versions, "former version")
    echo(f"{verb} {base.counted(deleted.flow_runs, 'flow run')} and {versions} of flows.")


@base.subcommand(command, name="backup", short_help="Copy the database to a file.")
@base.package_option
@click.argument("target", type=click.Path(dir_okay=False), metavar="FILE")
def backup(target: str) -> None:
    """Copy the database to a new FILE, as of this moment, and check the copy.

    To restore it, stop the API and put the file in the place of .kedro_prefect/api.sqlite.
    """
    from kedro_prefect_hooks.embedded.storage import maintenance

    path = Path(target)
    maintenance.backup(_path(), path)
    echo(f"Wrote {path} ({_bytes(path.stat().st_size)}).")


@base.subcommand(command, name="vacuum", short_help="Return free space to the disk.")
@base.package_option
def vacuum() -> None:
    """Rewrite the database file without its free space.

    Needs as much free space on the disk as the database has data. Requests that write wait until it is done.
    """
    from kedro_prefect_hooks.embedded.storage import maintenance

    path = _path()
    before = maintenance.size(path)
    maintenance.vacuum(path)
    echo(f"{_bytes(before)} before, {_bytes(maintenance.size(path))} now.")


@base.subcommand(command, name="check", short_help="Check the database for damage.")
@base.package_option
def check() -> None:
    """Check the database for damage; exit code 1 if there is any."""
    from kedro_prefect_hooks.embedded.storage import maintenance

    path = _path()
    problems = maintenance.check(path)
    if problems:
        raise KedroPrefectError("\n  ".join([f"{path} is damaged:", *problems]))
    echo(f"{path} is intact.")


def _path() -> Path:
    from kedro_prefect_hooks.cli.opened_project import project_metadata
    from kedro_prefect_hooks.embedded import location, packages

    project = project_metadata().project_path
    packages.require(packages.API)
    path = location.database_path(project)
    if not path.exists():
        raise KedroPrefectError(
            f"There is no database at {path} yet: `{typed('kedro prefect up')}` and "
            f"`{typed('kedro prefect register')}` create it."
        )
    return path


def _database() -> Database:
    path = _path()
    from kedro_prefect_hooks.embedded.storage.database import Database

    return Database(path)


def _retention(env: str | None) -> float:
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config import load_config

    project: Any = OpenProject(env)
    retention = load_config(project.context.config_loader, project_path=project.path).retention
    if retention is None:
        raise KedroPrefectError(
            "prefect.yml has `retention: null`: everything is kept. Say what to delete with --older-than."
        )
    return retention


def _bytes(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"
