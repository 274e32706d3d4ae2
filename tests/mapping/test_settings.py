"""What `map` accepts, and which tasks and edges a flow with mapped nodes has."""

from __future__ import annotations

from typing import Any

import pytest
from kedro.pipeline import Pipeline, node

from kedro_prefect_hooks.config import FlowConfig, PrefectConfig
from kedro_prefect_hooks.config.messages import InvalidConfigError
from kedro_prefect_hooks.config.project_check import check
from kedro_prefect_hooks.flows.builder import build_flow
from kedro_prefect_hooks.flows.flow import KedroFlow
from kedro_prefect_hooks.flows.flow_graph import graph_of
from kedro_prefect_hooks.flows.mapping import DatasetKinds
from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec


def same(*values: Any) -> Any:
    return values


def yielding(value: Any) -> Any:
    yield value


TAGS = ["per-file", "persist.a", "two.a", "both.a"]
PIPELINE = Pipeline(
    [
        node(same, ["raw", "params:weight", "model"], "cleaned", name="clean", tags=TAGS),
        node(same, "cleaned", "scores", name="score", tags="persist.a"),
        node(same, "scores", "doubled", name="double"),
        node(same, ["doubled", "raw"], "end", name="total"),
        node(yielding, "raw", "chunks", name="chunks"),
        node(same, "others", "more", name="other", tags="two.a"),
        node(same, ["raw", "cleaned"], "pairs", name="both", tags="both.a"),
    ]
)
KINDS = DatasetKinds(
    in_memory={"scores", "doubled", "chunks", "more", "pairs"}, partitioned={"raw", "cleaned", "others"}
)
TWO = {"partitions_per_task": 2}
CHAIN = {"clean": {"map": True}, "score": {"map": "cleaned"}, "double": {"map": "scores"}}


def build(nodes: dict[str, Any], pipeline: Pipeline = PIPELINE, **settings: Any) -> KedroFlow:
    config = FlowConfig.model_validate({"nodes": nodes, **settings})
    return build_flow("f", config, pipeline, RunSpec(ProjectRef("/p"), "", ""), parameters={}, kinds=KINDS)


def edges(flow: KedroFlow) -> set[tuple[str, str, bool]]:
    return {(edge.upstream_task.name, edge.downstream_task.name, edge.mapped) for edge in flow.edges}


def test_a_chain_is_mapped_slice_by_slice() -> None:
    assert edges(build(CHAIN)) == {
        ("clean: partitions", "clean", True),
        ("clean: partitions", "score", True),
        ("clean: partitions", "double", True),
        ("clean", "score", True),
        ("score", "double", True),
        *((f"{name}", f"{name}: all", False) for name in ("clean", "score", "double")),
        *(("clean: partitions", f"{name}: all", False) for name in ("clean", "score", "double")),
        ("clean: all", "score: all", False),
        ("score: all", "double: all", False),
        ("double: all", "total", False),
        ("clean: all", "both", False),
    }


def test_a_group_is_one_mapped_task() -> None:
    flow = build(CHAIN, group_by="persist.")
    assert edges(flow) == {
        ("persist.a: partitions", "persist.a", True),
        ("persist.a: partitions", "double", True),
        ("persist.a", "double", True),
        *((name, f"{name}: all", False) for name in ("persist.a", "double")),
        *(("persist.a: partitions", f"{name}: all", False) for name in ("persist.a", "double")),
        ("persist.a: all", "double: all", False),
        ("persist.a: all", "both", False),
        ("double: all", "total", False),
    }


def test_slices_of_another_size_wait_for_all() -> None:
    nodes = {**CHAIN, "score": {"map": "cleaned", "partitions_per_task": 2}}
    found = edges(build(nodes))
    assert ("clean: all", "score: partitions", False) in found
    assert not any((name, "score", True) in found for name in ("clean", "clean: partitions"))
    assert ("score", "double", True) in found


def test_an_entry_for_a_tag_can_be_cancelled() -> None:
    names = {task.name for task in build({"tag:per-file": {"map": True}}).tasks}
    assert "clean: all" in names
    names = {task.name for task in build({"tag:per-file": {"map": True}, "clean": {"map": False}}).tasks}
    assert "clean: all" not in names


