"""The GraphQL schema, made from the description of the tables and the declarations of the operations.

Every name is the real schema's. What PostgreSQL can do and SQLite cannot (standard deviations, casts) is left
out. Knows nothing of how a field is answered.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Callable, Dict, List

import sqlalchemy as sa
from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    StringValueNode,
    ValueNode,
    value_from_ast_untyped,
)

from kedro_prefect_hooks.embedded import operations
from kedro_prefect_hooks.embedded.operations import registry
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.embedded.storage.values import (
    Interval,
    Json,
    Timestamp,
    Uuid,
    parse_timestamp,
    parse_uuid,
)


def _parse_json_literal(node: ValueNode, variables: Dict[str, Any] | None = None) -> Any:
    """JSON in a document: as GraphQL values or, as the real server accepts it, as a string of JSON."""
    if isinstance(node, StringValueNode):
        return json.loads(node.value)
    return value_from_ast_untyped(node, variables)


# Values of the lower-case scalars, the query engine's, are parsed when they are compared with a column.
_SCALARS = {name: GraphQLScalarType(name) for name in ("uuid", "timestamptz", "jsonb", "interval")}
_SCALARS.update(
    UUID=GraphQLScalarType("UUID", parse_value=parse_uuid),
    DateTime=GraphQLScalarType("DateTime", parse_value=parse_timestamp),
    JSON=GraphQLScalarType("JSON", parse_value=lambda value: value, parse_literal=_parse_json_literal),
    Int=GraphQLInt,
    Float=GraphQLFloat,
    Boolean=GraphQLBoolean,
    String=GraphQLString,
)

_COMPARISONS = ("_eq", "_neq", "_gt", "_gte", "_lt", "_lte")
_LIST_COMPARISONS = ("_in", "_nin")
_STRING_COMPARISONS = tuple(
    f"_{no}{word}" for word in ("like", "ilike", "similar", "regex", "iregex") for no in ("", "n")
)


def scalar_of(column: sa.Column[Any]) -> str:
    """The name of the GraphQL scalar of a column."""
    for kind, name in (
        (Uuid, "uuid"),
        (Timestamp, "timestamptz"),
        (Json, "jsonb"),
        (Interval, "interval"),
        (sa.Boolean, "Boolean"),
        (sa.Integer, "Int"),
    ):
        if isinstance(column.type, kind):
            return name
    return "String"


def of_kind(table: sa.Table, *scalars: str) -> List[sa.Column[Any]]:
    """The columns of `table` with one of these scalars."""
    return [column for column in table.c if scalar_of(column) in scalars]


ORDERED_SCALARS = ("uuid", "timestamptz", "String", "Int", "interval")
"""Scalars that have `min` and `max`; in PostgreSQL, jsonb and boolean have neither."""


@lru_cache(maxsize=None)
def schema() -> GraphQLSchema:
    """The schema, built at the first call."""
    return _Builder().build()


class _Builder:
    def __init__(self) -> None:
        self.types: Dict[str, Any] = dict(_SCALARS)

    def build(self) -> GraphQLSchema:
        operations.load()
        self.types["order_by"] = _enum(
            "order_by",
            ["asc", "asc_nulls_first", "asc_nulls_last", "desc", "desc_nulls_first", "desc_nulls_last"],
        )
        for scalar in ("uuid", "timestamptz", "String", "Int", "Boolean", "interval", "jsonb"):
            self._comparison(scalar)
        for name in tables.RELATIONS:
            self._table(name, tables.metadata.tables[name])
        for name, choices in registry.ENUMS.items():
            self.types[name] = _enum(name, choices)
        for name, fields in registry.INPUTS.items():
            self._input(name, fields)
        for name, fields in registry.PAYLOADS.items():
            self._plain(name, fields)
        for name, operation in registry.MUTATIONS.items():
            self._input(f"{name}_input", operation.arguments)
        return GraphQLSchema(
            GraphQLObjectType("Query", self._queries), GraphQLObjectType("Mutation", self._mutations)
        )

    def type(self, notation: str) -> Any:
        """The type for a notation such as ``[String!]!``."""
        if notation.endswith("!"):
            return GraphQLNonNull(self.type(notation[:-1]))
        if notation.startswith("["):
            return GraphQLList(self.type(notation[1:-1]))
        return self.types[notation]

    def _field(self, notation: str, **arguments: str) -> GraphQLField:
        return GraphQLField(
            self.type(notation), {k: GraphQLArgument(self.type(v)) for k, v in arguments.items()}
        )

    def _object(self, name: str, fields: Callable[[], Dict[str, GraphQLField]]) -> None:
        self.types[name] = GraphQLObjectType(name, fields)

    def _plain(self, name: str, fields: Dict[str, str]) -> None:
        """An object whose fields have no arguments."""
        self._object(name, lambda: {k: self._field(v) for k, v in fields.items()})

    def _input(self, name: str, fields: Dict[str, str]) -> None:
        def make() -> Dict[str, GraphQLInputField]:
            return {k: GraphQLInputField(self.type(v)) for k, v in fields.items()}

        self.types[name] = GraphQLInputObjectType(name, make)

    def _comparison(self, scalar: str) -> None:
        fields = dict.fromkeys(_COMPARISONS, scalar)
        fields.update(dict.fromkeys(_LIST_COMPARISONS, f"[{scalar}!]"), _is_null="Boolean")
        if scalar == "String":
            fields.update(dict.fromkeys(_STRING_COMPARISONS, "String"))
        if scalar == "jsonb":
            for key in ("_gt", "_gte", "_lt", "_lte"):
                del fields[key]
            fields.update(_contains="jsonb", _contained_in="jsonb", _has_key="String")
            fields.update(_has_keys_all="[String!]", _has_keys_any="[String!]")
        self._input(f"{scalar}_comparison_exp", fields)

    def _table(self, name: str, table: sa.Table) -> None:
        self._object(name, lambda: self._row_fields(name, table))
        self._filter(name, table)
        self._order(name, table)
        self.types[f"{name}_select_column"] = _enum(f"{name}_select_column", [c.name for c in table.c])
        self._plain(f"{name}_aggregate", {"aggregate": f"{name}_aggregate_fields", "nodes": f"[{name}!]!"})
        self._aggregates(name, table)

    def _row_fields(self, name: str, table: sa.Table) -> Dict[str, GraphQLField]:
        fields = {}
        for column in table.c:
            scalar = scalar_of(column)
            path = {"path": "String"} if scalar == "jsonb" else {}
            fields[column.name] = self._field(scalar + ("" if column.nullable else "!"), **path)
        for key, relation in tables.RELATIONS[name].items():
            if relation.many:
                arguments = _query_arguments(relation.table)
                fields[key] = self._field(f"[{relation.table}!]!", **arguments)
                fields[f"{key}_aggregate"] = self._field(f"{relation.table}_aggregate!", **arguments)
            else:
                required = "" if table.c[relation.local].nullable else "!"
                fields[key] = self._field(relation.table + required)
        return dict(sorted(fields.items()))

    def _filter(self, name: str, table: sa.Table) -> None:
        fields = {c.name: f"{scalar_of(c)}_comparison_exp" for c in table.c}
        fields.update({k: f"{r.table}_bool_exp" for k, r in tables.RELATIONS[name].items()})
        own = f"{name}_bool_exp"
        self._input(
            own, {"_and": f"[{own}!]", "_not": own, "_or": f"[{own}!]", **dict(sorted(fields.items()))}
        )

    def _order(self, name: str, table: sa.Table) -> None:
        fields = {c.name: "order_by" for c in table.c}
        for key, relation in tables.RELATIONS[name].items():
            if relation.many:
                fields[f"{key}_aggregate"] = f"{relation.table}_aggregate_order_by"
            else:
                fields[key] = f"{relation.table}_order_by"
        self._input(f"{name}_order_by", dict(sorted(fields.items())))

    def _aggregates(self, name: str, table: sa.Table) -> None:
        numbers, ordered = of_kind(table, "Int"), of_kind(table, *ORDERED_SCALARS)
        functions = {"max": ordered, "min": ordered}
        if numbers:
            functions = {"avg": numbers, "sum": numbers, **functions}
        fields = {"count": "Int!"}
        order = {"count": "order_by"}
        for function, columns in functions.items():
            values = {c.name: "Float" if function == "avg" else scalar_of(c) for c in columns}
            self._plain(f"{name}_{function}_fields", values)
            self._input(f"{name}_{function}_order_by", {c.name: "order_by" for c in columns})
            fields[function] = f"{name}_{function}_fields"
            order[function] = f"{name}_{function}_order_by"
        count = {"columns": f"[{name}_select_column!]", "distinct": "Boolean"}
        self._object(
            f"{name}_aggregate_fields",
            lambda: {k: self._field(v, **(count if k == "count" else {})) for k, v in fields.items()},
        )
        self._input(f"{name}_aggregate_order_by", order)

    def _queries(self) -> Dict[str, GraphQLField]:
        fields = {}
        for name in tables.RELATIONS:
            arguments = _query_arguments(name)
            fields[name] = self._field(f"[{name}!]!", **arguments)
            fields[f"{name}_aggregate"] = self._field(f"{name}_aggregate!", **arguments)
            # Logs have no key in the real schema.
            if name != "log":
                fields[f"{name}_by_pk"] = self._field(name, id="uuid!")
        for name, operation in registry.QUERIES.items():
            fields[name] = self._field(operation.answer, **operation.arguments)
        return fields

    def _mutations(self) -> Dict[str, GraphQLField]:
        return {
            name: self._field(operation.answer, input=f"{name}_input!")
            for name, operation in registry.MUTATIONS.items()
        }


def _enum(name: str, choices: Any) -> GraphQLEnumType:
    return GraphQLEnumType(name, {choice: GraphQLEnumValue(choice) for choice in choices})


def _query_arguments(table: str) -> Dict[str, str]:
    return {
        "distinct_on": f"[{table}_select_column!]",
        "limit": "Int",
        "offset": "Int",
        "order_by": f"[{table}_order_by!]",
        "where": f"{table}_bool_exp",
    }
