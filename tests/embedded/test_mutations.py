"""What the mutations do, beyond what the recorded conversations show: versions, keys, labels, states."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.storage import tables
from tests.embedded.conftest import Caller, Seed, edge, task


@pytest.fixture
def flow_id(seed: Seed) -> str:
    return seed.flow(seed.project("p"), "f")


def flow(api: Caller, flow_id: str, fields: str) -> Dict[str, Any]:
    return dict(api.data(f'{{ flow_by_pk(id: "{flow_id}") {{ {fields} }} }}')["flow_by_pk"])


def flow_run(api: Caller, run_id: str, fields: str) -> Dict[str, Any]:
    return dict(api.data(f'{{ flow_run_by_pk(id: "{run_id}") {{ {fields} }} }}')["flow_run_by_pk"])


def test_versions_of_a_flow_follow_its_name_within_its_project(api: Caller, seed: Seed) -> None:
    one, two = seed.project("one"), seed.project("two")
    first = seed.flow(one, "f")
    second = seed.flow(one, "f")
    elsewhere = seed.flow(two, "f")
    fields = "version archived flow_group_id"
    assert flow(api, first, fields)["archived"] is True
    assert (flow(api, second, fields)["version"], flow(api, second, fields)["archived"]) == (2, False)
    assert flow(api, elsewhere, fields)["version"] == 1
    assert flow(api, first, fields)["flow_group_id"] == flow(api, second, fields)["flow_group_id"]
    assert flow(api, first, fields)["flow_group_id"] != flow(api, elsewhere, fields)["flow_group_id"]


def test_only_the_last_idempotency_key_counts(api: Caller, seed: Seed) -> None:
    project_id = seed.project("p")
    first = seed.flow(project_id, "f", idempotency_key="a")
    assert seed.flow(project_id, "f", idempotency_key="a") == first
    second = seed.flow(project_id, "f", idempotency_key="b")
    third = seed.flow(project_id, "f", idempotency_key="a")
    assert len({first, second, third}) == 3
    assert flow(api, third, "version flow_group { settings }")["version"] == 3
    without = seed.flow(project_id, "f")
    assert flow(api, without, "flow_group { settings }")["flow_group"]["settings"]["idempotency_key"] is None
    api.do("archive_flow", {"flow_id": without})
    # The key matches, but no version is live: a new one.
    again = seed.flow(project_id, "f", idempotency_key="c")
    api.do("archive_flow", {"flow_id": again})
    assert seed.flow(project_id, "f", idempotency_key="c") != again


def test_a_version_group_can_join_flows_of_different_names(api: Caller, seed: Seed) -> None:
    project_id = seed.project("p")
    old = seed.flow(project_id, "old name", version_group_id="g")
    new = seed.flow(project_id, "new name", version_group_id="g")
    assert flow(api, old, "archived")["archived"] is True
    assert flow(api, new, "version")["version"] == 2
    run_id = api.do("create_flow_run", {"version_group_id": "g"}, "id")
    assert flow_run(api, run_id, "flow_id")["flow_id"] == new
    assert api.fails("create_flow_run", {"version_group_id": "no"}, "id") == (
        "Version group no has no unarchived flows."
    )


def test_waiting_runs_of_an_older_version_are_cancelled(api: Caller, seed: Seed) -> None:
    project_id = seed.project("p")
    old = seed.flow(project_id, "f")
    waiting, going, done = seed.run(old), seed.run(old), seed.run(old)
    seed.flow_state(going, "Running")
    seed.flow_state(done, "Success")
    seed.flow(project_id, "f")
    cancelled = flow_run(api, waiting, "state state_message task_runs { state }")
    assert (cancelled["state"], cancelled["state_message"]) == ("Cancelled", f"Flow {old} was archived.")
    assert {row["state"] for row in cancelled["task_runs"]} == {"Cancelled"}
    assert flow_run(api, going, "state")["state"] == "Running"
    assert flow_run(api, done, "state")["state"] == "Success"
    assert api.fails("create_flow_run", {"flow_id": old}, "id") == f"Flow {old} is archived."


def test_a_flow_is_assembled_from_batches(api: Caller, seed: Seed) -> None:
    flow_id = seed.flow(seed.project("p"), "f", [])
    given = {"flow_id": flow_id, "serialized_tasks": [task("a", tags=["t"]), task("b")]}
    assert api.do("register_tasks", given) is True
    assert api.do("register_tasks", given) is True
    assert api.do("register_edges", {"flow_id": flow_id, "serialized_edges": [edge("a", "b")]}) is True
    assert api.do("register_edges", {"flow_id": flow_id, "serialized_edges": []}) is True
    found = flow(api, flow_id, "tasks { slug trigger tags } edges { upstream_task { slug } } serialized_flow")
    assert sorted(row["slug"] for row in found["tasks"]) == ["a", "b"]
    assert found["edges"] == [{"upstream_task": {"slug": "a"}}]
    assert [each["slug"] for each in found["serialized_flow"]["tasks"]] == ["a", "b"]
    message = api.fails("register_edges", {"flow_id": flow_id, "serialized_edges": [edge("a", "no")]})
    assert message == (
        "Edges could not be registered - some edges reference tasks that do not exist within this flow."
    )
    assert flow(api, flow_id, "edges_aggregate { aggregate { count } }")["edges_aggregate"]["aggregate"] == {
        "count": 1
    }


def test_a_failed_registration_leaves_nothing(api: Caller, seed: Seed) -> None:
    project_id = seed.project("p")
    serialized = {"name": "f", "tasks": [task("a")], "edges": [edge("a", "no")]}
    assert "do not exist" in api.fails(
        "create_flow", {"project_id": project_id, "serialized_flow": serialized, "idempotency_key": "k"}, "id"
    )
    assert api.data("{ flow { id } flow_group { id } task { id } }") == {
        "flow": [],
        "flow_group": [],
        "task": [],
    }


@pytest.mark.parametrize("text", ["%%%", "", "aGVsbG8=", "H4sIAAAAAAAAAwMAAAAAAAAAAAA="])
def test_a_flow_that_cannot_be_decompressed_is_refused(api: Caller, seed: Seed, text: str) -> None:
    given = {"project_id": seed.project("p"), "serialized_flow": text}
    message = api.fails("create_flow_from_compressed_string", given, "id")
    assert message == "Unable to decompress serialized flow"


def test_an_unknown_project_is_refused(api: Caller, seed: Seed) -> None:
    given = {"project_id": seed.tenant_id, "serialized_flow": {"name": "f"}}
    assert api.fails("create_flow", given, "id") == "Invalid project."


def test_where_the_labels_of_a_run_come_from(api: Caller, seed: Seed, flow_id: str) -> None:
    def labels(**given: Any) -> Any:
        return flow_run(api, seed.run(flow_id, **given), "labels")["labels"]

    group_id = flow(api, flow_id, "flow_group_id")["flow_group_id"]
    assert labels() == ["here"]
    api.do("set_flow_group_run_config", {"flow_group_id": group_id, "run_config": {"labels": ["g", "c"]}})
    assert labels() == ["c", "g"]
    api.do("set_flow_group_labels", {"flow_group_id": group_id, "labels": ["l", "l"]})
    assert labels() == ["l"]
    assert labels(run_config={"labels": ["r"]}) == ["r"]
    assert labels(run_config={}) == []
    assert labels(labels=["z", "a"], run_config={"labels": ["r"]}) == ["a", "z"]


def test_parameters_of_a_run(api: Caller, seed: Seed) -> None:
    parameters = [
        {"name": "must", "slug": "must", "required": True, "default": None},
        {"name": "may", "slug": "may", "required": False, "default": 5},
        {"name": "zero", "slug": "zero", "required": False, "default": 0},
    ]
    flow_id = seed.flow(seed.project("p"), "f", parameters=parameters)
    assert api.fails("create_flow_run", {"flow_id": flow_id}, "id") == (
        "Required parameters were not supplied: {'must'}"
    )
    run_id = seed.run(flow_id, parameters={"must": None, "other": [1]})
    assert flow_run(api, run_id, "parameters")["parameters"] == {"must": None, "may": 5, "other": [1]}
    group_id = flow(api, flow_id, "flow_group_id")["flow_group_id"]
    given = {"flow_group_id": group_id, "parameters": {"must": 1, "may": 2}}
    assert api.do("set_flow_group_default_parameters", given) is True
    assert flow_run(api, seed.run(flow_id), "parameters")["parameters"] == {"must": 1, "may": 2}


def test_a_run_with_the_same_key_is_the_same_run(api: Caller, seed: Seed, flow_id: str) -> None:
    first = seed.run(flow_id, idempotency_key="k", parameters={"a": 1})
    assert seed.run(flow_id, idempotency_key="k", parameters={"a": 2}) == first
    assert flow_run(api, first, "parameters version") == {"parameters": {"a": 1}, "version": 1}
    assert seed.run(flow_id, idempotency_key="other") != first


def test_a_run_goes_to_an_agent_that_has_all_its_labels(api: Caller, seed: Seed, flow_id: str) -> None:
    for run, agent, offered in [
        ([], [], True),
        ([], ["a"], False),
        (["a"], [], False),
        (["a"], ["a"], True),
        (["a"], ["a", "b"], True),
        (["a", "b"], ["b", "a"], True),
        (["a", "b"], ["a"], False),
    ]:
        run_id = seed.run(flow_id, labels=run)
        given = {"tenant_id": seed.tenant_id, "labels": agent}
        assert (run_id in api.do("get_runs_in_queue", given, "flow_run_ids")) is offered, (run, agent)


def test_runs_are_offered_when_due_and_the_oldest_first(api: Caller, seed: Seed, flow_id: str) -> None:
    later = seed.run(flow_id, scheduled_start_time="2030-01-01T00:00:00+00:00", labels=[])
    late = seed.run(flow_id, labels=[])
    early = seed.run(flow_id, scheduled_start_time="2020-01-01T00:00:00+00:00", labels=[])
    done = seed.run(flow_id, labels=[])
    seed.flow_state(done, "Success")

    def queue(**given: Any) -> Any:
        return api.do("get_runs_in_queue", {"tenant_id": seed.tenant_id, **given}, "flow_run_ids")

    assert queue() == [early, late]
    assert queue(before="2031-01-01T00:00:00Z") == [early, late, later]
    many = [seed.run(flow_id, labels=["x"], scheduled_start_time="2019-01-01T00:00:00Z") for _ in range(30)]
    assert set(queue(labels=["x"])) <= set(many)
    assert len(queue(labels=["x"])) == 25
    assert queue() == [early, late]


def test_an_agent_is_recognized_and_its_queries_are_noted(
    server: EmbeddedServer, api: Caller, seed: Seed, flow_id: str
) -> None:
    given = {"tenant_id": seed.tenant_id, "type": "LocalAgent", "name": "n", "labels": ["b", "a"]}
    agent_id = api.do("register_agent", given, "id", X_Prefect_Core_Version="1.1.0")
    same = {**given, "labels": ["a", "b"]}
    assert api.do("register_agent", same, "id", X_Prefect_Core_Version="1.1.0") == agent_id
    assert api.do("register_agent", same, "id", X_Prefect_Core_Version="1.2.0") != agent_id
    query = f'{{ agent_by_pk(id: "{agent_id}") {{ last_queried labels core_version }} }}'
    found = api.data(query)["agent_by_pk"]
    assert found.pop("last_queried") > "2026", "an agent that has just started is running"
    assert found == {"labels": ["a", "b"], "core_version": "1.1.0"}
    with server.database.write() as connection:
        connection.execute(tables.agent.update().values(last_queried=0))
    queue = {"tenant_id": seed.tenant_id, "labels": ["a", "b"]}
    api.do("get_runs_in_queue", queue, "flow_run_ids", X_Prefect_Agent_Id=agent_id)
    assert api.data(query)["agent_by_pk"]["last_queried"] > "2026"
    run_id = seed.run(flow_id)
    states = {"states": [{"flow_run_id": run_id, "state": {"type": "Submitted"}}]}
    api.do("set_flow_run_states", states, "states { status }", X_Prefect_Agent_Id=agent_id)
    assert flow_run(api, run_id, "agent { name }") == {"agent": {"name": "n"}}
    assert api.do("delete_agent", {"agent_id": agent_id}) is True
    assert flow_run(api, run_id, "agent { name } state") == {"agent": None, "state": "Submitted"}


def test_each_state_increments_the_version_and_sets_the_times(api: Caller, seed: Seed, flow_id: str) -> None:
    run_id = seed.run(flow_id)
    fields = "version state start_time end_time heartbeat"
    before = flow_run(api, run_id, fields)
    assert before == {
        "version": 1,
        "state": "Scheduled",
        "start_time": None,
        "end_time": None,
        "heartbeat": None,
    }
    seed.flow_state(run_id, "Submitted")
    assert flow_run(api, run_id, fields)["heartbeat"] is not None
    seed.flow_state(run_id, "Running")
    running = flow_run(api, run_id, fields)
    assert running["start_time"] is not None and running["end_time"] is None
    seed.flow_state(run_id, "Failed")
    failed = flow_run(api, run_id, fields)
    assert (failed["version"], failed["start_time"]) == (4, running["start_time"])
    assert failed["end_time"] > failed["start_time"]
    history = flow_run(api, run_id, "states(order_by: {version: asc}) { state version timestamp }")["states"]
    assert [row["state"] for row in history] == ["Scheduled", "Submitted", "Running", "Failed"]
    assert [row["timestamp"] for row in history] == sorted(row["timestamp"] for row in history)


def test_a_task_runs_only_while_its_flow_does(api: Caller, seed: Seed, flow_id: str) -> None:
    run_id = seed.run(flow_id)
    task_run_id = seed.task_runs(run_id)["a"]
    given = {"states": [{"task_run_id": task_run_id, "state": {"type": "Running"}}]}
    assert api.fails("set_task_run_states", given, "states { status }") == (
        f"State update failed for task run ID {task_run_id}: provided a running state but associated "
        f"flow run {run_id} is not in a running state."
    )
    seed.flow_state(run_id, "Running")
    seed.task_state(task_run_id, "Running", cached_inputs={"x": {"type": "Result", "location": "l"}})
    seed.task_state(task_run_id, "Failed")
    found = api.data(f'{{ task_run_by_pk(id: "{task_run_id}") {{ version serialized_state heartbeat }} }}')
    kept = found["task_run_by_pk"]["serialized_state"]["cached_inputs"]
    assert kept == {"x": {"type": "Result", "location": "l"}}
    assert found["task_run_by_pk"]["version"] == 3
    assert found["task_run_by_pk"]["heartbeat"] is not None


def test_several_states_are_all_set_or_none(api: Caller, seed: Seed, flow_id: str) -> None:
    first, second = seed.run(flow_id), seed.run(flow_id)
    states = [
        {"flow_run_id": first, "state": {"type": "Running"}},
        {"flow_run_id": flow_id, "state": {"type": "Running"}},
        {"flow_run_id": second, "state": {"type": "Running"}},
    ]
    message = api.fails("set_flow_run_states", {"states": states}, "states { status }")
    assert message == f"State update failed for flow run ID {flow_id}"
    assert flow_run(api, first, "state")["state"] == "Scheduled"


def test_the_size_of_a_state_is_limited(api: Caller, seed: Seed, flow_id: str) -> None:
    state = {"type": "Running", "context": {"x": "y" * 1_000_000}}
    given = {"states": [{"flow_run_id": seed.run(flow_id), "state": state}]}
    assert api.fails("set_flow_run_states", given, "states { id }") == "State payload is too large."


def test_a_finished_run_is_not_cancelled(api: Caller, seed: Seed, flow_id: str) -> None:
    run_id = seed.run(flow_id)
    seed.flow_state(run_id, "Success")
    assert api.do("cancel_flow_run", {"flow_run_id": run_id}, "state") == "Success"
    waiting = seed.run(flow_id)
    assert api.do("cancel_flow_run", {"flow_run_id": waiting}, "state") == "Cancelled"
    unknown = api.fails("cancel_flow_run", {"flow_run_id": flow_id}, "state")
    assert unknown == f"Invalid flow run ID: {flow_id}."


def test_task_runs_are_found_or_created(api: Caller, seed: Seed, flow_id: str) -> None:
    run_id = seed.run(flow_id)
    task_id = flow(api, flow_id, 'tasks(where: {slug: {_eq: "a"}}) { id }')["tasks"][0]["id"]
    given = {"flow_run_id": run_id, "task_id": task_id}
    known = seed.task_runs(run_id)["a"]
    assert api.do("get_or_create_task_run", given, "id") == known
    child = api.do("get_or_create_task_run_info", {**given, "map_index": 0}, "id")
    assert child != known
    assert api.do("get_or_create_task_run_info", {**given, "map_index": 0}, "id") == child
    assert api.data(f'{{ get_task_run_info(task_run_id: "{child}") {{ version state }} }}') == {
        "get_task_run_info": {"version": 1, "state": "Pending"}
    }
    seed.flow_state(run_id, "Running")
    seed.task_state(child, "Running")
    found = api.data(
        f'{{ mapped_children(task_run_id: "{known}") {{ state_counts min_start_time max_end_time }} }}'
    )
    assert found["mapped_children"]["state_counts"] == {"Running": 1}
    assert found["mapped_children"]["min_start_time"].endswith("+00:00")
    assert api.fails("get_or_create_task_run_info", {**given, "task_id": run_id}, "id") == "Invalid task ID"
    assert api.fails("get_or_create_task_run", {**given, "task_id": run_id}, "id") == "Invalid ID"


def test_deleting_cascades(api: Caller, seed: Seed) -> None:
    project_id = seed.project("p")
    flow_id = seed.flow(project_id, "f")
    kept, gone = seed.run(flow_id), seed.run(flow_id)
    logs = {"logs": [{"flow_run_id": run, "message": "m", "level": "ERROR"} for run in (kept, gone)]}
    assert api.do("write_run_logs", logs) is True
    assert api.do("delete_flow_run", {"flow_run_id": gone}) is True
    assert api.do("delete_flow_run", {"flow_run_id": gone}) is False
    found = api.data(
        "{ flow_run { id } log { flow_run_id } task_run { flow_run_id } flow_run_state { flow_run_id } }"
    )
    assert found["flow_run"] == [{"id": kept}]
    for table in ("log", "task_run", "flow_run_state"):
        assert {row["flow_run_id"] for row in found[table]} == {kept}
    assert api.do("delete_project", {"project_id": project_id}) is True
    assert api.data("{ flow { id } flow_run { id } task { id } log { id } task_run_state { id } }") == {
        "flow": [],
        "flow_run": [],
        "task": [],
        "log": [],
        "task_run_state": [],
    }


def test_names_and_descriptions(api: Caller, seed: Seed, flow_id: str) -> None:
    run_id = seed.run(flow_id)
    task_run_id = seed.task_runs(run_id)["a"]
    assert api.do("set_flow_run_name", {"flow_run_id": run_id, "name": "mine"}) is True
    assert api.do("set_task_run_name", {"task_run_id": task_run_id, "name": "yours"}) is True
    assert api.fails("set_flow_run_name", {"flow_run_id": run_id, "name": ""}) == "Invalid name"
    assert api.do("set_flow_run_labels", {"flow_run_id": run_id, "labels": ["z", "y"]}) is True
    found = flow_run(api, run_id, 'name labels task_runs(where: {task: {slug: {_eq: "a"}}}) { name }')
    assert found == {"name": "mine", "labels": ["y", "z"], "task_runs": [{"name": "yours"}]}
    fields = flow(api, flow_id, "flow_group_id project_id")
    described = {"flow_group_id": fields["flow_group_id"], "description": "d"}
    assert api.do("set_flow_group_description", described) is True
    renamed = {"project_id": fields["project_id"], "name": "q"}
    assert api.do("set_project_name", renamed, "id") == fields["project_id"]
    assert api.fails("set_project_name", {"project_id": flow_id, "name": "q"}, "id") == "Update failed"
    assert flow(api, flow_id, "flow_group { description } project { name }") == {
        "flow_group": {"description": "d"},
        "project": {"name": "q"},
    }
    moved = {"flow_id": flow_id, "project_id": seed.project("other")}
    assert api.do("update_flow_project", moved, "id") == flow_id
    assert flow(api, flow_id, "project { name }") == {"project": {"name": "other"}}


def test_artifacts(api: Caller, seed: Seed, flow_id: str) -> None:
    task_run_id = seed.task_runs(seed.run(flow_id))["a"]
    made = api.do(
        "create_task_run_artifact", {"task_run_id": task_run_id, "kind": "link", "data": {"a": 1}}, "id"
    )
    changed = {"task_run_artifact_id": made, "data": {"b": "ü"}}
    assert api.do("update_task_run_artifact", changed) is True
    found = api.data("{ task_run_artifact { kind data task_run { task { slug } } } }")["task_run_artifact"]
    assert found == [{"kind": "link", "data": {"b": "ü"}, "task_run": {"task": {"slug": "a"}}}]
    assert api.do("delete_task_run_artifact", {"task_run_artifact_id": made}) is True
    given = {"task_run_id": flow_id, "kind": "link", "data": {}}
    assert api.fails("create_task_run_artifact", given, "id") == f"Task run {flow_id} not found"


def test_settings_of_a_flow(api: Caller, flow_id: str) -> None:
    for switch, expected in [
        ("disable_flow_heartbeat", {"disable_heartbeat": True, "heartbeat_enabled": False}),
        ("enable_flow_heartbeat", {"disable_heartbeat": False, "heartbeat_enabled": True}),
        ("disable_flow_lazarus_process", {"lazarus_enabled": False}),
        ("enable_flow_lazarus_process", {"lazarus_enabled": True}),
    ]:
        assert api.do(switch, {"flow_id": flow_id}) is True
        settings = flow(api, flow_id, "flow_group { settings }")["flow_group"]["settings"]
        assert {key: settings[key] for key in expected} == expected


def test_json_and_times_can_be_literals_in_the_document(api: Caller, seed: Seed, flow_id: str) -> None:
    mutation = f"""mutation {{
        create_flow_run(input: {{flow_id: "{flow_id}", parameters: {{a: [1, null, {{b: "c"}}]}},
            context: "{{\\"k\\": true}}", scheduled_start_time: "2030-01-01T00:00:00Z"}}) {{ id }}
        write_run_logs(input: {{logs: []}}) {{ success error }}
    }}"""
    made = api.data(mutation)
    assert made["write_run_logs"] == {"success": True, "error": None}
    found = flow_run(api, made["create_flow_run"]["id"], "parameters context scheduled_start_time")
    assert found == {
        "parameters": {"a": [1, None, {"b": "c"}]},
        "context": {"k": True},
        "scheduled_start_time": "2030-01-01T00:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("log", "names"),
    [
        ({}, "input logs flow_run_id"),
        ({"flow_run_id": None}, "input logs flow_run_id UUID!"),
        ({"flow_run_id": "x"}, 'input logs flow_run_id UUID "x"'),
        ({"flow_run_id": "0" * 32, "level": "LOUD"}, "input logs level LOUD log_level"),
        ({"flow_run_id": "0" * 32, "level": "EROR"}, "input logs level EROR log_level ERROR"),
        ({"flow_run_id": "0" * 32, "nam": "x"}, "input logs nam write_run_log_input name"),
        ({"flow_run_id": "0" * 32, "name": 5}, "input logs name String 5"),
    ],
)
def test_invalid_variables_are_refused(api: Caller, log: Any, names: str) -> None:
    """graphql-core words its errors differently from version to version, but names what is wrong in each."""
    query = "mutation($input: write_run_logs_input!) { write_run_logs(input: $input) { success } }"
    status, answer = api.post(query, {"input": {"logs": [log]}})
    assert status == 400
    assert all(name in answer["errors"][0]["message"] for name in names.split()), answer
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 10}]
    assert answer["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}


def test_missing_variables_are_refused(api: Caller) -> None:
    query = "query($a: uuid!, $b: Int = 1) { flow_by_pk(id: $a) { id } flow(limit: $b) { id } }"
    for variables in (None, {"a": None}):
        status, answer = api.post(query, variables)
        assert status == 400
        assert all(name in answer["errors"][0]["message"] for name in ("$a", "uuid!")), answer
        assert answer["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
