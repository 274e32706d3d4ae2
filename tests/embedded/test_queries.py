"""The query language: filters, order, pages, relationships, aggregates, JSON."""

from __future__ import annotations

from typing import Any, Iterator, List

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests.embedded.conftest import Caller, Seed, task


@pytest.fixture(scope="module")
def filled() -> Iterator[Caller]:
    """Projects one (flows alpha v1, v2, beta) and two (flow Gamma), and runs with labels and parameters."""
    with EmbeddedServer(None, services=False) as server:
        api = Caller(server.url)
        _fill(Seed(api))
        yield api


def _fill(seed: Seed) -> None:
    one, two = seed.project("one"), seed.project("two")
    seed.flow(one, "alpha", ["x"], idempotency_key="1")
    alpha = seed.flow(one, "alpha", ["x", "y", "z"], idempotency_key="2", description="50% of _all_")
    beta = seed.flow(one, "beta", [])
    gamma = seed.flow(two, "Gamma", ["x", "y"], run_config={"type": "LocalRun", "env": {"A": {"B": [1, 2]}}})
    seed.run(
        alpha, flow_run_name="r1", parameters={"n": 1, "deep": {"k": [1, {"v": True}]}}, labels=["b", "a"]
    )
    seed.run(alpha, flow_run_name="r2", parameters={"n": 2}, labels=["a"])
    third = seed.run(alpha, flow_run_name="r3", parameters={}, labels=[])
    seed.run(beta, flow_run_name="r4", scheduled_start_time="2030-01-01T00:00:00+02:00")
    seed.run(gamma, flow_run_name="r5", idempotency_key="K", labels=["g"])
    seed.flow_state(third, "Submitted")
    seed.flow_state(third, "Running")
    seed.flow_state(third, "Success")


