"""Answers queries of the tables: one SQL statement per level of a query, however many rows it has.

Reads only the selected columns. Knows nothing of HTTP or of mutations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, Callable, Dict, List

import sqlalchemy as sa

from kedro_prefect_hooks.embedded.graphql import filters
from kedro_prefect_hooks.embedded.graphql.document import Field
from kedro_prefect_hooks.embedded.graphql.request_errors import QueryError
from kedro_prefect_hooks.embedded.storage import request_budget, tables, values
from kedro_prefect_hooks.embedded.storage.values import Interval, Timestamp

Row = Dict[str, Any]
Grouped = Dict[Any, List[Row]]


def rows(connection: sa.Connection, table: str, field: Field) -> List[Row]:
    """The answer to a query of `table`."""
    level = _Level(connection, table, field.arguments)
    found = level.rows(field.fields)[None]
    request_budget.spend(level.sizes[None])
    return found


def row(connection: sa.Connection, table: str, field: Field) -> Row | None:
    """The answer to a ``…_by_pk`` query."""
    found = rows(
        connection, table, field._replace(arguments={"where": {"id": {"_eq": field.arguments["id"]}}})
    )
    return found[0] if found else None


def aggregate(connection: sa.Connection, table: str, field: Field) -> Row:
    """The answer to an ``…_aggregate`` query."""
    level = _Level(connection, table, field.arguments)
    found = level.aggregates(field.fields, [None])[None]
    request_budget.spend(level.sizes[None])
    return found


class _Level:
    """The rows of one table at one level of a query: all of them, or those of some parent rows.

    With `key` and `parents`, arguments such as ``limit`` apply per parent, and answers are grouped by parent;
    without, there is one group, None.

    Rows that several parents share are read once, but written in the answer each time: `sizes` has the
    characters of each group there, roughly.
    """

    def __init__(
        self,
        connection: sa.Connection,
        table: str,
        arguments: Dict[str, Any],
        key: str | None = None,
        parents: List[Any] | None = None,
    ) -> None:
        self.connection = connection
        self.name = table
        self.table = tables.metadata.tables[table]
        self.arguments = arguments
        self.key = key
        self.parents = parents
        self.sizes: Dict[Any, int] = defaultdict(int)
        self.sorts = filters.order_by(self.table, arguments.get("order_by"))

    def rows(self, fields: List[Field]) -> Grouped:
        relations = tables.RELATIONS[self.name]
        needed = {"id"} | ({self.key} if self.key else set())
        for field in fields:
            relation = relations.get(field.name) or relations.get(_relation_name(field.name))
            needed.add(relation.local if relation else field.name)
        names = [column.name for column in self.table.c if column.name in needed]
        found: List[Row] = []
        sizes: List[int] = []
        for values_ in self.connection.execute(self._select(names)):
            characters = sum(len(each) for each in values_ if isinstance(each, str))
            sizes.append(_FIELD_SIZE * len(fields) + characters)
            request_budget.spend(sizes[-1])
            found.append(dict(zip(names, values_)))
        grouped: Grouped = defaultdict(list)
        for row, answer, size in zip(found, self._answers(fields, found, sizes), sizes):
            key = row[self.key] if self.key else None
            grouped[key].append(answer)
            self.sizes[key] += size
        return grouped

    def _answers(self, fields: List[Field], found: List[Row], sizes: List[int]) -> List[Row]:
        answers: List[Row] = [{} for _ in found]
        for field in fields:
            getter = self._getter(field, found, sizes)
            for row, answer in zip(found, answers):
                answer[field.key] = getter(row)
        return answers

    def _getter(self, field: Field, found: List[Row], sizes: List[int]) -> Callable[[Row], Any]:
        if field.name == "__typename":
            return lambda row: self.name
        if field.name in self.table.c:
            return _column(self.table.c[field.name], field)
        return self._related(field, found, sizes)

    def _related(self, field: Field, found: List[Row], sizes: List[int]) -> Callable[[Row], Any]:
        relations = tables.RELATIONS[self.name]
        relation = relations.get(field.name) or relations[_relation_name(field.name)]
        parents = list({row[relation.local]: None for row in found if row[relation.local] is not None})
        level = _Level(self.connection, relation.table, field.arguments, relation.remote, parents)
        if field.name not in relations:
            totals = level.aggregates(field.fields, parents)
            _add_sizes(sizes, level, relation.local, found)
            return lambda row: totals[row[relation.local]]
        grouped = level.rows(field.fields) if parents else {}
        _add_sizes(sizes, level, relation.local, found)
        if relation.many:
            return lambda row: grouped.get(row[relation.local], [])
        return lambda row: (grouped.get(row[relation.local]) or [None])[0]  # type: ignore[list-item]

    def aggregates(self, fields: List[Field], parents: List[Any]) -> Dict[Any, Row]:
        answers: Dict[Any, Row] = {parent: {} for parent in parents}
        for field in fields:
            if field.name == "nodes":
                nodes = self.rows(field.fields)
                per_parent: Dict[Any, Any] = {parent: nodes.get(parent, []) for parent in parents}
            elif field.name == "aggregate":
                totals = self._totals(field.fields)
                per_parent = {parent: totals.get(parent) or self._nothing(field.fields) for parent in parents}
            else:
                per_parent = dict.fromkeys(parents, f"{self.name}_aggregate")
            for parent, answer in answers.items():
                answer[field.key] = per_parent[parent]
                self.sizes[parent] += _FIELD_SIZE * (1 + len(field.fields))
        return answers

    def _totals(self, fields: List[Field]) -> Dict[Any, Row]:
        base = self._select([column.name for column in self.table.c]).subquery()
        columns: List[Any] = [base.c[self.key]] if self.key else []
        formatters: List[Callable[[Any], Any]] = []
        for leaf in _leaves(fields):
            columns.append(_total(base, leaf))
            formatters.append(_leaf_formatter(self.table, leaf))
        statement = sa.select(*columns, sa.func.count()).select_from(base)
        if self.key:
            statement = statement.group_by(base.c[self.key])
        totals = {}
        for result in self.connection.execute(statement):
            numbers = list(result)[1:] if self.key else list(result)
            formatted = [formatter(number) for formatter, number in zip(formatters, numbers)]
            totals[result[0] if self.key else None] = self._fill(fields, formatted)
        return totals

    def _nothing(self, fields: List[Field]) -> Row:
        return self._fill(fields, [0 if leaf.name == "count" else None for leaf in _leaves(fields)])

    def _fill(self, fields: List[Field], numbers: List[Any]) -> Row:
        """The answer to ``aggregate { … }``, from the numbers of its `_leaves`."""
        remaining = iter(numbers)
        answer: Row = {}
        for field in fields:
            if field.name == "__typename":
                answer[field.key] = f"{self.name}_aggregate_fields"
            elif field.name == "count":
                answer[field.key] = next(remaining)
            else:
                kind = f"{self.name}_{field.name}_fields"
                answer[field.key] = {
                    leaf.key: kind if leaf.name == "__typename" else next(remaining) for leaf in field.fields
                }
        return answer

    def _select(self, names: List[str]) -> sa.Select[Any]:
        """A statement for the columns `names` of this level's rows, in their order."""
        limit, offset = _non_negative(self.arguments, "limit"), _non_negative(self.arguments, "offset") or 0
        conditions = [filters.where(self.table, self.arguments.get("where"))]
        if self.key:
            conditions.append(self.table.c[self.key].in_(filters.in_subquery(self.parents or [])))
        directions = [direction for _, direction in self.sorts]
        distinct = self._distinct()
        parent_key = [self.key] if self.key else []
        paged_per_parent = bool(parent_key) and (limit is not None or offset > 0)
        if not distinct and not paged_per_parent:
            rows = sa.select(*[self.table.c[name] for name in names]).where(*conditions)
            return _paged(rows.order_by(*[filters.directed(*sort) for sort in self.sorts]), limit, offset)
        columns = [
            self.table.c[name] for name in {**dict.fromkeys(names), **dict.fromkeys([*distinct, *parent_key])}
        ]
        sorts = [expression.label(f"_{i}") for i, (expression, _) in enumerate(self.sorts)]
        rows = sa.select(*columns, *sorts).where(*conditions)
        if distinct:
            rows = _ranked(rows, [*parent_key, *distinct], directions, 0, 1)
        if paged_per_parent:
            rows, limit, offset = _ranked(rows, parent_key, directions, offset, limit), None, 0
        found = rows.subquery()
        answer = sa.select(*[found.c[name] for name in names]).order_by(*_resorted(found, directions))
        return _paged(answer, limit, offset)

    def _distinct(self) -> List[str]:
        names = self.arguments.get("distinct_on") or []
        first = [getattr(expression, "name", None) for expression, _ in self.sorts[: len(names)]]
        if self.sorts and set(first) != set(names[: len(first)]):
            raise QueryError('"distinct_on" columns must match initial "order_by" columns', "$.selectionSet")
        return list(names)


