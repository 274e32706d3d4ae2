"""`where` and `order_by` of the query language, as SQL over the tables.

Relationships become EXISTS and scalar subqueries. As in the real server's query engine (Hasura 1), a
comparison with null is true for every row: the command line sends null for unused options. Knows nothing of
which columns are read.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Tuple

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.storage import request_budget, tables, values
from kedro_prefect_hooks.embedded.storage.values import Interval, Json, Timestamp, Uuid

Condition = Any
"""A SQL condition, which SQLAlchemy's own types cannot express across aliases and operators."""
Sort = Tuple[Any, str]
Rows = Any
"""A table or an alias of one."""


def where(rows: Rows, expression: Dict[str, Any] | None) -> Condition:
    """The condition on `rows` that `expression` (a ``…_bool_exp``) stands for."""
    request_budget.spend_conditions(1)
    conditions = [
        _condition(rows, key, value) for key, value in (expression or {}).items() if value is not None
    ]
    return sa.and_(sa.true(), *conditions)


def _condition(rows: Rows, key: str, value: Any) -> Condition:
    if key == "_and":
        return sa.and_(sa.true(), *[where(rows, part) for part in value])
    if key == "_or":
        return sa.or_(sa.false(), *[where(rows, part) for part in value])
    if key == "_not":
        return sa.not_(where(rows, value))
    if key in rows.c:
        column = rows.c[key]
        request_budget.spend_conditions(len(value))
        parts = [
            _compare(column, operator, operand) for operator, operand in value.items() if operand is not None
        ]
        return sa.and_(sa.true(), *parts)
    relation = tables.RELATIONS[table_name(rows)][key]
    other = tables.metadata.tables[relation.table].alias()
    joined = other.c[relation.remote] == rows.c[relation.local]
    found = sa.select(sa.literal(1)).select_from(other).where(joined, where(other, value))
    return sa.exists(found.correlate(rows))


def table_name(rows: Rows) -> str:
    """The name of the table `rows`, or of the one it is an alias of."""
    table: Any = getattr(rows, "element", rows)
    return str(table.name)


def _compare(column: Any, operator: str, operand: Any) -> Condition:
    if operator == "_is_null":
        return column.is_(None) if operand else column.is_not(None)
    if operator in ("_in", "_nin"):
        stored = [stored_value(column, item) for item in operand]
        if isinstance(column.type, Json):
            stored = [values.canonical_json(item) for item in stored]
        found = sa.type_coerce(column, sa.Text).in_(in_subquery(stored))
        return sa.not_(found) if operator == "_nin" else found
    if isinstance(column.type, Json):
        return _compare_json(column, operator, operand)
    if operator in _TEXT:
        function, positive = _TEXT[operator]
        matches = getattr(sa.func, function)(column, operand) == 1
        return matches if positive else sa.not_(matches)
    return _ORDER[operator](column, sa.literal(stored_value(column, operand), column.type))


def _compare_json(column: Any, operator: str, operand: Any) -> Condition:
    text = sa.type_coerce(column, sa.Text)
    if operator == "_contains":
        return sa.func.jsonb_contains(text, values.canonical_json(operand)) == 1
    if operator == "_contained_in":
        return sa.func.jsonb_contains(values.canonical_json(operand), text) == 1
    if operator == "_has_key":
        return sa.func.jsonb_has_key(text, operand) == 1
    if operator in ("_has_keys_all", "_has_keys_any"):
        request_budget.spend_conditions(len(operand))
        parts = [sa.func.jsonb_has_key(text, key) == 1 for key in operand]
        return sa.and_(sa.true(), *parts) if operator.endswith("all") else sa.or_(sa.false(), *parts)
    return _ORDER[operator](text, values.canonical_json(operand))


def stored_value(column: Any, value: Any) -> Any:
    """`value` as the column stores it. Raises DataError for one that is invalid for its type."""
    if isinstance(column.type, Uuid):
        return values.parse_uuid(value)
    if isinstance(column.type, Timestamp):
        return values.parse_timestamp(value)
    if isinstance(column.type, Interval):
        return values.parse_interval(value)
    return value


def in_subquery(items: List[Any]) -> Any:
    """The items as a subquery for IN: one bound value, so one SQL statement, however many there are."""
    return sa.select(sa.func.json_each(json.dumps(items)).table_valued("value").c.value)


_ORDER: Dict[str, Callable[[Any, Any], Any]] = {
    "_eq": lambda column, value: column == value,
    "_neq": lambda column, value: column != value,
    "_gt": lambda column, value: column > value,
    "_gte": lambda column, value: column >= value,
    "_lt": lambda column, value: column < value,
    "_lte": lambda column, value: column <= value,
}

_TEXT = {
    f"_{no}{word}": (f"pg_{word}", not no)
    for word in ("like", "ilike", "similar", "regex", "iregex")
    for no in ("", "n")
}


def order_by(rows: Rows, orders: List[Dict[str, Any]] | None) -> List[Sort]:
    """What to sort by, the most significant first: expressions over `rows`, each with its direction."""
    request_budget.spend_conditions(sum(len(order) for order in orders or []))
    return [
        sort
        for order in orders or []
        for key, value in order.items()
        if value is not None
        for sort in _sorts(rows, key, value)
    ]


def _sorts(rows: Rows, key: str, value: Any) -> List[Sort]:
    if key in rows.c:
        column = rows.c[key]
        return [(sa.type_coerce(column, sa.Text) if isinstance(column.type, Json) else column, value)]
    relations = tables.RELATIONS[table_name(rows)]
    if key in relations:
        relation = relations[key]
        other = tables.metadata.tables[relation.table].alias()
        expressions = order_by(other, [value])
    else:
        relation = relations[key[: -len("_aggregate")]]
        other = tables.metadata.tables[relation.table].alias()
        expressions = _aggregates(other, value)
    joined = other.c[relation.remote] == rows.c[relation.local]
    return [
        (sa.select(expression).select_from(other).where(joined).correlate(rows).scalar_subquery(), direction)
        for expression, direction in expressions
    ]


def _aggregates(rows: Rows, order: Dict[str, Any]) -> List[Sort]:
    sorts: List[Sort] = []
    for function, value in order.items():
        if function == "count":
            sorts.append((sa.func.count(), value))
        else:
            sorts.extend(
                (getattr(sa.func, function)(rows.c[name]), direction)
                for name, direction in (value or {}).items()
            )
    return [(expression, direction) for expression, direction in sorts if direction is not None]


def directed(expression: Any, direction: str) -> Any:
    """`expression` in a direction such as ``desc``. As in PostgreSQL, null sorts after every other value."""
    sort = sa.desc(expression) if direction.startswith("desc") else sa.asc(expression)
    nulls_first = direction.endswith("nulls_first") or direction == "desc"
    return sort.nulls_first() if nulls_first else sort.nulls_last()