def names(api: Caller, table: str, arguments: str) -> List[str]:
    rows = api.data(f"{{ {table}({arguments}) {{ name }} }}")[table]
    return [row["name"] for row in rows]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{}", "r1 r2 r3 r4 r5"),
        ("null", "r1 r2 r3 r4 r5"),
        ('{name: {_eq: "r1"}}', "r1"),
        ("{name: {_eq: null}}", "r1 r2 r3 r4 r5"),
        ("{name: null}", "r1 r2 r3 r4 r5"),
        ('{name: {_neq: "r1"}}', "r2 r3 r4 r5"),
        ('{name: {_gt: "r2", _lte: "r4"}}', "r3 r4"),
        ('{name: {_gte: "r4"}}', "r4 r5"),
        ('{name: {_lt: "r2"}}', "r1"),
        ('{name: {_in: ["r5", "r1", "no"]}}', "r1 r5"),
        ('{name: {_in: "r5"}}', "r5"),
        ("{name: {_in: []}}", ""),
        ('{name: {_nin: ["r5", "r1"]}}', "r2 r3 r4"),
        ("{idempotency_key: {_is_null: false}}", "r5"),
        ("{idempotency_key: {_is_null: true}}", "r1 r2 r3 r4"),
        # Null is neither equal nor unequal.
        ('{idempotency_key: {_neq: "other"}}', "r5"),
        ('{_not: {idempotency_key: {_eq: "K"}}}', ""),
        ('{_and: [{name: {_gt: "r1"}}, {name: {_lt: "r3"}}]}', "r2"),
        ('{_and: {name: {_eq: "r2"}}}', "r2"),
        ('{_or: [{name: {_eq: "r1"}}, {name: {_eq: "r3"}}]}', "r1 r3"),
        ("{_or: []}", ""),
        ("{_and: []}", "r1 r2 r3 r4 r5"),
        ("{_and: [{}]}", "r1 r2 r3 r4 r5"),
        ('{_not: {_or: [{name: {_eq: "r1"}}, {state: {_eq: "Success"}}]}}', "r2 r4 r5"),
        ('{flow: {name: {_eq: "alpha"}}}', "r1 r2 r3"),
        ('{flow: {project: {name: {_eq: "two"}}}}', "r5"),
        ('{_not: {flow: {project: {name: {_eq: "one"}}}}}', "r5"),
        ('{states: {state: {_eq: "Running"}}}', "r3"),
        ('{_not: {states: {state: {_eq: "Running"}}}}', "r1 r2 r4 r5"),
        ('{task_runs: {task: {slug: {_eq: "z"}}}}', "r1 r2 r3"),
        ('{flow: {flow_runs: {name: {_eq: "r2"}}}}', "r1 r2 r3"),
        ("{version: {_gt: 1}}", "r3"),
        ("{auto_scheduled: {_eq: true}}", ""),
        ("{auto_scheduled: {_in: [false]}}", "r1 r2 r3 r4 r5"),
        ('{scheduled_start_time: {_gt: "2029-12-31T21:59:59.999999Z"}}', "r4"),
        ('{scheduled_start_time: {_eq: "2029-12-31T22:00:00+00:00"}}', "r4"),
        ('{scheduled_start_time: {_eq: "2029-12-31T20:00:00-0200"}}', "r4"),
        ('{scheduled_start_time: {_gte: "2029-12-31"}}', "r4"),
        ('{labels: {_contains: "a"}}', "r1 r2"),
        ('{labels: {_contains: ["a", "b"]}}', "r1"),
        ('{labels: {_contained_in: ["a", "c"]}}', "r2 r3"),
        ('{labels: {_has_key: "b"}}', "r1"),
        ('{labels: {_has_keys_all: ["a", "b"]}}', "r1"),
        ('{labels: {_has_keys_any: ["z", "b"]}}', "r1"),
        ('{labels: {_eq: ["a", "b"]}}', "r1"),
        ("{labels: {_eq: []}}", "r3"),
        ("{labels: {_neq: []}}", "r1 r2 r4 r5"),
        ('{labels: {_in: [["a"], []]}}', "r2 r3"),
        ("{parameters: {_contains: {n: 1}}}", "r1"),
        ("{parameters: {_contains: {deep: {k: [{v: true}]}}}}", "r1"),
        ("{parameters: {_contains: {deep: {k: [{v: 1}]}}}}", ""),
        ("{parameters: {_contains: {}}}", "r1 r2 r3 r4 r5"),
        ("{parameters: {_eq: {n: 2}}}", "r2"),
        ('{parameters: {_has_key: "n"}}', "r1 r2"),
    ],
)
def test_where(filled: Caller, where: str, expected: str) -> None:
    assert names(filled, "flow_run", f"where: {where}, order_by: {{name: asc}}") == expected.split()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('{_like: "%a"}', "Gamma alpha beta"),
        ('{_like: "A%"}', ""),
        ('{_ilike: "g_mm_"}', "Gamma"),
        ('{_nlike: "%m%"}', "alpha beta"),
        ('{_nilike: "G%"}', "alpha beta"),
        ('{_similar: "(al|be)%"}', "alpha beta"),
        ('{_nsimilar: "(al|be)%"}', "Gamma"),
        ('{_regex: "^[A-Z]"}', "Gamma"),
        ('{_nregex: "m"}', "alpha beta"),
        ('{_iregex: "^g"}', "Gamma"),
        ('{_niregex: "^g"}', "alpha beta"),
    ],
)
def test_text_comparisons(filled: Caller, where: str, expected: str) -> None:
    current = f"{{name: {where}, archived: {{_eq: false}}}}"
    assert names(filled, "flow", f"where: {current}, order_by: {{name: asc}}") == expected.split()


def test_wildcards_of_a_pattern_can_be_escaped(filled: Caller) -> None:
    assert names(filled, "flow", r'where: {description: {_like: "50\\% of \\_all\\_"}}') == ["alpha"]
    assert names(filled, "flow", r'where: {description: {_like: "5\\% of \\_all\\_"}}') == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("order_by: {name: desc}", "r5 r4 r3 r2 r1"),
        ("order_by: {start_time: asc}, limit: 1", "r3"),
        ("order_by: {start_time: desc}, offset: 4", "r3"),
        ("order_by: {start_time: desc_nulls_last}, limit: 1", "r3"),
        ("order_by: {start_time: asc_nulls_first}, offset: 4", "r3"),
        ("order_by: [{flow: {name: desc}}, {name: desc}]", "r4 r3 r2 r1 r5"),
        ("order_by: {flow: {project: {name: desc}}, name: asc}", "r5 r1 r2 r3 r4"),
        ("order_by: {task_runs_aggregate: {count: desc}, name: desc}", "r3 r2 r1 r5 r4"),
        ("order_by: {states_aggregate: {max: {version: desc}}, name: asc}", "r3 r1 r2 r4 r5"),
        ("order_by: {name: asc}, limit: 2, offset: 1", "r2 r3"),
        ("order_by: {name: asc}, limit: 0", ""),
        ("order_by: {name: asc}, limit: null, offset: null", "r1 r2 r3 r4 r5"),
        ("distinct_on: flow_id, order_by: [{flow_id: asc}, {name: desc}]", {"r3", "r4", "r5"}),
    ],
)
def test_order_and_pages(filled: Caller, arguments: str, expected: Any) -> None:
    found = names(filled, "flow_run", arguments)
    assert (set(found) if isinstance(expected, set) else " ".join(found)) == expected


