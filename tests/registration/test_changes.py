"""A second registration reports what has changed, and registers nothing if nothing has."""

from __future__ import annotations

import gc
from typing import Any

import prefect
import pytest
from prefect.run_configs import LocalRun
from prefect.storage import Module
from prefect.utilities.graphql import compress

from kedro_prefect_hooks.errors import ConfigError, RegistrationError
from kedro_prefect_hooks.flows.changes import task_changes
from tests.registration.conftest import NODES, PARAMETERS, Site, mutate
from tests.registration.proxy import Proxy
from tests.statements import Statements


def changes_of(site: Site) -> list[str]:
    return [str(change) for change in site.line().changes]


def with_node(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [{**node, **changes} if node["name"] == name else node for node in NODES]


def test_first_registration_is_new_and_complete(site: Site) -> None:
    line = site.line()
    assert (line.action, line.version) == ("new", 1)
    (live,) = site.live()
    assert {task["name"] for task in live["tasks"]} == {node["name"] for node in NODES}
    assert len(live["edges"]) == 5


def test_nothing_changed_is_unchanged_and_costs_one_query_for_all_flows(site: Site) -> None:
    flows = {f"flow {number}": {"node_names": ["split"]} for number in range(8)}
    site.configure(flows=flows)
    site.register()
    with Proxy(site.url) as proxy:
        summary = site.register(api=proxy.url)
    assert [line.action for line in summary.lines] == ["unchanged"] * 8
    assert {line.version for line in summary.lines} == {1}
    assert proxy.requests == ["query"]


def test_each_new_flow_costs_the_same_number_of_statements(site: Site) -> None:
    settings = {"node_names": ["split"], "schedule": {"cron": "0 6 * * *"}}
    counts = []
    for number in (0, 2, 4, 8):
        site.configure(flows={"first": {}, **{f"{i} of {number}": settings for i in range(number)}})
        with Statements() as counted:
            summary = site.register(api="embedded")
        assert [line.action for line in summary.lines].count("new") == (number or 1)
        counts.append((counted.count, counted.transactions))
    few, more, most = counts[1:]  # the first one creates the file
    assert [most[i] - more[i] for i in (0, 1)] == [2 * (more[i] - few[i]) for i in (0, 1)]
    # The version, its schedule, and all its runs.
    assert (more[1] - few[1]) / 2 <= 3


def test_python_collects_garbage_after_a_registration(site: Site) -> None:
    site.register()
    site.plan()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_requests_grow_with_the_changes_not_with_the_project(site: Site) -> None:
    site.configure(flows={f"flow {number}": {"node_names": ["split"]} for number in range(8)})
    site.register()
    site.flow("flow 3", labels=["etl"])
    with Proxy(site.url) as proxy:
        summary = site.register(api=proxy.url)
    assert [line.flow for line in summary.lines if line.action != "unchanged"] == ["flow 3"]
    create = "create_flow_from_compressed_string"
    assert proxy.requests == ["query", "query flow_by_pk", create, "query"]


def test_tag_of_a_node(site: Site) -> None:
    site.register()
    site.nodes(with_node("train_model", tags=["model", "gpu"]))
    assert changes_of(site) == ["tags of train_model: model → gpu, model"]
    assert site.live()[0]["version"] == 2


def test_values_that_read_the_same_are_not_printed_as_a_change_from_one_to_the_other() -> None:
    """As those of a flow that 0.1 registered, whose trigger is a function of another module."""
    before, now = ({"a": {"name": "a", "trigger": {"fn": f"{module}.all"}}} for module in ("old", "new"))
    assert [str(each) for each in task_changes(now, before)] == ["trigger of a"]


def test_retries_of_a_node(site: Site) -> None:
    site.register()
    site.flow(nodes={"train_model": {"max_retries": 2, "retry_delay": "5m"}})
    assert changes_of(site) == ["retries of train_model: 0 → 2", "retry delay of train_model: none → 0:05:00"]


def test_retries_of_all_nodes_are_one_change(site: Site) -> None:
    site.register()
    site.flow(retries={"max_retries": 1})
    retries = "retries of evaluate, report, split, train_model: 0 → 1"
    assert changes_of(site) == [
        retries,
        "retry delay of evaluate, report, split, train_model: none → 0:01:00",
    ]


def test_schedule(site: Site) -> None:
    site.register()
    site.flow(schedule={"cron": "0 6 * * *", "timezone": "Europe/Paris"})
    assert changes_of(site) == ["schedule: none → every day at 06:00 (Europe/Paris)"]
    site.flow(schedule={"interval": "90m"})
    assert changes_of(site) == ["schedule: every day at 06:00 (Europe/Paris) → every 90 minutes"]
    site.flow(schedule={"interval": "90m", "parameters": {}, "labels": ["night"]})
    assert changes_of(site) == ["schedule: every 90 minutes → every 90 minutes on agents labelled night"]
    assert site.line().action == "unchanged"
    site.flow(schedule=None)
    assert changes_of(site) == ["schedule: every 90 minutes on agents labelled night → none"]


def test_default_of_a_parameter(site: Site) -> None:
    site.flow(parameters=["model.test_size"])
    site.register()
    site.project.write_conf("base", "parameters", {"model": {**PARAMETERS["model"], "test_size": 0.3}})
    assert changes_of(site) == ["parameter model.test_size: 0.2 → 0.3"]


def test_parameter_added_and_removed(site: Site) -> None:
    site.flow(parameters=["model.test_size"])
    site.register()
    site.flow(parameters=["model.depth"])
    changes = changes_of(site)
    assert "parameter model.depth added" in changes
    assert "parameter model.test_size removed" in changes
    assert "edge model.depth → train_model added" in changes


def test_node_added_removed_and_rewired(site: Site) -> None:
    site.register()
    site.nodes([*NODES, {"name": "publish", "inputs": ["page"], "outputs": "receipt"}])
    assert changes_of(site) == ["task publish added", "edge report → publish added"]
    site.nodes(NODES)
    assert changes_of(site) == ["task publish removed", "edge report → publish removed"]
    site.nodes(with_node("report", inputs=["scores"]))
    assert changes_of(site) == ["edge train_model → report removed"]


def test_labels_run_config_and_storage(site: Site) -> None:
    site.register()
    site.flow(labels=["etl"])
    assert changes_of(site) == ["labels: none → etl"]
    site.flow(run_config={"type": "DockerRun", "env": {"MODE": "fast"}})
    assert changes_of(site) == ["run config: LocalRun → DockerRun"]
    site.flow(run_config={"type": "DockerRun", "env": {"MODE": "a value that must stay private"}})
    assert changes_of(site) == ["environment variable MODE of the run config"]


def test_description(site: Site) -> None:
    site.register()
    site.flow(description="Predicts delays.")
    assert changes_of(site) == ["description: none → Predicts delays."]
    assert site.live()[0]["description"] == "Predicts delays."


def test_the_body_of_a_node_is_not_a_change(site: Site) -> None:
    site.register()
    site.nodes(with_node("train_model", body="doubled"))
    line = site.line()
    assert (line.action, line.version) == ("unchanged", 1)


def test_a_plan_reports_the_same_and_changes_nothing(site: Site) -> None:
    site.register()
    site.flow(labels=["etl"])
    plan = site.plan()
    assert [str(change) for change in plan.actions[0].changes] == ["labels: none → etl"]
    assert plan.as_dict()["flows"][0]["action"] == "changed"
    assert site.live()[0]["version"] == 1
    assert len(plan.to_do) == 1


def test_plan_of_a_project_that_prefect_does_not_have(site: Site) -> None:
    plan = site.plan()
    assert [action.kind.value for action in plan.actions] == ["new"]
    assert plan.snapshot.project_id is None


def test_force_registers_an_unchanged_flow_again(site: Site) -> None:
    site.register()
    line = site.line(force=True)
    assert (line.action, line.version) == ("changed", 2)
    assert site.line().action == "unchanged"


def test_only_some_flows(site: Site) -> None:
    site.configure(flows={"one": {}, "two": {}})
    assert [line.flow for line in site.register(only=["two"]).lines] == ["two"]
    assert site.live("one") == []


def test_unknown_flow_names_the_nearest(site: Site) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'flights'"):
        site.register(only=["flihgts"])


def test_a_flow_that_another_environment_registered_is_taken_over(site: Site) -> None:
    site.register()
    line = site.line(env="deploy")
    assert line.action == "changed"
    package = site.project.package
    assert str(line.changes[0]) == f"registered from: {package}/local → {package}/deploy"
    assert site.line(env="deploy").action == "unchanged"


def test_a_flow_that_was_registered_otherwise_is_taken_over(site: Site) -> None:
    flow = prefect.Flow(
        "flights", tasks=[prefect.Task("by hand")], run_config=LocalRun(), storage=Module("m")
    )
    site.configure()
    given = {"project_id": site.create_project(), "serialized_flow": compress(flow.serialize())}
    mutate(site.url, "create_flow_from_compressed_string", "id", **given)
    line = site.line()
    assert (line.action, line.version) == ("changed", 2)
    assert str(line.changes[0]) == "registered by something other than this plugin"
    assert "task by hand removed" in map(str, line.changes)


def test_a_storage_that_cannot_be_built_names_the_flow(site: Site) -> None:
    site.flow(storage={"type": "Local", "stored_as_script": True})
    with pytest.raises(
        RegistrationError, match=r"Flow 'flights' could not be registered: its storage \(Local\)"
    ):
        site.register()
    assert site.live() == []
