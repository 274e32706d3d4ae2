"""What the API answers when it cannot do what was asked: kinds of error, and the words of the real server.

Errors of queries carry the codes that the real server's query engine (Hasura) gives; everything that goes
wrong in a mutation is an ``INTERNAL_SERVER_ERROR``. Words come in two dialects: graphql-core's, which change
between its versions, and those of the real server's front (graphql-js 14 under Apollo), which we speak.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Tuple

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.storage.values import DataError

DEEPEST = 7
"""How many levels a query may have below its first; the limit of the real server's front."""

DEPTH_EXCEEDED = f"exceeds maximum operation depth of {DEEPEST}"


class QueryFault(ValueError):
    """A query that passes GraphQL's own checks and cannot be answered all the same."""

    code = "validation-failed"

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class InputFault(ValueError):
    """A variable or argument whose value its type cannot hold."""


class Refusal(Exception):
    """The document or its variables are not right: nothing was done."""

    def __init__(self, code: str, errors: List[Tuple[str, List[Dict[str, int]]]]) -> None:
        super().__init__(errors[0][0])
        self.code = code
        self.errors = errors


def locations(node: Any) -> List[Dict[str, int]]:
    """Where in its document a node is, as errors tell it."""
    if node is None or node.loc is None:
        return []
    found = node.loc.source.get_location(node.loc.start)
    return [{"line": found.line, "column": found.column}]


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
    if message.endswith(DEPTH_EXCEEDED):
        return message
    message = re.sub(r"(?<![\w\"])'([^'\n]*)'(?!\w)", r'"\1"', message)
    for pattern, words in _REWORDED:
        message = pattern.sub(words, message)
    return message


# For some of them graphql-core has words of its own, 3.2 others than 3.3.
_REWORDED = [
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (
            r'^Unknown argument "(\w+)" on field "(\w+)\.(\w+)"',
            r'Unknown argument "\1" on field "\3" of type "\2"',
        ),
        (
            r'^Argument "\w+\.(\w+)\((\w+):\)" of type ("[^"]+") is required',
            r'Field "\1" argument "\2" of type \3 is required',
        ),
        (r'^Field "(\w+)" is not defined by type "(\w+)"', r'Field "\1" is not defined by type \2'),
        (
            r'^Expected value of type "(\w+)" not to include unknown field "(\w+)"'
            r"(?:\.( Did you mean [^?]*\?))?.*$",
            r'Field "\2" is not defined by type \1.\3',
        ),
        (r'^Field "(\w+\.\w+)" of required type "([^"]+)" was', r"Field \1 of required type \2 was"),
        (r'^Expected value of non-null type "([^"]+)" not to be None\.$', r"Expected type \1, found null."),
        (
            r'^Expected value of type "([^"]+)"(?: to be an object)?, found:? (.*)$',
            r"Expected type \1, found \2",
        ),
        (r'^Value "(\w+)" does not exist in "(\w+)" enum\.', r"Expected type \2, found \1."),
        (
            r"^((Int|Float|String|Boolean) cannot represent .* value: (.*))$",
            r"Expected type \2, found \3; \1",
        ),
    )
]

_SHOWN_ITEMS = 10
_SHOWN_DEPTH = 2


def inspect(value: Any, depth: int = 0) -> str:
    """`value` as graphql-js shows it in a message: ``{ name: "x", tags: ["a"] }``."""
    if not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False)
    if depth > _SHOWN_DEPTH:
        return "[Object]" if isinstance(value, dict) else "[Array]"
    if isinstance(value, list):
        shown = [inspect(item, depth + 1) for item in value[:_SHOWN_ITEMS]]
        left = len(value) - _SHOWN_ITEMS
        if left > 0:
            shown.append(f"... {left} more item{'s' if left > 1 else ''}")
        return "[" + ", ".join(shown) + "]"
    return "{ " + ", ".join(f"{k}: {inspect(v, depth + 1)}" for k, v in value.items()) + " }"
