"""Answers queries of the tables: one SQL statement a table and level of the query, whatever the number of rows.

It reads only the columns that are asked for. Knows nothing of HTTP or of mutations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, Callable, Dict, List

import sqlalchemy as sa

from kedro_prefect_hooks.embedded import filters, tables, values
from kedro_prefect_hooks.embedded.document import Field
from kedro_prefect_hooks.embedded.faults import QueryFault
from kedro_prefect_hooks.embedded.values import Interval, Timestamp

Row = Dict[str, Any]
Grouped = Dict[Any, List[Row]]


def rows(connection: sa.Connection, table: str, field: Field) -> List[Row]:
    """The answer to a query of `table`."""
    return _Level(connection, table, field.arguments).rows(field.fields)[None]


def row(connection: sa.Connection, table: str, field: Field) -> Row | None:
    """The answer to a ``…_by_pk`` query."""
    arguments = {"where": {"id": {"_eq": field.arguments["id"]}}}
    found = _Level(connection, table, arguments).rows(field.fields)[None]
    return found[0] if found else None


def aggregate(connection: sa.Connection, table: str, field: Field) -> Row:
    """The answer to an ``…_aggregate`` query."""
    return _Level(connection, table, field.arguments).aggregates(field.fields, [None])[None]


class _Level:
    """The rows of one table at one level of a query: all of them, or those that belong to given parents.

    With `key` and `parents`, arguments such as ``limit`` hold for each parent by itself, and answers are
    grouped by parent; without, there is one group, None.
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
        self.sorts = filters.order_by(self.table, arguments.get("order_by"))

    def rows(self, fields: List[Field]) -> Grouped:
        relations = tables.RELATIONS[self.name]
        wanted = {"id"} | ({self.key} if self.key else set())
        for field in fields:
            relation = relations.get(field.name) or relations.get(_base(field.name))
            wanted.add(relation.local if relation else field.name)
        names = [column.name for column in self.table.c if column.name in wanted]
        found = [dict(zip(names, row)) for row in self.connection.execute(self._select(names))]
        answers = self._answers(fields, found)
        grouped: Grouped = defaultdict(list)
        for row, answer in zip(found, answers):
            grouped[row[self.key] if self.key else None].append(answer)
        return grouped

    def _answers(self, fields: List[Field], found: List[Row]) -> List[Row]:
        answers: List[Row] = [{} for _ in found]
        for field in fields:
            if field.name == "__typename":
                got: Callable[[Row], Any] = lambda row: self.name
            elif field.name in self.table.c:
                got = _column(self.table.c[field.name], field)
            else:
                got = self._related(field, found)
            for row, answer in zip(found, answers):
                answer[field.key] = got(row)
        return answers

    def _related(self, field: Field, found: List[Row]) -> Callable[[Row], Any]:
        relations = tables.RELATIONS[self.name]
        relation = relations.get(field.name) or relations[_base(field.name)]
        parents = list({row[relation.local]: None for row in found if row[relation.local] is not None})
        level = _Level(self.connection, relation.table, field.arguments, relation.remote, parents)
        if field.name not in relations:
            totals = level.aggregates(field.fields, parents)
            return lambda row: totals[row[relation.local]]
        grouped = level.rows(field.fields) if parents else {}
        if relation.many:
            return lambda row: grouped.get(row[relation.local], [])
        return lambda row: (grouped.get(row[relation.local]) or [None])[0]  # type: ignore[list-item]

    def aggregates(self, fields: List[Field], parents: List[Any]) -> Dict[Any, Row]:
        answers: Dict[Any, Row] = {parent: {} for parent in parents}
        for field in fields:
            if field.name == "nodes":
                nodes = self.rows(field.fields)
                for parent, answer in answers.items():
                    answer[field.key] = nodes.get(parent, [])
            else:
                totals = {"__typename": f"{self.name}_aggregate"}
                found = self._totals(field.fields) if field.name == "aggregate" else {}
                for parent, answer in answers.items():
                    answer[field.key] = (
                        found.get(parent) or self._nothing(field.fields)
                        if field.name == "aggregate"
                        else totals[field.name]
                    )
        return answers

    def _totals(self, fields: List[Field]) -> Dict[Any, Row]:
        base = self._select([column.name for column in self.table.c]).subquery()
        columns: List[Any] = [base.c[self.key]] if self.key else []
        shapes: List[Callable[[Any], Any]] = []
        for leaf in _leaves(fields):
            columns.append(_total(base, leaf))
            shapes.append(_shape(self.table, leaf))
        statement = sa.select(*columns, sa.func.count()).select_from(base)
        if self.key:
            statement = statement.group_by(base.c[self.key])
        totals = {}
        for result in self.connection.execute(statement):
            numbers = list(result)[1:] if self.key else list(result)
            shaped = iter([shape(number) for shape, number in zip(shapes, numbers)])
            totals[result[0] if self.key else None] = self._fill(fields, lambda _, it=shaped: next(it))
        return totals

    def _nothing(self, fields: List[Field]) -> Row:
        return self._fill(fields, lambda leaf: 0 if leaf.name == "count" else None)

    def _fill(self, fields: List[Field], value: Callable[[Field], Any]) -> Row:
        answer: Row = {}
        for field in fields:
            if field.name == "__typename":
                answer[field.key] = f"{self.name}_aggregate_fields"
            elif field.name == "count":
                answer[field.key] = value(field)
            else:
                kind = f"{self.name}_{field.name}_fields"
                answer[field.key] = {
                    leaf.key: kind if leaf.name == "__typename" else value(leaf) for leaf in field.fields
                }
        return answer

    def _select(self, names: List[str]) -> sa.Select[Any]:
        """A statement for the columns `names` of this level's rows, in their order."""
        arguments, table = self.arguments, self.table
        names = [*names, *([self.key] if self.key and self.key not in names else [])]
        conditions = [filters.where(table, arguments.get("where"))]
        if self.key:
            conditions.append(table.c[self.key].in_(filters.among(self.parents or [])))
        order = [filters.directed(*sort) for sort in self.sorts]
        limit, offset = arguments.get("limit"), arguments.get("offset")
        distinct = self._distinct()
        if not distinct and not (self.key and (limit is not None or offset)):
            plain = sa.select(*[table.c[name] for name in names]).where(*conditions).order_by(*order)
            return _paged(plain, limit, offset)
        sorts = [expression.label(f"_{i}") for i, (expression, _) in enumerate(self.sorts)]
        group = [table.c[self.key]] if self.key else []
        place = sa.func.row_number().over(partition_by=[*group, *distinct] or None, order_by=order or None)
        inner = sa.select(*[table.c[name] for name in names], *sorts, place.label("_place")).where(
            *conditions
        )
        ranked = inner.subquery()

        def resorted() -> List[Any]:
            return [filters.directed(ranked.c[f"_{i}"], word) for i, (_, word) in enumerate(self.sorts)]

        if distinct:
            chosen = sa.select(*[c for c in ranked.c if c.name != "_place"]).where(ranked.c["_place"] == 1)
            if not (self.key and (limit is not None or offset)):
                # The sort columns stay in the subquery only.
                last = sa.select(*[ranked.c[name] for name in names]).where(ranked.c["_place"] == 1)
                return _paged(last.order_by(*resorted()), limit, offset)
            first = chosen.subquery()
            order = [filters.directed(first.c[f"_{i}"], word) for i, (_, word) in enumerate(self.sorts)]
            place = sa.func.row_number().over(partition_by=first.c[self.key or ""], order_by=order or None)
            ranked = sa.select(*first.c, place.label("_place")).subquery()
        start = offset or 0
        last = sa.select(*[ranked.c[name] for name in names]).where(ranked.c["_place"] > start)
        if limit is not None:
            last = last.where(ranked.c["_place"] <= start + limit)
        return last.order_by(*resorted())

    def _distinct(self) -> List[Any]:
        names = self.arguments.get("distinct_on") or []
        first = [getattr(expression, "name", None) for expression, _ in self.sorts[: len(names)]]
        if self.sorts and set(first) != set(names[: len(first)]):
            raise QueryFault('"distinct_on" columns must match initial "order_by" columns', "$.selectionSet")
        return [self.table.c[name] for name in names]


