"""What the API answers when it cannot do what was asked: the kinds of error, and the words of the real server.

Errors of queries carry the codes that the real server's query engine (Hasura) gives; everything that goes
wrong in a mutation is an ``INTERNAL_SERVER_ERROR``. Words come in two dialects: graphql-core's, which change
between its versions, and those of the real server's front (graphql-js 14 under Apollo), which we speak.
"""

from __future__ import annotations

import json
import re
from typing import Any

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.values import DataError


class QueryFault(ValueError):
    """A query that passes GraphQL's own checks and cannot be answered all the same."""

    code = "validation-failed"

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class InputFault(ValueError):
    """A variable or argument whose value its type cannot hold."""


def extensions(error: Exception, message: str) -> dict[str, Any]:
    """The `extensions` of an error that came up while a field was answered."""
    if isinstance(error, DataError):
        return {"path": "$", "code": "data-exception", "exception": {"message": message}}
    if isinstance(error, QueryFault):
        return {"path": error.path, "code": error.code, "exception": {"message": message}}
    return {"code": "INTERNAL_SERVER_ERROR", "exception": {"message": message}}


def message_of(error: Exception) -> str:
    """What the real server says about `error`: of its database's constraints, only their kind."""
    if isinstance(error, sa.exc.IntegrityError):
        said = str(error.orig)
        if said.startswith("UNIQUE"):
            return "Uniqueness violation."
        return "Foreign key violation." if said.startswith("FOREIGN KEY") else said
    if isinstance(error, sa.exc.DBAPIError):
        return str(error.orig)
    return str(error)


def of_document(message: str) -> str:
    """graphql-core's message about a document, as graphql-js 14 words it."""
    if message.startswith("Syntax Error"):
        return message.rstrip(".")
    return re.sub(r"(?<![\w\"])'([^'\n]*)'(?!\w)", r'"\1"', message)


_SHOWN_ITEMS = 10
_SHOWN_DEPTH = 2


def inspect(value: Any, depth: int = 0) -> str:
    """`value` as graphql-js shows it in a message: ``{ name: "x", tags: ["a"] }``."""
    if isinstance(value, dict):
        if not value:
            return "{}"
        if depth > _SHOWN_DEPTH:
            return "[Object]"
        return "{ " + ", ".join(f"{k}: {inspect(v, depth + 1)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        if not value:
            return "[]"
        if depth > _SHOWN_DEPTH:
            return "[Array]"
        shown = [inspect(item, depth + 1) for item in value[:_SHOWN_ITEMS]]
        left = len(value) - _SHOWN_ITEMS
        if left > 0:
            shown.append(f"... {left} more item{'s' if left > 1 else ''}")
        return "[" + ", ".join(shown) + "]"
    return json.dumps(value, ensure_ascii=False)
