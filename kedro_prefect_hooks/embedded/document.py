"""GraphQL documents: from text to a plan of what to answer, with every variable and argument in its place.

Parsing and validation are graphql-core's. Coercion is ours, because graphql-core's changes between the
versions that Python 3.8 and 3.13 get, and because its messages are not the real server's. Knows nothing of
databases.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple, Union

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    parse,
    specified_rules,
    type_from_ast,
    validate,
    value_from_ast_untyped,
)
from graphql.pyutils import did_you_mean, suggestion_list

from kedro_prefect_hooks.embedded import faults, values
from kedro_prefect_hooks.embedded.depth import DepthLimit
from kedro_prefect_hooks.embedded.schema import schema

Path = Tuple[Union[str, int], ...]
_MISSING: Any = object()
_CACHED_LENGTH = 20_000


class Field(NamedTuple):
    """One field of the answer: its key there, its name in the schema, its arguments, and what to tell of it."""

    key: str
    name: str
    type: Any
    arguments: Dict[str, Any]
    fields: List[Field]
    node: FieldNode


class Refusal(Exception):
    """The document or its variables are not right: nothing was done."""

    def __init__(self, code: str, errors: List[Tuple[str, List[Dict[str, int]]]]) -> None:
        super().__init__(errors[0][0])
        self.code = code
        self.errors = errors


class Invalid(NamedTuple):
    """Why a value is not of its type: where in the value, what is there, and the complaint."""

    path: Path
    value: Any
    message: str


def locations(node: Any) -> List[Dict[str, int]]:
    if node is None or node.loc is None:
        return []
    line, column = _position(node)
    return [{"line": line, "column": column}]


def _position(node: Any) -> Tuple[int, int]:
    found = node.loc.source.get_location(node.loc.start)
    return found.line, found.column


def read(text: str) -> DocumentNode:
    """The parsed and validated document. Raises Refusal."""
    document, refusal = _read_cached(text) if len(text) <= _CACHED_LENGTH else _read(text)
    if refusal is not None:
        raise refusal
    return document


def _read(text: str) -> Tuple[Any, Refusal | None]:
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, Refusal("GRAPHQL_PARSE_FAILED", [_told(error)])
    except RecursionError:
        return None, Refusal("GRAPHQL_PARSE_FAILED", [("Syntax Error: Document is nested too deeply", [])])
    errors = validate(schema(), document, [*specified_rules, DepthLimit])
    if errors:
        return None, Refusal("GRAPHQL_VALIDATION_FAILED", [_told(error) for error in errors])
    return document, None


_read_cached = lru_cache(maxsize=512)(_read)


def _told(error: GraphQLError) -> Tuple[str, List[Dict[str, int]]]:
    found = [{"line": place.line, "column": place.column} for place in error.locations or []]
    return faults.of_document(error.message), found


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run. Raises Refusal when there is none, or several and no name."""
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        found = [node for node in found if node.name is not None and node.name.value == name]
        if not found:
            raise Refusal("INTERNAL_SERVER_ERROR", [(f'Unknown operation named "{name}".', [])])
    if len(found) != 1:
        message = "Must provide operation name if query contains multiple operations."
        raise Refusal("INTERNAL_SERVER_ERROR", [(message if found else "Must provide an operation.", [])])
    return found[0]


