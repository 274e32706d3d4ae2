"""GraphQL documents: from text to a plan of what to answer, with every argument resolved.

Parsing, validation and coercion are graphql-core's. The plan is ours: one pass over the document, rather than
a function call for each value of the answer. Knows nothing of databases.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, Iterator, List, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSkipDirective,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_argument_values, get_directive_values, get_variable_values

from kedro_prefect_hooks.embedded.graphql import request_errors
from kedro_prefect_hooks.embedded.graphql.depth import DepthLimit, number_of_fields
from kedro_prefect_hooks.embedded.graphql.request_errors import InvalidRequest, invalid_request
from kedro_prefect_hooks.embedded.graphql.schema import schema

_CACHED_LENGTH = 20_000

MAX_TOKENS = 10_000
"""Of a document: names, values, punctuation. Large values belong into variables."""

MAX_FIELDS = 1_000
"""That a document selects, counting a fragment at each of its uses."""

_MAX_VARIABLE_ERRORS = 20


class Field(NamedTuple):
    """One field of the answer: its key there, its name in the schema, its arguments, its own fields."""

    key: str
    name: str
    type: Any
    arguments: Dict[str, Any]
    fields: List[Field]
    node: FieldNode


def parsed(text: str) -> DocumentNode:
    """The parsed and validated document. Raises InvalidRequest."""
    found = _parse_cached(text) if len(text) <= _CACHED_LENGTH else _parse(text)
    if isinstance(found, InvalidRequest):
        # A new one each time: a raised exception keeps its traceback, and this one stays in the cache.
        raise InvalidRequest(found.errors)
    return found


def _parse(text: str) -> DocumentNode | InvalidRequest:
    try:
        document = parse(text, max_tokens=MAX_TOKENS)
        if number_of_fields(document) > MAX_FIELDS:
            too_many = GraphQLError(f"The document selects more than {MAX_FIELDS} fields")
            return invalid_request(request_errors.VALIDATION_FAILED, [too_many])
        errors = validate(schema(), document, [*specified_rules, DepthLimit])
    except GraphQLError as error:
        return invalid_request(request_errors.PARSE_FAILED, [error])
    except RecursionError:
        too_deep = GraphQLError("Syntax Error: Document is nested too deeply")
        return invalid_request(request_errors.PARSE_FAILED, [too_deep])
    if not errors:
        return document
    # A value that a scalar of ours rejects has the code of a wrong variable.
    rejected = all(isinstance(error.original_error, ValueError) for error in errors)
    return invalid_request(request_errors.INTERNAL if rejected else request_errors.VALIDATION_FAILED, errors)


_parse_cached = lru_cache(maxsize=256)(_parse)


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run. Raises InvalidRequest when there is none of that name, or several and no name."""
    found = get_operation_ast(document, name)
    if found is None:
        message = "Must provide operation name if query contains multiple operations."
        if name is not None:
            message = f'Unknown operation named "{name}".'
        raise invalid_request(request_errors.INTERNAL, [GraphQLError(message)])
    return found


def coerced_variables(operation: OperationDefinitionNode, variables: Dict[str, Any]) -> Any:
    """The operation's variables, coerced to their types. Raises InvalidRequest.

    What graphql-core returns differs between its versions (3.2: a dictionary, 3.3: a `VariableValues`), so it
    is opaque here: pass it to `get_argument_values` and `get_directive_values`.
    """
    definitions = operation.variable_definitions or ()
    found = get_variable_values(schema(), definitions, variables, max_errors=_MAX_VARIABLE_ERRORS)
    if isinstance(found, list):
        raise invalid_request(request_errors.INTERNAL, found)
    return found


class Planner:
    """Turns an operation into the fields of its answer.

    Args:
        document: where the operation's fragments are defined.
        variables: from `coerced_variables`.

    Raises GraphQLError when an argument has an invalid value.
    """

    def __init__(self, document: DocumentNode, variables: Any) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._variables = variables

    def plan(self, type_: GraphQLObjectType, *selections: SelectionSetNode | None) -> List[Field]:
        """The fields of `type_` that the selections ask for, equal keys merged."""
        nodes: Dict[str, List[FieldNode]] = {}
        for selection in selections:
            for node in self._field_nodes(selection):
                nodes.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return [self._field(type_, key, found) for key, found in nodes.items()]

    def _field(self, parent: GraphQLObjectType, key: str, nodes: List[FieldNode]) -> Field:
        node = nodes[0]
        name = node.name.value
        if name.startswith("__"):
            return Field(key, name, None, {}, [], node)
        definition = parent.fields[name]
        named_type = get_named_type(definition.type)
        fields = []
        if isinstance(named_type, GraphQLObjectType):
            fields = self.plan(named_type, *[same_key.selection_set for same_key in nodes])
        arguments = get_argument_values(definition, node, self._variables)
        for argument in node.arguments or ():
            if argument.name.value == "order_by":
                arguments["order_by"] = _in_document_order(arguments.get("order_by"), argument.value)
        return Field(key, name, definition.type, arguments, fields, node)

    def _field_nodes(self, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
        """The field nodes of a selection: fragments expanded, excluded fields left out."""
        for node in selection.selections if selection else ():
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._field_nodes(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield from self._field_nodes(self._fragments[node.name.value].selection_set)

    def _is_included(self, node: Any) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])


def _in_document_order(value: Any, node: ValueNode) -> Any:
    """`value` with the keys of its objects as the document orders them; graphql-core orders by the schema.

    ``order_by: {b: asc, a: asc}`` sorts by `b` first.
    """
    if isinstance(value, list) and not isinstance(node, VariableNode):
        nodes = node.values if isinstance(node, ListValueNode) else [node]
        return [_in_document_order(*pair) for pair in zip(value, nodes)]
    if isinstance(value, dict) and isinstance(node, ObjectValueNode):
        children = {field.name.value: field.value for field in node.fields if field.name.value in value}
        return {name: _in_document_order(value[name], child) for name, child in children.items()}
    return value
