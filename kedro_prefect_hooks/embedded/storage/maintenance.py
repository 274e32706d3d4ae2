"""The database file as a file: its size and content, a copy of it, its free space, its integrity.

All of it works while an API serves the file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import sqlalchemy as sa

from kedro_prefect_hooks import states
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.database import HEAD, Database
from kedro_prefect_hooks.errors import KedroPrefectError

_BUSY_SECONDS = 30


class Info(NamedTuple):
    """What a database holds.

    Attributes:
        size: of the file and its write-ahead log, in bytes.
        free: how much of the file is free, which `vacuum` returns to the disk.
        revision: of the schema.
        rows: the number of rows by table.
        finished: the number of flow runs that have finished.
        oldest: when the oldest flow run was created, in microseconds; None if there is none.
    """

    size: int
    free: int
    revision: str
    rows: Dict[str, int]
    finished: int
    oldest: Optional[int]


_COUNTED = ("flow", "flow_run", "task_run", "flow_run_state", "task_run_state", "log", "task_run_artifact")


def info(database: Database) -> Info:
    run = tables.flow_run
    with database.read() as connection:
        rows = {
            name: connection.execute(
                sa.select(sa.func.count()).select_from(tables.metadata.tables[name])
            ).scalar()
            or 0
            for name in _COUNTED
        }
        is_finished = run.c.state.in_(sorted(states.FINISHED))
        finished = connection.execute(sa.select(sa.func.count()).where(is_finished)).scalar() or 0
        oldest = connection.execute(sa.select(sa.func.min(run.c.created))).scalar()
        pages = connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0
        page_size = connection.exec_driver_sql("PRAGMA page_size").scalar() or 0
    return Info(size(database.path), pages * page_size, HEAD, rows, finished, oldest)


def size(path: Path) -> int:
    """The bytes of a database file and its write-ahead log."""
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def backup(source: Path, target: Path) -> None:
    """Copy a database, as of one moment, to a new file (mode 0600), and check the copy.

    Raises:
        KedroPrefectError: the file exists or cannot be written, or the copy is damaged.
    """
    try:
        os.close(os.open(str(target), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        raise KedroPrefectError(f"{target} exists already. Give another name, or remove it.") from None
    except OSError as error:
        raise KedroPrefectError(f"{target} cannot be written: {error}") from error
    try:
        with contextlib.closing(_open(source)) as original, contextlib.closing(_open(target)) as copy:
            original.backup(copy)
            # Without it, the copy would need a second file beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        problems = check(target)
    except (sqlite3.Error, OSError) as error:
        target.unlink()
        raise KedroPrefectError(f"{source} cannot be copied to {target}: {error}") from error
    if problems:
        target.unlink()
        raise KedroPrefectError(f"{source} is damaged, and was not copied: {problems[0]}")


def vacuum(path: Path) -> None:
    """Write the file anew without its free space. Needs as much space again meanwhile; others wait.

    Raises:
        KedroPrefectError: the disk is full, or others use the database for too long.
    """
    try:
        with contextlib.closing(_open(path)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise KedroPrefectError(f"{path} cannot be vacuumed: {error}") from error


def check(path: Path) -> List[str]:
    """What is wrong with a database file: nothing if it is intact."""
    try:
        with contextlib.closing(_open(path)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
            problems = [] if found == ["ok"] else found
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(20):
                problems.append(f"row {row} of {table} belongs to a row of {parent} that does not exist")
            return problems
    except sqlite3.Error as error:
        return [str(error)]


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(str(path), timeout=_BUSY_SECONDS, isolation_level=None)