_FIELD_SIZE = 16
"""Characters that a field with a short value, such as a number, is taken for."""


def _add_sizes(sizes: List[int], level: _Level, key: str, rows: List[Row]) -> None:
    """Add the sizes of a level's groups to those of the rows that they belong to."""
    for index, row in enumerate(rows):
        sizes[index] += level.sizes.get(row[key], 0)


def _non_negative(arguments: Dict[str, Any], name: str) -> int | None:
    number: int | None = arguments.get(name)
    if number is not None and number < 0:
        raise QueryError("unexpected negative value", f"$.selectionSet.args.{name}")
    return number


def _resorted(rows: sa.Subquery, directions: List[str]) -> List[Any]:
    """The order given by the sort columns ``_0``, ``_1``, … of a subquery."""
    return [filters.directed(rows.c[f"_{i}"], direction) for i, direction in enumerate(directions)]


def _ranked(
    statement: sa.Select[Any], by: List[str], directions: List[str], skip: int, count: int | None
) -> sa.Select[Any]:
    """For each value of the columns `by`, `count` rows of the statement after the first `skip`."""
    inner = statement.subquery()
    rank = sa.func.row_number().over(
        partition_by=[inner.c[name] for name in by], order_by=_resorted(inner, directions) or None
    )
    ranked = sa.select(*inner.c, rank.label("_rank")).subquery()
    selected = sa.select(*[column for column in ranked.c if column.name != "_rank"])
    selected = selected.where(ranked.c["_rank"] > skip)
    return selected if count is None else selected.where(ranked.c["_rank"] <= skip + count)


