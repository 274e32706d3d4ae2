"""Errors in the API's answers: their kinds, their codes, and how they are written down.

Errors of queries carry the codes of the real server's query engine (Hasura); every error of a mutation is an
``INTERNAL_SERVER_ERROR``. Messages about documents and variables are graphql-core's own.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List

import sqlalchemy as sa
from graphql import GraphQLError

from kedro_prefect_hooks.embedded.storage.values import DataError

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
INTERNAL = "INTERNAL_SERVER_ERROR"


class QueryError(ValueError):
    """A query that is valid GraphQL but cannot be answered."""

    code = "validation-failed"

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class InvalidRequest(Exception):
    """The document or its variables are invalid, and nothing was executed.

    Args:
        errors: as the answer has them.
    """

    def __init__(self, errors: List[Dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


def invalid_request(code: str, errors: Iterable[GraphQLError]) -> InvalidRequest:
    """The exception for graphql-core's errors about a document or its variables."""
    return InvalidRequest(
        [{"locations": [], **error.formatted, "extensions": {"code": code}} for error in errors]
    )


def field_error(error: Exception, key: str, node: Any) -> Dict[str, Any]:
    """The error of one field of the answer, raised while the field was being answered."""
    message = _message_of(error)
    extensions: Dict[str, Any] = {"code": INTERNAL}
    if isinstance(error, DataError):
        extensions = {"path": "$", "code": "data-exception"}
    elif isinstance(error, QueryError):
        extensions = {"path": error.path, "code": error.code}
    extensions["exception"] = {"message": message}
    located = GraphQLError(message, node, path=[key], extensions=extensions)
    return {"message": message, **located.formatted}


def _message_of(error: Exception) -> str:
    """The real server's message for `error`: of its database's constraints, it names only the kind."""
    if isinstance(error, sa.exc.IntegrityError):
        original = str(error.orig)
        if original.startswith("UNIQUE"):
            return "Uniqueness violation."
        return "Foreign key violation." if original.startswith("FOREIGN KEY") else original
    if isinstance(error, sa.exc.DBAPIError):
        return str(error.orig)
    return str(error)
