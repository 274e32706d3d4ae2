"""Answers one GraphQL request: parses the document, answers its fields, reports its errors.

All fields of a query see the database at one moment. Each field of a mutation is committed before the next
one begins, in transactions of its own. Knows nothing of HTTP except the status that belongs to an answer.
"""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict, List, Mapping, NamedTuple

import sqlalchemy as sa
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
)

from kedro_prefect_hooks.embedded.graphql import document, reader, request_errors
from kedro_prefect_hooks.embedded.graphql.document import Field
from kedro_prefect_hooks.embedded.graphql.request_errors import InvalidRequest
from kedro_prefect_hooks.embedded.graphql.schema import schema
from kedro_prefect_hooks.embedded.operations import registry
from kedro_prefect_hooks.embedded.storage import request_budget, tables, values
from kedro_prefect_hooks.embedded.storage.database import Database

_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    status: int
    content: Dict[str, Any]


def execute(
    database: Database,
    text: str,
    variables: Dict[str, Any],
    operation_name: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to a GraphQL request; the names of its `headers` are in lower case.

    The status is 200 unless the document or the variables are invalid (400), as with the real server.
    """
    settings = database.settings
    try:
        parsed = document.parsed(text)
        operation = document.operation_of(parsed, operation_name)
        root = _root(operation)
        planner = document.Planner(parsed, document.coerced_variables(operation, variables))
        try:
            fields = planner.plan(root, operation.selection_set)
        except GraphQLError as error:
            raise request_errors.invalid_request(request_errors.INTERNAL, [error]) from None
        if any(field.name in ("__schema", "__type") for field in fields):
            with database.request(settings.query_seconds):
                return _introspect(parsed, variables, operation_name)
    except InvalidRequest as error:
        return Answer(400, {"errors": error.errors})
    request = registry.Request(database, headers or {})
    if operation.operation == OperationType.MUTATION:
        with database.request(settings.mutation_seconds):
            return _Execution(request, root.name, None).answer(fields)
    with database.request(settings.query_seconds), database.read() as connection:
        return _Execution(request, root.name, connection).answer(fields)


def _root(operation: OperationDefinitionNode) -> GraphQLObjectType:
    found = schema().mutation_type if operation.operation == OperationType.MUTATION else schema().query_type
    if operation.operation == OperationType.SUBSCRIPTION or found is None:
        error = GraphQLError("Schema is not configured for subscriptions.", operation)
        raise request_errors.invalid_request(request_errors.VALIDATION_FAILED, [error])
    return found


def _introspect(parsed: DocumentNode, variables: Dict[str, Any], operation_name: str | None) -> Answer:
    try:
        result = execute_sync(
            schema(),
            parsed,
            variable_values=variables,
            operation_name=operation_name,
            middleware=[_within_budget],
        )
    except _TooMuch as error:
        return Answer(200, {"errors": [{"message": str(error)}], "data": None})
    content: Dict[str, Any] = {"data": result.data}
    if result.errors:
        content["errors"] = [dict(error.formatted) for error in result.errors]
    return Answer(200, content)


class _TooMuch(BaseException):
    """Not an `Exception`, of which graphql-core would make an error of one field, and go on."""


_INTROSPECTED_CHARACTERS = 100
"""What one field of an introspection is taken for."""


def _within_budget(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
    try:
        request_budget.spend(_INTROSPECTED_CHARACTERS)
    except request_budget.OverBudget as error:
        raise _TooMuch(str(error)) from None
    return resolve(source, info, **arguments)


class _Execution:
    """One operation, against one connection (a query) or with transactions of its own (a mutation)."""

    def __init__(self, request: registry.Request, root: str, connection: sa.Connection | None) -> None:
        self.request = request
        self.root = root
        self.connection = connection

    def answer(self, fields: List[Field]) -> Answer:
        data: Dict[str, Any] | None = {}
        errors = []
        for field in fields:
            try:
                value = self._value(field)
            except Exception as caught:
                value = None
                error = _over_budget() or caught
                if not isinstance(error, (ValueError, sa.exc.IntegrityError)):
                    _log.error("The embedded API could not answer %s", field.name, exc_info=error)
                errors.append(request_errors.field_error(error, field.key, field.node))
            if data is not None:
                data[field.key] = value
            if value is None and isinstance(field.type, GraphQLNonNull):
                data = None
        return Answer(200, {"errors": errors, "data": data} if errors else {"data": data})

    def _value(self, field: Field) -> Any:
        request_budget.spend(len(field.key))
        if field.name == "__typename":
            return self.root
        if self.connection is None:
            operation = registry.MUTATIONS[field.name]
            result = operation.function(self.request, field.arguments["input"])
            return _selected(field.type, result, field.fields)
        if field.name in registry.QUERIES:
            result = registry.QUERIES[field.name].function(self.request, field.arguments)
            return _selected(field.type, result, field.fields)
        for suffix, read in (("_by_pk", reader.row), ("_aggregate", reader.aggregate)):
            table = field.name[: -len(suffix)]
            if field.name.endswith(suffix) and table in tables.RELATIONS:
                return read(self.connection, table, field)
        return reader.rows(self.connection, field.name, field)


def _over_budget() -> Exception | None:
    """Why the request must end. Within SQLite, the exception itself has been lost."""
    budget = request_budget.current()
    return request_budget.OverBudget(budget.problem) if budget is not None and budget.problem else None


def _selected(type_: Any, value: Any, fields: List[Field]) -> Any:
    """The part of an operation's result that `fields` select."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if value is None:
        return None
    if isinstance(type_, GraphQLList):
        return [_selected(type_.of_type, item, fields) for item in value]
    if isinstance(type_, GraphQLObjectType):
        return {
            field.key: type_.name
            if field.name == "__typename"
            else _selected(field.type, value.get(field.name), field.fields)
            for field in fields
        }
    return values.format_timestamp(value) if type_.name == "DateTime" else value