def _paged(statement: sa.Select[Any], limit: int | None, offset: int | None) -> sa.Select[Any]:
    for name, number in (("limit", limit), ("offset", offset)):
        if number is not None and number < 0:
            raise QueryFault(f'expecting a non-negative integer for "{name}"', f"$.selectionSet.args.{name}")
    if limit is not None or offset:
        # SQLite has no OFFSET without LIMIT; -1 is none.
        statement = statement.limit(-1 if limit is None else limit).offset(offset or 0)
    return statement


def _base(name: str) -> str:
    return name[: -len("_aggregate")] if name.endswith("_aggregate") else name


def _column(column: sa.Column[Any], field: Field) -> Callable[[Row], Any]:
    path = field.arguments.get("path")
    shape = _shaped(column)
    if path:
        return lambda row: _at_path(row[column.name], path)
    return lambda row: shape(row[column.name])


def _shaped(column: sa.Column[Any]) -> Callable[[Any], Any]:
    for kind, write in ((Timestamp, values.format_timestamp), (Interval, values.format_interval)):
        if isinstance(column.type, kind):
            return lambda value, write=write: None if value is None else write(value)  # type: ignore[misc]
    return lambda value: value


def _at_path(value: Any, path: str) -> Any:
    """What is at a path such as ``$.labels[0]`` or ``env.NAME`` in a JSON value; None when nothing is."""
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
    """The numbers that an ``aggregate`` asks for, in the order that `_fill` takes them."""
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


def _shape(table: sa.Table, leaf: Field) -> Callable[[Any], Any]:
    if leaf.name == "count" or leaf.arguments.get("function") == "avg":
        return lambda value: value
    return _shaped(table.c[leaf.name])