def test_the_graph_marks_mapped_tasks() -> None:
    flow = build({**CHAIN, "score": {"map": "cleaned", **TWO}}, group_by="persist.")
    graph = graph_of(flow, PIPELINE, KINDS.in_memory)
    mapped = {each.name: each.mapped_over for each in graph.vertices if each.mapped_over}
    assert mapped == {"persist.a": "raw", "double": "scores"}
    notes = {each.name: each.notes for each in graph.vertices}
    assert "partitions per task: 2" in notes["persist.a"]


@pytest.mark.parametrize(
    ("nodes", "settings", "message"),
    [
        ({"total": {"map": "raw"}}, {}, "its output 'end' cannot: use a partitioned dataset, or leave it"),
        (
            {"clean": {"map": "model"}},
            {},
            "cannot be mapped over 'model', which is not a partitioned dataset",
        ),
        ({"clean": {"map": "rew"}}, {}, "unknown input 'rew'. Did you mean 'raw'?"),
        ({"double": {"map": "scores"}}, {}, "cannot be mapped over 'scores', which is not a partitioned"),
        (
            {"double": {"map": True}},
            {},
            "exactly one input that is a partitioned dataset, or made in memory by",
        ),
        ({"chunks": {"map": True}}, {}, "a generator function cannot be mapped"),
        ({"clean": {"partitions_per_task": 2}}, {}, "`partitions_per_task` needs `map`"),
        ({"clean": {"on_failed_partition": "continue"}}, {}, "`on_failed_partition` needs `map`"),
        (
            {**CHAIN, "double": {"map": True, "partitions_per_task": 7}},
            {},
            "'scores' is in memory, so node 'double' has the slices of 'score', 1 partitions per task",
        ),
        (
            CHAIN,
            {"group_by": "memory"},
            "nodes.score: `group_by` puts it into one task with total, which is not mapped. The nodes of a",
        ),
        (
            {**CHAIN, "clean": {"map": True, "partitions_per_task": 5}, "score": {"map": True, **TWO}},
            {"group_by": "persist."},
            "`group_by` puts it into one task with score, and `partitions_per_task` is 2 and 5: give one",
        ),
        (
            {**CHAIN, "other": {"map": "others"}},
            {"group_by": "two."},
            "nodes.other: it is mapped over 'others', and `group_by` puts it into one task with 'clean'",
        ),
        (
            {**CHAIN, "both": {"map": "raw"}},
            {"group_by": "both."},
            "nodes.both: it needs all partitions of cleaned, of which the task that `group_by` puts it in",
        ),
        (
            {**CHAIN, "both": {"map": "cleaned"}},
            {"group_by": "both."},
            "nodes.both: it needs all partitions of raw, of which the task that `group_by` puts it in has",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_mapped(nodes: dict[str, Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        build(nodes, **settings)
    assert message in str(caught.value)


def test_an_input_whose_maker_is_filtered_out() -> None:
    with pytest.raises(InvalidConfigError, match="in memory, and no node that this flow runs makes it"):
        build({"double": {"map": "scores"}}, PIPELINE.only_nodes("double"))


@pytest.mark.parametrize("value", [3, [], "", {"raw": 1}])
def test_map_is_a_name_or_true(value: Any) -> None:
    with pytest.raises(ValueError, match="expected the name of one of the node's inputs, true or false"):
        FlowConfig.model_validate({"nodes": {"clean": {"map": value}}})


def test_the_check_of_the_project_names_the_key() -> None:
    config = PrefectConfig.model_validate(
        {"flows": {"f": {"nodes": {"clean": {"map": "rawe"}, "tag:per-file": {"map": "x"}}}}}
    )
    with pytest.raises(InvalidConfigError) as caught:
        check(config, pipelines={"__default__": PIPELINE}, parameters={})
    assert "flows.f.nodes.clean.map: unknown input 'rawe'. Did you mean 'raw'?" in str(caught.value)
    assert "Inputs of node 'clean': model, raw." in str(caught.value)
