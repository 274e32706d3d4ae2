"""Answers one GraphQL request: reads the document, answers its fields, words its errors.

All fields of a query see the database at one moment; each field of a mutation is done for good before the
next begins, and has transactions of its own. Knows nothing of HTTP but the status that goes with an answer.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Mapping, NamedTuple

import sqlalchemy as sa
from graphql import (
    DocumentNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
)

from kedro_prefect_hooks.embedded.graphql import document, faults, reader
from kedro_prefect_hooks.embedded.graphql.document import Field
from kedro_prefect_hooks.embedded.graphql.faults import Refusal
from kedro_prefect_hooks.embedded.graphql.schema import schema
from kedro_prefect_hooks.embedded.operations import registry
from kedro_prefect_hooks.embedded.storage import tables, values
from kedro_prefect_hooks.embedded.storage.database import Database

_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    status: int
    content: Dict[str, Any]


def execute(
    database: Database,
    text: str,
    variables: Dict[str, Any],
    operation_name: str | None,
    headers: Mapping[str, str],
) -> Answer:
    """The answer to a GraphQL request.

    The status is 200 unless the document or the variables are not right (400), as the real server has it.
    """
    try:
        read = document.read(text)
        operation = document.operation_of(read, operation_name)
        root = _root(operation)
        fields = document.Planner(read, operation, variables).plan(root, operation.selection_set)
        if any(field.name in ("__schema", "__type") for field in fields):
            return _introspect(read, variables, operation_name)
    except Refusal as refusal:
        return Answer(400, {"errors": [_refused(m, at, refusal.code) for m, at in refusal.errors]})
    except faults.InputFault as error:
        return Answer(400, {"errors": [_refused(str(error), [], "INTERNAL_SERVER_ERROR")]})
    request = registry.Request(database, headers)
    if operation.operation == OperationType.MUTATION:
        answering = _Answering(request, root.name, None)
        return answering.all(fields)
    with database.read() as connection:
        return _Answering(request, root.name, connection).all(fields)


def _root(operation: OperationDefinitionNode) -> GraphQLObjectType:
    found = schema().mutation_type if operation.operation == OperationType.MUTATION else schema().query_type
    if operation.operation == OperationType.SUBSCRIPTION or found is None:
        message = "Schema is not configured for subscriptions."
        raise Refusal("GRAPHQL_VALIDATION_FAILED", [(message, faults.locations(operation))])
    return found


def _refused(message: str, places: List[Dict[str, int]], code: str) -> Dict[str, Any]:
    return {"message": message, "locations": places, "extensions": {"code": code}}


def _introspect(read: DocumentNode, variables: Dict[str, Any], operation_name: str | None) -> Answer:
    result = execute_sync(schema(), read, variable_values=variables, operation_name=operation_name)
    content: Dict[str, Any] = {"data": result.data}
    if result.errors:
        content["errors"] = [dict(error.formatted) for error in result.errors]
    return Answer(200, content)


class _Answering:
    def __init__(self, request: registry.Request, root: str, connection: sa.Connection | None) -> None:
        self.request = request
        self.root = root
        self.connection = connection

    def all(self, fields: List[Field]) -> Answer:
        data: Dict[str, Any] | None = {}
        errors = []
        for field in fields:
            try:
                value = self.one(field)
            except Exception as error:
                value = None
                errors.append(self._failed(field, error))
            if data is not None:
                data[field.key] = value
            if value is None and isinstance(field.type, GraphQLNonNull):
                data = None
        if errors:
            return Answer(200, {"errors": errors, "data": data})
        return Answer(200, {"data": data})

    def one(self, field: Field) -> Any:
        if field.name == "__typename":
            return self.root
        if self.connection is None:
            operation = registry.MUTATIONS[field.name]
            return _shape(
                field.type, operation.function(self.request, field.arguments["input"]), field.fields
            )
        if field.name in registry.QUERIES:
            answer = registry.QUERIES[field.name].function(self.request, field.arguments)
            return _shape(field.type, answer, field.fields)
        for suffix, read in (("_by_pk", reader.row), ("_aggregate", reader.aggregate)):
            table = field.name[: -len(suffix)]
            if field.name.endswith(suffix) and table in tables.RELATIONS:
                return read(self.connection, table, field)
        return reader.rows(self.connection, field.name, field)

    def _failed(self, field: Field, error: Exception) -> Dict[str, Any]:
        if not isinstance(error, (ValueError, sa.exc.IntegrityError)):
            _log.error("The embedded API could not answer %s", field.name, exc_info=error)
        message = faults.message_of(error)
        return {
            "message": message,
            "locations": faults.locations(field.node),
            "path": [field.key],
            "extensions": faults.extensions(error, message),
        }


def _shape(type_: Any, value: Any, fields: List[Field]) -> Any:
    """What an operation returned, as the fields ask for it."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if value is None:
        return None
    if isinstance(type_, GraphQLList):
        return [_shape(type_.of_type, item, fields) for item in value]
    if isinstance(type_, GraphQLObjectType):
        return {
            field.key: type_.name
            if field.name == "__typename"
            else _shape(field.type, value.get(field.name), field.fields)
            for field in fields
        }
    return values.format_timestamp(value) if type_.name == "DateTime" else value
