"""Which nodes share a task: any pipeline, any grouping, and what a group's failure says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Set

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.pipeline import Pipeline, node

from kedro_prefect_hooks.errors import ConfigError
from kedro_prefect_hooks.flows.grouping import Group, group_nodes
from tests import prefect_api
from tests.scenarios import scenarios
from tests.scenarios.project_factory import hook_calls


def step(*values: Any) -> int:
    return len(values)


@st.composite
def pipelines(draw: Any) -> Pipeline:
    """Up to 12 nodes, each of which loads outputs of earlier ones, with namespaces and tags at random."""
    nodes = []
    for i in range(draw(st.integers(1, 12))):
        inputs = sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else []
        namespace = draw(st.sampled_from([None, "a", "b", "a.inner"]))
        tag = draw(st.sampled_from([[], ["part-x"], ["part-y"], ["other"]]))
        made = node(step, [f"d{k}" for k in inputs], f"d{i}", name=f"n{i}", namespace=namespace, tags=tag)
        nodes.append(made)
    return Pipeline(nodes)


names_in_memory = st.sets(st.integers(0, 11)).map(lambda found: {f"d{i}" for i in found})
groupings = st.sampled_from(["none", "memory", "namespace", "part-"])


def check(pipeline: Pipeline, groups: List[Group]) -> None:
    """Every node is in one group, and groups and their nodes stand in an order that the edges allow."""
    flat = [each for group in groups for each in group.nodes]
    assert sorted(each.name for each in flat) == sorted(each.name for each in pipeline.nodes)
    assert len({group.name for group in groups}) == len(groups)
    seen: Set[str] = set()
    for each in flat:
        assert {before.name for before in pipeline.node_dependencies[each]} <= seen
        seen.add(each.name)


@given(pipelines(), groupings, names_in_memory)
def test_each_node_once_in_an_order_that_holds_or_a_cycle_that_is_named(
    pipeline: Pipeline, group_by: str, in_memory: Set[str]
) -> None:
    try:
        groups = group_nodes(pipeline, group_by, in_memory)
    except ConfigError as error:
        assert group_by in ("namespace", "part-"), "only what the user has drawn can have a cycle"
        assert "wait for each other" in str(error)
        assert sum(f"'{each.name}'" in str(error) for each in pipeline.nodes) >= 2
    else:
        check(pipeline, groups)


@given(pipelines(), names_in_memory)
def test_by_memory_nothing_in_memory_passes_between_tasks(pipeline: Pipeline, in_memory: Set[str]) -> None:
    groups = group_nodes(pipeline, "memory", in_memory)
    for group in groups:
        made_by_others = {name for other in groups if other is not group for name in other.outputs}
        assert not group.inputs & made_by_others & in_memory


@given(pipelines())
def test_by_memory_does_not_join_what_is_all_persisted(pipeline: Pipeline) -> None:
    assert [len(group.nodes) for group in group_nodes(pipeline, "memory", set())] == [1] * len(pipeline.nodes)


@given(pipelines(), groupings, names_in_memory)
def test_the_order_that_nodes_are_written_in_changes_no_group(
    pipeline: Pipeline, group_by: str, in_memory: Set[str]
) -> None:
    def described(nodes: List[Any]) -> Any:
        try:
            groups = group_nodes(Pipeline(nodes), group_by, in_memory)
        except ConfigError:
            return "cycle"
        return {frozenset(each.name for each in group.nodes) for group in groups}

    assert described(list(pipeline.nodes)) == described(list(reversed(pipeline.nodes)))


def test_a_cycle_names_nodes_groups_and_what_to_do() -> None:
    pipeline = Pipeline(
        [
            node(step, None, "one", name="first", tags=["part-x"]),
            node(step, "one", "two", name="between", tags=["part-y"]),
            node(step, "two", "three", name="last", tags=["part-x"]),
        ]
    )
    with pytest.raises(ConfigError) as caught:
        group_nodes(pipeline, "part-", [])
    message = str(caught.value)
    assert "'between' needs 'first'" in message
    assert "'last' needs 'between'" in message
    assert "part-x: first, last; between" in message


def test_two_tags_of_the_prefix_are_refused() -> None:
    pipeline = Pipeline([node(step, None, "one", name="first", tags=["part-x", "part-y"])])
    with pytest.raises(ConfigError, match="'first': it has the tags part-x, part-y"):
        group_nodes(pipeline, "part-", [])


def test_a_group_named_as_a_node_gets_another_name() -> None:
    pipeline = Pipeline(
        [
            node(step, None, "one", name="part-x"),
            node(step, None, "two", name="second", tags=["part-x"]),
            node(step, "two", "three", name="third", tags=["part-x"]),
        ]
    )
    assert sorted(group.name for group in group_nodes(pipeline, "part-", [])) == ["part-x", "part-x (group)"]


def test_a_failing_node_in_a_group_is_named_and_hooks_fire_a_node(
    tmp_path: Path, home: Path, kedro: Callable[..., Any]
) -> None:
    flows: Dict[str, Any] = {"fails": {"group_by": "memory"}}
    project = scenarios.failing(tmp_path / "failing", prefect={"flows": flows})
    project.write_conf("deploy", "parameters", {})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", ok=True)
        project.clean()
        project.break_node("third")
        with prefect_api.agent(url, home, log):
            run = prefect_api.finished_run(url, prefect_api.start_run(url, "fails"), log)
    [task] = run["task_runs"]
    assert task["state"] == "Failed"
    assert task["state_message"] == "Node 'third' failed: ValueError('third is broken')"
    errors = [line["message"] for line in run["logs"] if line["level"] == "ERROR"]
    assert any("node 'third'" in line for line in errors), json.dumps(run["logs"], indent=1)
    calls = hook_calls(project)
    done = [call["node"] for call in calls if call["hook"] == "after_node_run"]
    assert done == ["first", "second"]
    assert [call["node"] for call in calls if call["hook"] == "on_node_error"] == ["third"]