def _paged(statement: sa.Select[Any], limit: int | None, offset: int) -> sa.Select[Any]:
    if limit is None and not offset:
        return statement
    # SQLite has no OFFSET without LIMIT; -1 means no limit.
    return statement.limit(-1 if limit is None else limit).offset(offset)


def _relation_name(name: str) -> str:
    return name[: -len("_aggregate")] if name.endswith("_aggregate") else name


def _column(column: sa.Column[Any], field: Field) -> Callable[[Row], Any]:
    path = field.arguments.get("path")
    formatter = _formatter(column)
    if path:
        return lambda row: _at_path(row[column.name], path)
    return lambda row: formatter(row[column.name])


def _formatter(column: sa.Column[Any]) -> Callable[[Any], Any]:
    for kind, format_ in ((Timestamp, values.format_timestamp), (Interval, values.format_interval)):
        if isinstance(column.type, kind):
            return lambda value, format_=format_: None if value is None else format_(value)  # type: ignore[misc]
    return lambda value: value


def _at_path(value: Any, path: str) -> Any:
    """The value at a path such as ``$.labels[0]`` or ``env.NAME`` in a JSON value; None if there is none."""
    for name, index in re.findall(r"([^.\[\]$]+)|\[\"?'?(\d+|[^\]\"']+)\"?'?\]", path):
        step = name or index
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return None
    return value


def _leaves(fields: List[Field]) -> List[Field]:
    """The numbers that an ``aggregate`` selects, in the order in which `_fill` reads them."""
    found = []
    for field in fields:
        if field.name == "count":
            found.append(field)
        elif field.name != "__typename":
            for leaf in field.fields:
                if leaf.name != "__typename":
                    found.append(leaf._replace(arguments={"function": field.name}))
    return found


def _total(base: Any, leaf: Field) -> Any:
    if leaf.name != "count":
        return getattr(sa.func, leaf.arguments["function"])(base.c[leaf.name])
    columns = [sa.type_coerce(base.c[name], sa.Text) for name in leaf.arguments.get("columns") or []]
    if not columns:
        return sa.func.count()
    counted = columns[0] if len(columns) == 1 else sa.func.json_array(*columns)
    return sa.func.count(sa.distinct(counted) if leaf.arguments.get("distinct") else counted)


def _leaf_formatter(table: sa.Table, leaf: Field) -> Callable[[Any], Any]:
    if leaf.name == "count" or leaf.arguments.get("function") == "avg":
        return lambda value: value
    return _formatter(table.c[leaf.name])