def test_distinct_rows_are_the_first_in_order(filled: Caller) -> None:
    query = "{ flow(distinct_on: [name], order_by: {name: asc, version: desc}, limit: 2) { name version } }"
    assert filled.data(query)["flow"] == [{"name": "Gamma", "version": 1}, {"name": "alpha", "version": 2}]
    _, answer = filled.post("{ flow(distinct_on: [name], order_by: {version: desc}) { name } }")
    assert answer["errors"][0]["message"] == '"distinct_on" columns must match initial "order_by" columns'


def test_arguments_of_a_relationship_apply_per_parent(filled: Caller) -> None:
    runs = "flow_runs(order_by: {name: desc}, limit: 1, offset: 1) { name }"
    found = filled.data(
        f"{{ flow(where: {{archived: {{_eq: false}}}}, order_by: {{name: asc}}) {{ name {runs} }} }}"
    )
    assert found["flow"] == [
        {"name": "Gamma", "flow_runs": []},
        {"name": "alpha", "flow_runs": [{"name": "r2"}]},
        {"name": "beta", "flow_runs": []},
    ]
    versions = (
        "flows(distinct_on: name, order_by: {name: asc, version: desc}, limit: 1, offset: 0) { name version }"
    )
    found = filled.data(f"{{ project(order_by: {{name: asc}}) {{ {versions} }} }}")
    assert found["project"] == [
        {"flows": [{"name": "alpha", "version": 2}]},
        {"flows": [{"name": "Gamma", "version": 1}]},
    ]


def test_a_field_can_be_selected_twice_with_aliases(filled: Caller) -> None:
    query = """
    query($who: String!, $more: Boolean!) {
        flow(where: {name: {_eq: $who}, archived: {_eq: false}}) {
            __typename
            first: tasks(where: {slug: {_eq: "x"}}) { slug }
            rest: tasks(where: {slug: {_neq: "x"}}, order_by: {slug: asc}) { ...Slug }
            version @include(if: $more)
            name @skip(if: $more)
            project { id } project { title: name }
        }
        __typename
    }
    fragment Slug on task { slug ... on task { kind: type } }
    """
    found = filled.data(query, {"who": "alpha", "more": True})
    flow = found["flow"][0]
    assert flow["project"].pop("id")
    assert found == {
        "flow": [
            {
                "__typename": "flow",
                "first": [{"slug": "x"}],
                "rest": [{"slug": "y", "kind": "T"}, {"slug": "z", "kind": "T"}],
                "version": 2,
                "project": {"title": "one"},
            }
        ],
        "__typename": "Query",
    }


