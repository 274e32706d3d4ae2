"""Tells whether anything has been committed to a SQLite file, by any process. Knows nothing of tables."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path


class Observer:
    """One open file; safe to use from several threads.

    Args:
        path: the file, which exists. It is opened at the first call of `number`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def number(self) -> int:
        """A number that is another one after each commit. It says nothing about which commit came first."""
        with self._lock:
            if self._connection is None:
                self._connection = sqlite3.connect(str(self._path), timeout=30, check_same_thread=False)
            # SQLite changes it for the commits of other connections, and this one never writes.
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
