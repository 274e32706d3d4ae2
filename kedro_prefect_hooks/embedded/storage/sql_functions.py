"""Functions that PostgreSQL has and SQLite lacks, written in Python and registered with every connection.

`graphql.filters` uses them for the comparison operators of the real API. All return NULL for a NULL argument,
as in SQL. Knows nothing of tables.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Callable, Pattern

from kedro_prefect_hooks.embedded.storage import pattern_process, request_budget
from kedro_prefect_hooks.embedded.storage.values import DataError, new_id


def register(connection: Any) -> None:
    """Register the functions with a connection of ``sqlite3``."""
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, 2, _null_aware(function), deterministic=True)
    connection.create_function("new_id", 0, new_id)


def _null_aware(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], int | None]:
    def call(left: Any, right: Any) -> int | None:
        if left is None or right is None:
            return None
        try:
            return int(function(left, right))
        except (DataError, RecursionError) as error:
            # SQLite reports only that a function has failed.
            budget = request_budget.current()
            if budget is not None and budget.problem is None:
                budget.problem = str(error)
            raise

    return call


def _contains(outer: Any, inner: Any) -> bool:
    """jsonb ``@>``: `outer` has every key and every element of `inner`, at the same level."""
    request_budget.spend(8)
    if isinstance(inner, dict):
        return isinstance(outer, dict) and all(
            k in outer and _contains(outer[k], v) for k, v in inner.items()
        )
    if isinstance(inner, list):
        return isinstance(outer, list) and all(any(_contains(o, i) for o in outer) for i in inner)
    if isinstance(outer, list):
        return any(not isinstance(o, (list, dict)) and _same(o, inner) for o in outer)
    return _same(outer, inner)


def _same(left: Any, right: Any) -> bool:
    """Equality of JSON scalars: True equals 1 in Python, but not in JSON."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _has_key(document: str, key: str) -> bool:
    value = json.loads(document)
    if isinstance(value, list):
        return any(isinstance(item, str) and item == key for item in value)
    return key in value if isinstance(value, dict) else value == key


@lru_cache(maxsize=256)
def _like(pattern: str, ignores_case: bool) -> _Like:
    return _Like(pattern, re.IGNORECASE if ignores_case else 0)


class _Like:
    """A LIKE pattern: ``%``, ``_``, and ``\\`` to escape the next character.

    The parts between its ``%`` have fixed lengths, so it is enough to look for each behind the one before:
    as one regular expression, twelve ``%`` would take hours.
    """

    def __init__(self, pattern: str, flags: int) -> None:
        parts, characters = [""], iter(pattern)
        for character in characters:
            if character == "%":
                parts.append("")
            elif character == "\\":
                parts[-1] += re.escape(next(characters, "\\"))
            else:
                parts[-1] += "." if character == "_" else re.escape(character)
        self._flags = flags | re.DOTALL
        self._first, self._last = self._compiled(parts[0]), self._compiled(f"(?:{parts[-1]})\\Z")
        self._middle = [self._compiled(part) for part in parts[1:-1] if part]
        self._is_fixed = len(parts) == 1
        self._last_length = len(re.sub(r"\\(.)", r"\1", parts[-1], flags=re.DOTALL))

    def _compiled(self, part: str) -> Pattern[str]:
        return re.compile(part, self._flags)

    def matches(self, text: str) -> bool:
        if self._is_fixed:
            return self._first.fullmatch(text) is not None
        found = self._first.match(text)
        for part in self._middle:
            if found is None:
                return False
            found = part.search(text, found.end())
        end = len(text) - self._last_length
        return found is not None and end >= found.end() and self._last.match(text, end) is not None


@lru_cache(maxsize=256)
def _similar(pattern: str) -> str:
    """A SIMILAR TO pattern as a regular expression that must match the entire string."""
    out, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            out.append(re.escape(next(characters, "\\")))
        else:
            out.append({"%": ".*", "_": ".", ".": r"\.", "^": r"\^", "$": r"\$"}.get(character, character))
    return "".join(out)


_FUNCTIONS: dict[str, Callable[[Any, Any], bool]] = {
    "jsonb_contains": lambda outer, inner: _contains(json.loads(outer), json.loads(inner)),
    "jsonb_has_key": _has_key,
    "pg_like": lambda text, pattern: _like(pattern, False).matches(str(text)),
    "pg_ilike": lambda text, pattern: _like(pattern, True).matches(str(text)),
    "pg_similar": lambda text, pattern: pattern_process.matches(
        _similar(pattern), re.DOTALL, str(text), whole=True
    ),
    "pg_regex": lambda text, pattern: pattern_process.matches(pattern, 0, str(text), whole=False),
    "pg_iregex": lambda text, pattern: pattern_process.matches(
        pattern, re.IGNORECASE, str(text), whole=False
    ),
}
