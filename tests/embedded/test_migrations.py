"""Migrations update the database file, whose result does not depend on how old it was."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from kedro_prefect_hooks.embedded.storage import database, tables
from kedro_prefect_hooks.embedded.storage.database import Database, alembic_config
from kedro_prefect_hooks.errors import KedroPrefectError


def described(path: Path) -> Dict[str, Any]:
    """All tables, columns, keys and indexes of a file."""
    connection = sqlite3.connect(str(path))
    found: Dict[str, Any] = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        keys = connection.execute(f"PRAGMA foreign_key_list({table})").fetchall()
        indexes: List[Any] = []
        for row in connection.execute(f"PRAGMA index_list({table})").fetchall():
            parts = connection.execute(f"PRAGMA index_info('{row[1]}')").fetchall()
            name = "" if row[1].startswith("sqlite_") else row[1]
            indexes.append((name, row[2], [part[2] for part in parts]))
        # The first two of a foreign key are its number, which does not matter.
        named = {"columns": columns, "keys": sorted(str(key[2:]) for key in keys), "indexes": sorted(indexes)}
        found[table] = named
    connection.close()
    return found


def revisions(connection: Any) -> List[str]:
    script = ScriptDirectory.from_config(alembic_config(connection))
    return [revision.revision for revision in reversed(list(script.walk_revisions()))]


def test_a_new_file_matches_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "api.sqlite"
    opened = Database(path)
    with opened.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        assert revisions(connection)[-1] == database.HEAD
    with opened.write() as connection:
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
    opened.close()
    by_metadata = described(path)
    path.unlink()
    Database(path).close()
    assert described(path) == by_metadata


def test_a_file_of_any_older_revision_is_migrated_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = tmp_path / "fresh.sqlite"
    opened = Database(fresh)
    with opened.read() as connection:
        known = revisions(connection)
    opened.close()
    for revision in known:
        path = tmp_path / f"{revision}.sqlite"
        with monkeypatch.context() as patch:
            patch.setattr(database, "HEAD", revision)
            patch.setattr(command, "upgrade", functools.partial(_upgrade_to, command.upgrade, revision))
            Database(path).close()
        opened = Database(path)
        with opened.read() as connection:
            tenants = connection.execute(tables.tenant.select()).all()
        opened.close()
        assert len(tenants) == 1
        assert described(path) == described(fresh)


def _upgrade_to(upgrade: Callable[..., None], revision: str, config: Any, _: str) -> None:
    upgrade(config, revision)


def test_migrations_can_be_reverted(tmp_path: Path) -> None:
    opened = Database(tmp_path / "api.sqlite")
    with opened.write() as connection:
        command.downgrade(alembic_config(connection), "base")
    opened.close()
    assert set(described(tmp_path / "api.sqlite")) == {"alembic_version"}
    again = Database(tmp_path / "api.sqlite")
    again.close()
    assert set(tables.metadata.tables) < set(described(tmp_path / "api.sqlite"))


def test_an_interrupted_migration_leaves_the_file_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "api.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(database, "new_id", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Database(path)
    assert described(path) == {}
    Database(path).close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "api.sqlite"
    Database(path).close()
    connection = sqlite3.connect(str(path))
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(KedroPrefectError, match=r"has revision '9999'.*Upgrade kedro-prefect-hooks"):
        Database(path)