class Planner:
    """Turns an operation into the fields of its answer.

    Raises Refusal when a variable is not of its type.
    """

    def __init__(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Dict[str, Any]
    ) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._variables = coerce_variables(operation, variables)

    def plan(self, type_: GraphQLObjectType, *selections: SelectionSetNode | None) -> List[Field]:
        """The fields of `type_` that the selections ask for, equal keys merged."""
        nodes: Dict[str, List[FieldNode]] = {}
        for selection in selections:
            for node in self._flat(selection):
                nodes.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return [self._field(type_, key, found) for key, found in nodes.items()]

    def _field(self, parent: GraphQLObjectType, key: str, nodes: List[FieldNode]) -> Field:
        node = nodes[0]
        name = node.name.value
        if name.startswith("__"):
            return Field(key, name, None, {}, [], node)
        definition = parent.fields[name]
        named = bare(definition.type)
        fields = []
        if isinstance(named, GraphQLObjectType):
            fields = self.plan(named, *[each.selection_set for each in nodes])
        return Field(key, name, definition.type, self._arguments(definition.args, node), fields, node)

    def _flat(self, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
        """The field nodes of a selection, fragments replaced by what they hold, skipped ones left out."""
        for node in selection.selections if selection else ():
            if not self._wanted(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._flat(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield from self._flat(self._fragments[node.name.value].selection_set)

    def _wanted(self, node: Any) -> bool:
        for directive in node.directives or ():
            if directive.name.value in ("skip", "include"):
                condition = bool(self.untyped(directive.arguments[0].value))
                if condition == (directive.name.value == "skip"):
                    return False
        return True

    def untyped(self, node: ValueNode) -> Any:
        return value_from_ast_untyped(node, self._variables)

    def _arguments(self, definitions: Any, node: FieldNode) -> Dict[str, Any]:
        found = {}
        for argument in node.arguments or ():
            value = self._literal(argument.value, definitions[argument.name.value].type)
            if value is not _MISSING:
                found[argument.name.value] = value
        return found

    def _literal(self, node: ValueNode, type_: Any) -> Any:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value, _MISSING)
        if isinstance(node, NullValueNode):
            return None
        if isinstance(type_, GraphQLNonNull):
            return self._literal(node, type_.of_type)
        if isinstance(type_, GraphQLList):
            items = node.values if isinstance(node, ListValueNode) else [node]
            found = [self._literal(item, type_.of_type) for item in items]
            return [None if item is _MISSING else item for item in found]
        if isinstance(type_, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            pairs = {
                f.name.value: self._literal(f.value, type_.fields[f.name.value].type) for f in node.fields
            }
            return {name: value for name, value in pairs.items() if value is not _MISSING}
        value = self.untyped(node)
        if getattr(type_, "name", "") == "JSON" and isinstance(node, StringValueNode):
            # Written in a document, the real server takes JSON as a text that holds it.
            return _loaded(value)
        return value if isinstance(type_, GraphQLEnumType) else _parsed(type_, value, _raise)


def bare(type_: Any) -> Any:
    """The type without its lists and non-nulls."""
    while isinstance(type_, (GraphQLNonNull, GraphQLList)):
        type_ = type_.of_type
    return type_


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise faults.InputFault(str(error)) from None


def _raise(message: str) -> Any:
    raise faults.InputFault(message)


def _parsed(type_: Any, value: Any, complain: Callable[[str], Any]) -> Any:
    """A scalar's value as the operations take it: times as microseconds, uuids in their usual spelling."""
    try:
        if type_.name == "UUID":
            return values.parse_uuid(value)
        if type_.name == "DateTime":
            return values.parse_timestamp(value)
    except values.DataError:
        kind = "UUID" if type_.name == "UUID" else "string"
        return complain(f"Could not parse {kind}: {value}")
    return value


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
                errors.append((message, locations(node)))
            continue
        if given[name] is None and isinstance(type_, GraphQLNonNull):
            errors.append(
                (f'Variable "${name}" of non-null type "{type_}" must not be null.', locations(node))
            )
            continue
        invalid: List[Invalid] = []
        found[name] = _coerce(given[name], type_, (), invalid)
        for complaint in invalid:
            place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in complaint.path)
            at = f' at "{name}{place}"' if place else ""
            shown = faults.inspect(complaint.value)
            errors.append(
                (f'Variable "${name}" got invalid value {shown}{at}; {complaint.message}', locations(node))
            )
    if errors:
        raise Refusal("INTERNAL_SERVER_ERROR", errors)
    return found


def _coerce(value: Any, type_: Any, path: Path, invalid: List[Invalid]) -> Any:
    if isinstance(type_, GraphQLNonNull):
        if value is None:
            invalid.append(Invalid(path, value, f"Expected non-nullable type {type_} not to be null."))
            return None
        return _coerce(value, type_.of_type, path, invalid)
    if value is None:
        return None
    if isinstance(type_, GraphQLList):
        if isinstance(value, list):
            return [_coerce(item, type_.of_type, (*path, i), invalid) for i, item in enumerate(value)]
        return [_coerce(value, type_.of_type, path, invalid)]
    if isinstance(type_, GraphQLInputObjectType):
        return _coerce_object(value, type_, path, invalid)

    def complain(message: str) -> None:
        invalid.append(Invalid(path, value, f"Expected type {type_.name}. {message}".strip()))

    if isinstance(type_, GraphQLEnumType):
        if not isinstance(value, str) or value not in type_.values:
            complain(did_you_mean(suggestion_list(str(value), list(type_.values))).replace("'", '"').strip())
        return value
    try:
        # The scalars of the specification judge for themselves; ours take what JSON holds.
        type_.parse_value(value)
    except GraphQLError as error:
        complain(faults.of_document(error.message))
        return None
    return _parsed(type_, value, complain)


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
            hint = did_you_mean(suggestion_list(str(name), list(type_.fields))).replace("'", '"')
            invalid.append(Invalid(path, value, f'Field "{name}" is not defined by type {type_.name}.{hint}'))
    return found
