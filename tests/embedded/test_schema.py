"""All that the embedded API offers is named, typed and required as in the real server's schema.

`real_schema.json` is an extract of the introspection of a real Prefect Server: of every type that the
embedded API has, all fields with their types and arguments, in GraphQL's spelling.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Set

from graphql import get_introspection_query, is_enum_type, is_scalar_type

from kedro_prefect_hooks.embedded.graphql.schema import schema
from kedro_prefect_hooks.embedded.operations import registry
from kedro_prefect_hooks.embedded.storage import tables
from tests.embedded.conftest import Caller

REAL: Dict[str, Any] = json.loads(Path(__file__).with_name("real_schema.json").read_text(encoding="utf-8"))

LEFT_OUT = {
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "var_pop",
    "var_samp",
    "variance",
    # Comparisons of JSON documents by size, and casts, which only PostgreSQL defines.
    "_cast",
    "_gt",
    "_gte",
    "_lt",
    "_lte",
}


def _ours() -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for name, type_ in schema().type_map.items():
        if name.startswith("__") or is_scalar_type(type_):
            continue
        if is_enum_type(type_):
            found[name] = sorted(type_.values)
            continue
        fields = {}
        for key, field in type_.fields.items():
            arguments = {k: str(v.type) for k, v in (getattr(field, "args", None) or {}).items()}
            fields[key] = [str(field.type), arguments] if arguments else str(field.type)
        found[name] = fields
    return found


def test_every_type_and_field_is_the_real_ones() -> None:
    for name, ours in _ours().items():
        real = REAL[name]
        if isinstance(ours, list):
            assert ours == real, name
        else:
            assert {key: real.get(key) for key in ours} == ours, name


def test_only_what_sqlite_cannot_do_is_left_out_of_a_type() -> None:
    left_out: Dict[str, Set[str]] = {}
    for name, ours in _ours().items():
        missing = set(REAL[name]) - set(ours)
        if missing - LEFT_OUT:
            left_out[name] = missing - LEFT_OUT
    assert left_out == {}


def test_it_has_the_tables_that_the_issue_names() -> None:
    named = (
        "project flow flow_group task edge flow_run task_run flow_run_state task_run_state log agent tenant"
    )
    for table in [*named.split(), "task_run_artifact"]:
        assert {table, f"{table}_aggregate"} <= set(REAL["Query"])
        assert table in tables.RELATIONS


def test_introspection_is_answered(api: Caller) -> None:
    """The deepest query that tools send, well past the limit for others."""
    found = api.data(get_introspection_query())["__schema"]
    mutations = next(t for t in found["types"] if t["name"] == "Mutation")
    assert {field["name"] for field in mutations["fields"]} == set(registry.MUTATIONS)


def test_what_is_not_there_is_graphqls_own_error(api: Caller) -> None:
    for query, named in [
        ("{ cloud_hook { id } }", 'Cannot query field "cloud_hook" on type "Query".'),
        ("{ flow_aggregate { aggregate { variance { version } } } }", 'Cannot query field "variance"'),
        ("mutation { insert_flow(objects: []) { affected_rows } }", 'Cannot query field "insert_flow"'),
        (
            "{ flow(where: {name: {_wrong: 1}}) { id } }",
            'Field "_wrong" is not defined by type String_comparison_exp.',
        ),
        (
            '{ flow(where: {name: {_lik: "x"}}) { id } }',
            'Field "_lik" is not defined by type String_comparison_exp. Did you mean "_like"',
        ),
        ("{ flow(wher: {}) { id } }", 'Unknown argument "wher" on field "flow" of type "Query".'),
        (
            "{ flow { id { x } } }",
            'Field "id" must not have a selection since type "uuid!" has no subfields.',
        ),
        ("{ flow }", 'Field "flow" of type "[flow!]!" must have a selection of subfields.'),
        ("{ flow_by_pk { id } }", 'Field "flow_by_pk" argument "id" of type "uuid!" is required'),
        ("query($a: nope) { hello }", 'Unknown type "nope".'),
        (
            '{ flow(limit: "x") { id } }',
            'Expected type Int, found "x"; Int cannot represent non-integer value: "x"',
        ),
        ("{ flow(order_by: {name: up}) { id } }", "Expected type order_by, found up."),
        ("{ flow(where: 5) { id } }", "Expected type flow_bool_exp, found 5."),
        (
            "mutation { delete_flow(input: null) { success } }",
            "Expected type delete_flow_input!, found null.",
        ),
        (
            "mutation { delete_flow(input: {}) { success } }",
            "Field delete_flow_input.flow_id of required type UUID! was not provided.",
        ),
    ]:
        status, answer = api.post(query)
        assert status == 400
        assert any(named in error["message"] for error in answer["errors"]), answer
        assert answer["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
        assert "data" not in answer
