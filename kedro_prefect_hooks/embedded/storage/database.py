"""The SQLite file: opens it, migrates its tables, and reads and writes it in transactions.

Several processes can have the same file open. It is in WAL mode, so readers never wait; a writing transaction
acquires the write lock when it begins (``BEGIN IMMEDIATE``) and waits its turn, so that none fails half way
with "database is locked". With ``synchronous=NORMAL`` a commit survives the death of any process; after a
power failure the file is intact, but the last commits may be missing. Knows nothing of GraphQL.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator

import sqlalchemy as sa

from kedro_prefect_hooks.embedded import location, ownership
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.storage import request_budget, sql_functions, tables
from kedro_prefect_hooks.embedded.storage.agent_signal import AgentSignal
from kedro_prefect_hooks.embedded.storage.observer import Observer
from kedro_prefect_hooks.embedded.storage.request_budget import Budget
from kedro_prefect_hooks.embedded.storage.values import new_id
from kedro_prefect_hooks.errors import KedroPrefectError

HEAD = "0001"
"""The latest revision in ``migrations/versions``: a file that has it is opened without importing alembic."""

_BUSY_SECONDS = 30
_LOOK_SECONDS = 0.5
"""How often a transaction that waits for another process looks at whether it must end."""

_INSTRUCTIONS = 20_000
"""Of SQLite's virtual machine, after which it is asked whether a statement must end."""


class Database:
    """One open database file; safe to use from several threads.

    Args:
        path: the file, created with its directory if missing; None for one that `close` removes.
        settings: the API's intervals and limits, and its clock.

    Attributes:
        agent_signal: moves when a transaction that concerns agents has been committed.
        opened: when it was opened, in microseconds.
        observer: tells whether anything has been committed, also by another process.

    Raises:
        KedroPrefectError: the file is no such database, or was created by a newer version of this package.
    """

    def __init__(self, path: Path | None, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._temporary = None if path else tempfile.TemporaryDirectory(prefix="kedro-prefect-")
        self.path = (
            Path(self._temporary.name, "api.sqlite") if self._temporary else Path(path or "").absolute()
        )
        self._write_lock = threading.Lock()
        self._interrupted = threading.Event()
        self.opened = self.now()
        _make_private(self.path)
        self._file = self.path.stat()
        self._engine = _engine(self.path, self._must_end)
        self.agent_signal = AgentSignal()
        self.observer = Observer(self.path)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE", agent_signal=self.agent_signal)
        try:
            self._migrate_if_needed()
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

    def problem(self) -> str | None:
        """Why the database cannot be read, or None."""
        try:
            if not os.path.samestat(self.path.stat(), self._file):
                return f"{self.path} has been replaced by another file. Restart the API."
            with self.read() as connection:
                connection.execute(sa.select(tables.tenant.c.id).limit(1)).first()
        except FileNotFoundError:
            return f"{self.path} has been removed. Restart the API."
        except (OSError, sa.exc.SQLAlchemyError) as error:
            return f"{self.path} cannot be read: {getattr(error, 'orig', None) or error}"
        return None

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees the database as of its first query, whatever is written meanwhile."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A write transaction, one at a time: committed at the end of the block, rolled back if it raises."""
        while not self._write_lock.acquire(timeout=_LOOK_SECONDS):
            budget = request_budget.current()
            if budget is not None:
                budget.check()
            elif self._interrupted.is_set():
                raise RuntimeError("The API is being stopped.")
        try:
            try:
                with self._writer.connect() as connection, connection.begin():
                    yield connection
            except BaseException:
                self.agent_signal.rolled_back()
                raise
            self.agent_signal.committed(self.now())
        finally:
            self._write_lock.release()

    def request(self, seconds: float) -> ContextManager[Budget]:
        """Answer a request in this thread, within a block: its statements end when its time is up."""
        return request_budget.active(Budget(seconds, self._interrupted.is_set))

    def interrupt(self) -> None:
        """End all statements, in every thread, and those to come: the API is being stopped."""
        self._interrupted.set()

    def _must_end(self) -> bool:
        budget = request_budget.current()
        return self._interrupted.is_set() if budget is None else budget.is_over()

    def close(self) -> None:
        self.observer.close()
        self._engine.dispose()
        if self._temporary:
            self._temporary.cleanup()

    def _migrate_if_needed(self) -> None:
        with self.read() as connection:
            if _revision(connection) == HEAD:
                return
        with self.write() as connection:
            # Another process may have migrated it while this one waited.
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
        # Only for a new or old file: importing alembic takes longer than opening the file.
        from alembic import command, util

        try:
            command.upgrade(alembic_config(connection), "head")
        except util.CommandError as error:
            raise KedroPrefectError(
                f"{self.path}: the database has revision {revision!r}, which this version of "
                "kedro-prefect-hooks does not know: it was created by a newer one. Upgrade "
                "kedro-prefect-hooks, or move the file to start with an empty one."
            ) from error


def alembic_config(connection: sa.Connection) -> Any:
    """An alembic configuration for our migrations, within the transaction of `connection`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def _make_private(path: Path) -> None:
    """Create the file, and its directory, for its owner only. SQLite's WAL files get the same mode.

    Files and links of other accounts are refused.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix in ("", "-wal", "-shm", "-journal"):
            ownership.check(path.with_name(path.name + suffix), within=path.parent)
        os.close(os.open(str(path), os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise KedroPrefectError(f"{path}: cannot be used as the embedded API's database: {error}") from error


def _engine(path: Path, must_end: Callable[[], bool]) -> sa.Engine:
    engine = sa.create_engine(
        sa.engine.URL.create("sqlite", database=str(path)),
        future=True,  # the only way in SQLAlchemy 2, and a way in 1.4
        connect_args={"check_same_thread": False, "timeout": _BUSY_SECONDS},
        poolclass=sa.pool.QueuePool,  # the default for files in SQLAlchemy 2 only
        pool_size=8,
        max_overflow=32,
        pool_timeout=_BUSY_SECONDS,
    )

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        sql_functions.register(connection)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA foreign_keys = ON")
        _to_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.set_progress_handler(must_end, _INSTRUCTIONS)

    def begin(connection: sa.Connection) -> None:
        statement = connection.get_execution_options().get("begin", "BEGIN")
        if statement == "BEGIN":
            connection.exec_driver_sql(statement)
        else:
            _wait_for_write_lock(connection, statement, must_end)

    sa.event.listen(engine, "connect", prepare)
    # When the driver itself begins a transaction is not when we do, and differs between versions.
    sa.event.listen(engine, "begin", begin)
    return engine


def _wait_for_write_lock(connection: sa.Connection, statement: str, must_end: Callable[[], bool]) -> None:
    """Begin a write transaction. SQLite's own wait for another process cannot be interrupted."""
    raw: Any = connection.connection.dbapi_connection
    raw.execute(f"PRAGMA busy_timeout = {int(_LOOK_SECONDS * 1000)}")
    try:
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                connection.exec_driver_sql(statement)
                return
            except sa.exc.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline or must_end():
                    raise
    finally:
        raw.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")


def _to_wal(connection: Any) -> None:
    # SQLite does not wait for locks here, and two processes may create the file at the same time.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def agent_signal(connection: sa.Connection) -> AgentSignal:
    """The signal to which the transaction of `connection` announces what concerns agents."""
    signal: AgentSignal = connection.get_execution_options()["agent_signal"]
    return signal


def _revision(connection: sa.Connection) -> str | None:
    exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    if connection.exec_driver_sql(exists).first() is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])
