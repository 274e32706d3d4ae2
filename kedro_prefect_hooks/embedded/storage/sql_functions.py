"""Functions that PostgreSQL has and SQLite lacks, written in Python and registered with every connection.

`graphql.filters` uses them for the comparison operators of the real API. All return NULL for a NULL argument,
as in SQL. Knows nothing of tables.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Callable, Pattern

from kedro_prefect_hooks.embedded.storage.values import new_id


def register(connection: Any) -> None:
    """Register the functions with a connection of ``sqlite3``."""
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, 2, _null_aware(function), deterministic=True)
    connection.create_function("new_id", 0, new_id)


def _null_aware(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], int | None]:
    def call(left: Any, right: Any) -> int | None:
        return None if left is None or right is None else int(function(left, right))

    return call


def _contains(outer: Any, inner: Any) -> bool:
    """jsonb ``@>``: `outer` has every key and every element of `inner`, at the same level."""
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
def _like(pattern: str, flags: int = 0) -> Pattern[str]:
    """A LIKE pattern as a regular expression: ``%``, ``_``, and ``\\`` to escape the next character."""
    out, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            out.append(re.escape(next(characters, "\\")))
        else:
            out.append({"%": ".*", "_": "."}.get(character, re.escape(character)))
    return re.compile("".join(out), flags | re.DOTALL)


@lru_cache(maxsize=256)
def _similar(pattern: str) -> Pattern[str]:
    """A SIMILAR TO pattern: LIKE's wildcards in a regular expression that must match the entire string."""
    out, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            out.append(re.escape(next(characters, "\\")))
        else:
            out.append({"%": ".*", "_": ".", ".": r"\.", "^": r"\^", "$": r"\$"}.get(character, character))
    return re.compile("".join(out), re.DOTALL)


@lru_cache(maxsize=256)
def _regex(pattern: str, flags: int = 0) -> Pattern[str]:
    return re.compile(pattern, flags)


_FUNCTIONS: dict[str, Callable[[Any, Any], bool]] = {
    "jsonb_contains": lambda outer, inner: _contains(json.loads(outer), json.loads(inner)),
    "jsonb_has_key": _has_key,
    "pg_like": lambda text, pattern: _like(pattern).fullmatch(str(text)) is not None,
    "pg_ilike": lambda text, pattern: _like(pattern, re.IGNORECASE).fullmatch(str(text)) is not None,
    "pg_similar": lambda text, pattern: _similar(pattern).fullmatch(str(text)) is not None,
    "pg_regex": lambda text, pattern: _regex(pattern).search(str(text)) is not None,
    "pg_iregex": lambda text, pattern: _regex(pattern, re.IGNORECASE).search(str(text)) is not None,
}
