"""The SQLite file: opening it, bringing its tables up to date, reading and writing it in transactions.

Several processes may have the same file open. It is in WAL mode, so readers never wait; a writer takes the
write lock at its beginning (``BEGIN IMMEDIATE``) and waits for its turn, so that no transaction fails half
way with "database is locked". With ``synchronous=NORMAL`` a commit survives the death of any process at any
moment; after a power cut the file is whole but may lack the last moments. Knows nothing of GraphQL.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import sqlalchemy as sa

from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.storage import sql_functions, tables
from kedro_prefect_hooks.embedded.storage.values import new_id
from kedro_prefect_hooks.errors import KedroPrefectError

HEAD = "0001"
"""The latest revision under ``migrations/versions``: a file that says so needs no look at alembic."""

_BUSY_SECONDS = 30


class Database:
    """One open database file; safe to use from several threads.

    Args:
        path: the file, made with its directory when absent; None for one that `close` removes.
        settings: the times the API acts by, and its clock.

    Raises:
        KedroPrefectError: the file is not such a database, or a newer version of this package made it.
    """

    def __init__(self, path: Path | None, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._temporary = None if path else tempfile.TemporaryDirectory(prefix="kedro-prefect-")
        self.path = (
            Path(self._temporary.name, "api.sqlite") if self._temporary else Path(path or "").absolute()
        )
        self._write_lock = threading.Lock()
        _make_private(self.path)
        self._engine = _engine(self.path)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        try:
            self._bring_up_to_date()
        except sa.exc.DatabaseError as error:
            self.close()
            raise KedroPrefectError(
                f"{self.path}: cannot be used as the embedded API's database: {error.orig}"
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def id(self) -> str:
        return location.database_id(self.path)

    def now(self) -> int:
        return self.settings.clock()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees the database as it is at its first query, whatever is written meanwhile."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that alone may write; committed at the end of the block, undone if it raises."""
        with self._write_lock, self._writer.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()
        if self._temporary:
            self._temporary.cleanup()

    def _bring_up_to_date(self) -> None:
        with self.read() as connection:
            if _revision(connection) == HEAD:
                return
        with self.write() as connection:
            # Another process may have done it while this one waited for its turn.
            revision = _revision(connection)
            if revision == HEAD:
                return
            self._migrate(connection, revision)
            now = self.now()
            if connection.execute(sa.select(tables.tenant.c.id)).first() is None:
                connection.execute(
                    tables.tenant.insert().values(
                        id=new_id(), created=now, updated=now, name="default", slug="default", settings={}
                    )
                )

    def _migrate(self, connection: sa.Connection, revision: str | None) -> None:
        # Only a new or old file needs alembic, whose import takes longer than opening the file.
        from alembic import command, util

        try:
            command.upgrade(alembic_config(connection), "head")
        except util.CommandError as error:
            raise KedroPrefectError(
                f"{self.path}: the database has revision {revision!r}, which this version of "
                "kedro-prefect-hooks does not know: a newer one made it. Upgrade kedro-prefect-hooks, or "
                "move the file away to begin with an empty one."
            ) from error


def alembic_config(connection: sa.Connection) -> Any:
    """An alembic configuration for our migrations that works within the transaction of `connection`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def _make_private(path: Path) -> None:
    """The file and a directory made for it are its owner's only; SQLite's own side files follow the file."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(str(path), os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise KedroPrefectError(f"{path}: cannot be used as the embedded API's database: {error}") from error


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS},
        pool_size=8,
        max_overflow=32,
        pool_timeout=_BUSY_SECONDS,
    )
    sa.event.listen(engine, "connect", _prepare)
    # The driver's own idea of when a transaction begins is neither ours nor the same in all versions.
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    sql_functions.register(connection)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")
    _to_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")


def _to_wal(connection: Any) -> None:
    # SQLite does not wait for others when it changes the journal mode, and two may make the file at once.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _revision(connection: sa.Connection) -> str | None:
    exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    if connection.exec_driver_sql(exists).first() is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])
