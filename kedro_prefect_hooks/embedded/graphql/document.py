"""GraphQL documents: from text to a plan of what to answer, every variable and argument in its place.

Parsing and validation are graphql-core's. What follows is ours: one pass over the document, rather than a
function call for each value of the answer. Knows nothing of databases.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
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
    validate,
    value_from_ast_untyped,
)

from kedro_prefect_hooks.embedded.graphql import coercion, faults
from kedro_prefect_hooks.embedded.graphql.depth import DepthLimit
from kedro_prefect_hooks.embedded.graphql.faults import Refusal
from kedro_prefect_hooks.embedded.graphql.schema import schema

_MISSING: Any = object()
_CACHED_LENGTH = 20_000


class Field(NamedTuple):
    """One field of the answer: its key there, its name in the schema, its arguments, its own fields."""

    key: str
    name: str
    type: Any
    arguments: Dict[str, Any]
    fields: List[Field]
    node: FieldNode


def read(text: str) -> DocumentNode:
    """The parsed and validated document. Raises Refusal."""
    found = _read_cached(text) if len(text) <= _CACHED_LENGTH else _read(text)
    if isinstance(found, Refusal):
        # A new one each time: what is raised gathers a traceback, and this one is kept.
        raise Refusal(found.code, found.errors)
    return found


def _read(text: str) -> DocumentNode | Refusal:
    try:
        document = parse(text)
        errors = validate(schema(), document, [*specified_rules, DepthLimit])
    except GraphQLError as error:
        return Refusal("GRAPHQL_PARSE_FAILED", [_told(error)])
    except RecursionError:
        return Refusal("GRAPHQL_PARSE_FAILED", [("Syntax Error: Document is nested too deeply", [])])
    if errors:
        return Refusal("GRAPHQL_VALIDATION_FAILED", [_told(error) for error in errors])
    return document


_read_cached = lru_cache(maxsize=256)(_read)


def _told(error: GraphQLError) -> Tuple[str, List[Dict[str, int]]]:
    found = [{"line": place.line, "column": place.column} for place in error.locations or []]
    message = faults.of_document(error.message)
    absent = re.match(r'^Expected value of type "(\w+)" to include required field "(\w+)"', message)
    if absent:
        # graphql-core 3.3 does not name the field's type.
        type_name, name = absent.groups()
        type_ = schema().type_map[type_name].fields[name].type  # type: ignore[attr-defined]
        message = f"Field {type_name}.{name} of required type {type_} was not provided."
    return message, found


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
        self._variables = coercion.coerce_variables(operation, variables)

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
                condition = bool(self._untyped(directive.arguments[0].value))
                if condition == (directive.name.value == "skip"):
                    return False
        return True

    def _untyped(self, node: ValueNode) -> Any:
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
        while isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLList):
            items = node.values if isinstance(node, ListValueNode) else [node]
            found = [self._literal(item, type_.of_type) for item in items]
            return [None if item is _MISSING else item for item in found]
        if isinstance(type_, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            return self._literal_object(node, type_)
        return coercion.literal_leaf(self._untyped(node), type_, is_text=isinstance(node, StringValueNode))

    def _literal_object(self, node: ObjectValueNode, type_: GraphQLInputObjectType) -> Dict[str, Any]:
        found = {}
        for field in node.fields:
            name = field.name.value
            value = self._literal(field.value, type_.fields[name].type)
            if value is not _MISSING:
                found[name] = value
        return found


def bare(type_: Any) -> Any:
    """The type without its lists and non-nulls."""
    while isinstance(type_, (GraphQLNonNull, GraphQLList)):
        type_ = type_.of_type
    return type_