def test_aggregates(filled: Caller) -> None:
    found = filled.data(
        """{
        all: flow_run_aggregate {
            aggregate {
                count flows: count(columns: flow_id, distinct: true) keyed: count(columns: idempotency_key)
                max { name scheduled_start_time version } min { name } sum { version } avg { version }
            }
            nodes { name }
        }
        none: flow_run_aggregate(where: {name: {_eq: "no"}}) {
            aggregate { count max { name } sum { version } }
        }
        page: flow_run_aggregate(limit: 2) { aggregate { count } }
        flow(order_by: [{name: asc}, {version: asc}]) {
            name
            flow_runs_aggregate(where: {name: {_neq: "r1"}}) {
                aggregate { count max { name } }
                nodes { name }
            }
        }
        project(order_by: {name: asc}) { flows_aggregate(distinct_on: name) { aggregate { count } } }
        }"""
    )
    total = found["all"]["aggregate"]
    assert (total["count"], total["flows"], total["keyed"]) == (5, 3, 1)
    assert total["max"] == {"name": "r5", "scheduled_start_time": "2029-12-31T22:00:00+00:00", "version": 4}
    assert total["min"] == {"name": "r1"}
    assert total["sum"] == {"version": 8}
    assert total["avg"] == {"version": 1.6}
    assert {node["name"] for node in found["all"]["nodes"]} == {"r1", "r2", "r3", "r4", "r5"}
    assert found["none"]["aggregate"] == {"count": 0, "max": {"name": None}, "sum": {"version": None}}
    assert found["page"]["aggregate"] == {"count": 2}
    each = [(row["name"], row["flow_runs_aggregate"]["aggregate"]) for row in found["flow"]]
    assert each == [
        ("Gamma", {"count": 1, "max": {"name": "r5"}}),
        ("alpha", {"count": 0, "max": {"name": None}}),
        ("alpha", {"count": 2, "max": {"name": "r3"}}),
        ("beta", {"count": 1, "max": {"name": "r4"}}),
    ]
    assert [row["flows_aggregate"]["aggregate"]["count"] for row in found["project"]] == [2, 1]


def test_parts_of_a_json_column(filled: Caller) -> None:
    found = filled.data(
        """{ flow(where: {name: {_eq: "Gamma"}}) {
            whole: run_config  env: run_config(path: "$.env")  second: run_config(path: "env.A.B[1]")
            none: run_config(path: "$.env.no")  storage
        } }"""
    )["flow"][0]
    assert found["whole"] == {"type": "LocalRun", "env": {"A": {"B": [1, 2]}}}
    assert found["env"] == {"A": {"B": [1, 2]}}
    assert (found["second"], found["none"], found["storage"]) == (2, None, None)


def test_by_pk(filled: Caller) -> None:
    flow_id = filled.data('{ flow(where: {name: {_eq: "beta"}}) { id } }')["flow"][0]["id"]
    query = "query($id: uuid!) { flow_by_pk(id: $id) { name tasks { id } } }"
    assert filled.data(query, {"id": flow_id.upper()}) == {"flow_by_pk": {"name": "beta", "tasks": []}}
    assert filled.data(query, {"id": "00000000-0000-0000-0000-000000000000"}) == {"flow_by_pk": None}


def test_one_failing_field_leaves_no_data(filled: Caller) -> None:
    status, answer = filled.post('{ project { name } flow(where: {created: {_gt: "no time"}}) { id } }')
    assert (status, answer["data"]) == (200, None)
    error = answer["errors"][0]
    assert error["message"] == 'invalid input syntax for type timestamp with time zone: "no time"'
    assert (error["path"], error["extensions"]["code"]) == (["flow"], "data-exception")


def test_negative_pages_are_refused(filled: Caller) -> None:
    for arguments in ("limit: -1", "offset: -1"):
        _, answer = filled.post(f"{{ flow({arguments}) {{ id }} }}")
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["code"] == "validation-failed"


def test_an_interval_is_written_as_postgresql_does(api: Caller, seed: Seed) -> None:
    tasks = [task("a", retry_delay=90, max_retries=1), task("b", retry_delay=93600.5), task("c")]
    seed.flow(seed.project("p"), "f", tasks)
    rows = api.data("{ task(order_by: {slug: asc}) { retry_delay max_retries } }")["task"]
    assert [row["retry_delay"] for row in rows] == ["00:01:30", "1 day 02:00:00.5", None]
    found = api.data('{ task(where: {retry_delay: {_gt: "00:02:00"}}) { slug } }')["task"]
    assert found == [{"slug": "b"}]


def test_the_number_of_rows_is_not_limited(api: Caller, seed: Seed) -> None:
    """More parents than SQLite accepts variables in one statement."""
    slugs = [f"t{i}" for i in range(3000)]
    run_id = seed.run(seed.flow(seed.project("p"), "f", slugs))
    found = api.data(
        f'{{ flow_run_by_pk(id: "{run_id}") {{ task_runs {{ task {{ slug }} states {{ state }} }} }} }}'
    )
    rows = found["flow_run_by_pk"]["task_runs"]
    assert {row["task"]["slug"] for row in rows} == set(slugs)
    assert all(row["states"] == [{"state": "Pending"}] for row in rows)
