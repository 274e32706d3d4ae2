"""Everything the embedded API offers has the name, the type and the nullability of the real schema.

`real_schema.json` is an extract of the introspection of a real Prefect Server: all fields of every type that
the embedded API has, with their types and arguments in GraphQL's notation.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Set, Tuple

import pytest
from graphql import get_introspection_query, is_enum_type, is_scalar_type, parse, validate

from kedro_prefect_hooks.embedded.graphql.schema import schema
from kedro_prefect_hooks.embedded.operations import registry
from kedro_prefect_hooks.embedded.storage import tables
from kedro_prefect_hooks.flows import mapped_children
from kedro_prefect_hooks.flows.reporting_client import _Sender
from kedro_prefect_hooks.flows.state_reports import Report
from tests.embedded.conftest import Caller

REAL: Dict[str, Any] = json.loads(Path(__file__).with_name("real_schema.json").read_text(encoding="utf-8"))

PENDING = {"type": "Pending", "message": "Task run created", "__version__": "1.1.0"}

OMITTED = {
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


def test_every_type_and_field_is_as_in_the_real_schema() -> None:
    for name, ours in _ours().items():
        real = REAL[name]
        if isinstance(ours, list):
            assert ours == real, name
        else:
            assert {key: real.get(key) for key in ours} == ours, name


def test_types_omit_only_what_sqlite_cannot_do() -> None:
    omitted: Dict[str, Set[str]] = {}
    for name, ours in _ours().items():
        missing = set(REAL[name]) - set(ours)
        if missing - OMITTED:
            omitted[name] = missing - OMITTED
    assert omitted == {}


def test_what_is_sent_for_mapped_tasks_is_in_the_real_schema() -> None:
    """And so is what the embedded API accepts. The real one names no mutation for all children at once."""
    sent: List[Tuple[str, Any]] = []

    class Client:
        def graphql(self, document: str, variables: Any) -> Any:
            sent.append((document, variables))
            runs = {name: SimpleNamespace(id="x", version=0, serialized_state=PENDING) for name in variables}
            return SimpleNamespace(data=runs)

    client: Any = Client()
    assert len(mapped_children.mapped_children(client, "flow run", "task", 150)) == 150
    reports = [Report(f"run {number}", {"type": "Running"}, 1, f"clean [p{number}]") for number in range(3)]
    _Sender(client).send_states(reports)
    assert [len(given) for _, given in sent] == [100, 50, 4]
    for document, variables in sent:
        parsed = parse(document)
        assert validate(schema(), parsed) == []
        assert len(document) + len(json.dumps(variables)) < 100_000, "the real server accepts 5 MB"
    asked = {name for _, given in sent for name in given.get("run0", ())}
    assert asked == set(REAL["get_or_create_task_run_info_input"])
    assert "get_or_create_mapped_task_run_children" not in REAL["Mutation"]


def test_it_has_every_required_table() -> None:
    named = (
        "project flow flow_group task edge flow_run task_run flow_run_state task_run_state log agent tenant"
    )
    for table in [*named.split(), "task_run_artifact"]:
        assert {table, f"{table}_aggregate"} <= set(REAL["Query"])
        assert table in tables.RELATIONS


def test_introspection_is_answered(api: Caller) -> None:
    """The deepest query that tools send, well beyond the limit for others."""
    found = api.data(get_introspection_query())["__schema"]
    mutations = next(t for t in found["types"] if t["name"] == "Mutation")
    assert {field["name"] for field in mutations["fields"]} == set(registry.MUTATIONS)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("{ cloud_hook { id } }", "cloud_hook Query"),
        ("{ flow_aggregate { aggregate { variance { version } } } }", "variance"),
        ("mutation { insert_flow(objects: []) { affected_rows } }", "insert_flow"),
        ("{ flow(where: {name: {_wrong: 1}}) { id } }", "_wrong String_comparison_exp"),
        ('{ flow(where: {name: {_lik: "x"}}) { id } }', "_lik String_comparison_exp _like"),
        ("{ flow(wher: {}) { id } }", "wher flow Query"),
        ("{ flow { id { x } } }", "id uuid!"),
        ("{ flow }", "flow [flow!]!"),
        ("{ flow_by_pk { id } }", "flow_by_pk id uuid!"),
        ("query($a: nope) { hello }", "nope"),
        ('{ flow(limit: "x") { id } }', 'Int "x"'),
        ("{ flow(order_by: {name: up}) { id } }", "order_by up"),
        ("{ flow(where: 5) { id } }", "flow_bool_exp 5"),
        ("mutation { delete_flow(input: null) { success } }", "delete_flow_input!"),
        ("mutation { delete_flow(input: {}) { success } }", "delete_flow_input flow_id"),
    ],
)
def test_an_invalid_document_is_refused_with_graphqls_own_error(api: Caller, query: str, names: str) -> None:
    """graphql-core words its errors differently from version to version, but names what is wrong in each."""
    status, answer = api.post(query)
    assert status == 400
    assert any(all(name in error["message"] for name in names.split()) for error in answer["errors"]), answer
    assert answer["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert answer["errors"][0]["locations"][0]["line"] == 1
    assert "data" not in answer
