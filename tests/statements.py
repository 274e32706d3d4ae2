"""Counts the SQL statements of the embedded API."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


class Statements:
    """The number of statements and of write transactions of this process within a `with` block."""

    def __init__(self) -> None:
        self.count = self.transactions = 0

    def _executed(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.count += 1
        self.transactions += statement == "BEGIN IMMEDIATE"

    def __enter__(self) -> Statements:
        sa.event.listen(sa.Engine, "before_cursor_execute", self._executed)
        return self

    def __exit__(self, *_: object) -> None:
        sa.event.remove(sa.Engine, "before_cursor_execute", self._executed)
