"""Values of variables and arguments, made what their GraphQL types want, or refused.

graphql-core can do this too; but how one calls it for that changes between the versions that Python 3.8 and
3.13 get, and its messages are not the real server's.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Tuple, Union

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    type_from_ast,
    value_from_ast_untyped,
)
from graphql.pyutils import did_you_mean, suggestion_list

from kedro_prefect_hooks.embedded.graphql import faults
from kedro_prefect_hooks.embedded.graphql.faults import InputFault, Refusal
from kedro_prefect_hooks.embedded.graphql.schema import schema
from kedro_prefect_hooks.embedded.storage import values

Path = Tuple[Union[str, int], ...]


class Invalid(NamedTuple):
    """Why a value is not of its type: where in the value, what is there, and the complaint."""

    path: Path
    value: Any
    message: str


def coerce_variables(operation: OperationDefinitionNode, given: Dict[str, Any]) -> Dict[str, Any]:
    """The operation's variables as their types want them. Raises Refusal in graphql-js 14's words."""
    found: Dict[str, Any] = {}
    errors: List[Tuple[str, List[Dict[str, int]]]] = []
    for node in operation.variable_definitions or ():
        name = node.variable.name.value
        type_ = type_from_ast(schema(), node.type)
        if name not in given:
            if node.default_value is not None:
                found[name] = value_from_ast_untyped(node.default_value)
            elif isinstance(type_, GraphQLNonNull):
                message = f'Variable "${name}" of required type "{type_}" was not provided.'
                errors.append((message, faults.locations(node)))
            continue
        if given[name] is None and isinstance(type_, GraphQLNonNull):
            errors.append(
                (f'Variable "${name}" of non-null type "{type_}" must not be null.', faults.locations(node))
            )
            continue
        invalid: List[Invalid] = []
        found[name] = _coerce(given[name], type_, (), invalid)
        for complaint in invalid:
            place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in complaint.path)
            at = f' at "{name}{place}"' if place else ""
            shown = faults.inspect(complaint.value)
            errors.append(
                (
                    f'Variable "${name}" got invalid value {shown}{at}; {complaint.message}',
                    faults.locations(node),
                )
            )
    if errors:
        raise Refusal("INTERNAL_SERVER_ERROR", errors)
    return found


def _coerce(value: Any, type_: Any, path: Path, invalid: List[Invalid]) -> Any:
    if value is None:
        if isinstance(type_, GraphQLNonNull):
            invalid.append(Invalid(path, value, f"Expected non-nullable type {type_} not to be null."))
        return None
    while isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if isinstance(type_, GraphQLList):
        if not isinstance(value, list):
            return [_coerce(value, type_.of_type, path, invalid)]
        return [_coerce(item, type_.of_type, (*path, i), invalid) for i, item in enumerate(value)]
    if isinstance(type_, GraphQLInputObjectType):
        return _coerce_object(value, type_, path, invalid)

    try:
        return _coerce_leaf(value, type_)
    except (GraphQLError, InputFault) as error:
        said = error.message if isinstance(error, GraphQLError) else str(error)
        invalid.append(Invalid(path, value, f"Expected type {type_.name}. {said}".strip()))
        return None


def _coerce_leaf(value: Any, type_: Any) -> Any:
    if isinstance(type_, GraphQLEnumType):
        if not isinstance(value, str) or value not in type_.values:
            raise InputFault(_nearest(value, type_.values))
        return value
    # The scalars of the specification judge for themselves; ours take whatever JSON holds.
    type_.parse_value(value)
    return _parsed(type_, value)


def _coerce_object(value: Any, type_: GraphQLInputObjectType, path: Path, invalid: List[Invalid]) -> Any:
    if not isinstance(value, dict):
        invalid.append(Invalid(path, value, f"Expected type {type_.name} to be an object."))
        return None
    found = {}
    for name, field in type_.fields.items():
        if name in value:
            found[name] = _coerce(value[name], field.type, (*path, name), invalid)
        elif isinstance(field.type, GraphQLNonNull):
            message = f"Field {name} of required type {field.type} was not provided."
            invalid.append(Invalid(path, value, message))
    for name in value:
        if name not in type_.fields:
            said = f'Field "{name}" is not defined by type {type_.name}. {_nearest(name, type_.fields)}'
            invalid.append(Invalid(path, value, said.strip()))
    return found


def _nearest(found: Any, known: Any) -> str:
    """``Did you mean …?``, or nothing."""
    return faults.of_document(did_you_mean(suggestion_list(str(found), list(known)))).strip()


def literal_leaf(value: Any, type_: Any, *, is_text: bool) -> Any:
    """A leaf value written in a document. Raises InputFault."""
    if isinstance(type_, GraphQLEnumType):
        return value
    if type_.name == "JSON" and is_text:
        # Written in a document, the real server takes JSON as a text that holds it.
        try:
            return json.loads(value)
        except ValueError as error:
            raise InputFault(str(error)) from None
    return _parsed(type_, value)


def _parsed(type_: Any, value: Any) -> Any:
    """A scalar as the operations take it: times as microseconds, uuids in their usual spelling."""
    try:
        if type_.name == "UUID":
            return values.parse_uuid(value)
        if type_.name == "DateTime":
            return values.parse_timestamp(value)
    except values.DataError:
        kind = "UUID" if type_.name == "UUID" else "string"
        raise InputFault(f"Could not parse {kind}: {value}") from None
    return value
