"""The flow itself: its order, its parameters, its executor, and what it is recognised by."""

from __future__ import annotations

import pickle
import uuid
from datetime import datetime, timezone
from typing import Any

import cloudpickle
import prefect
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kedro.pipeline import Pipeline, node
from prefect.engine import signals
from prefect.engine.state import Failed, Success
from prefect.executors import DaskExecutor, LocalDaskExecutor, LocalExecutor

from kedro_prefect_hooks.compat.kedro_params import nested
from kedro_prefect_hooks.config import FlowConfig
from kedro_prefect_hooks.flows.builder import build_flow, fingerprint
from kedro_prefect_hooks.flows.flow import KedroFlow
from kedro_prefect_hooks.flows.mapping import DatasetKinds
from kedro_prefect_hooks.flows.tasks import all_successful
from kedro_prefect_hooks.runs.failures import NodeNotStarted
from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec, session_id_of

SPEC = RunSpec(ProjectRef(path="/nowhere", package="nothing"), "", "")


def chain(length: int, **tags: Any) -> Pipeline:
    return Pipeline(
        [node(lambda x: x, f"d{i}", f"d{i + 1}", name=f"n{i}", tags=tags.get(f"n{i}")) for i in range(length)]
    )


def flow_of(pipeline: Pipeline, **config: Any) -> KedroFlow:
    parameters = {"model": {"size": 3, "kind": "tree"}, "n2": 1}
    settings = FlowConfig.model_validate(config)
    names = {name for n in pipeline.nodes for name in (*n.inputs, *n.outputs)}
    return build_flow("flow", settings, pipeline, SPEC, parameters=parameters, kinds=DatasetKinds(names))


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40), st.randoms())
def test_the_order_is_one_that_prefect_would_allow(pairs: list[tuple[int, int]], random: Any) -> None:
    flow = KedroFlow("any", spec=SPEC)
    tasks = [prefect.Task(name=f"t{i}", slug=f"t{i}") for i in range(12)]
    random.shuffle(tasks)
    for task in tasks:
        flow.add_task(task)
    for low, high in ((min(p), max(p)) for p in pairs if p[0] != p[1]):
        flow.add_edge(tasks[low], tasks[high], validate=False)
    ordered = flow.sorted_tasks()
    assert set(ordered) == set(tasks)
    for edge in flow.edges:
        assert ordered.index(edge.upstream_task) < ordered.index(edge.downstream_task)
    roots = [tasks[0]]
    assert set(flow.sorted_tasks(roots)) == set(prefect.Flow._sorted_tasks(flow, tuple(roots)))


def test_a_cycle_is_refused() -> None:
    flow = KedroFlow("any", spec=SPEC)
    first, second = prefect.Task(name="a", slug="a"), prefect.Task(name="b", slug="b")
    flow.add_edge(first, second, validate=False)
    flow.add_edge(second, first, validate=False)
    with pytest.raises(ValueError, match="acyclic"):
        flow.sorted_tasks()
    with pytest.raises(ValueError, match="not found"):
        flow.sorted_tasks([prefect.Task(name="stranger")])


def test_slugs_do_not_depend_on_tags_and_parameters_do_not_collide() -> None:
    plain, tagged = flow_of(chain(4)), flow_of(chain(4, n2=["slow"]), parameters=["n2"])
    assert set(plain.slugs.values()) == {"n0", "n1", "n2", "n3"}
    assert set(tagged.slugs.values()) == {"n0", "n1", "n2", "n2 (node)", "n3"}
    assert next(task.tags for task in tagged.tasks if task.slug == "n2 (node)") == {"slow"}


def test_fingerprint_follows_structure_alone() -> None:
    assert fingerprint(flow_of(chain(4))) == fingerprint(
        flow_of(chain(4, n1=["slow"]), retries={"max_retries": 1})
    )
    assert fingerprint(flow_of(chain(4))) != fingerprint(flow_of(chain(5)))
    assert fingerprint(flow_of(chain(4))) != fingerprint(flow_of(chain(4), parameters=["model.size"]))


def test_parameters_have_the_configured_default_and_lead_to_their_readers() -> None:
    pipeline = Pipeline(
        [
            node(lambda a: a, "params:model.size", "a", name="reads"),
            node(lambda a: a, "params:model", "b", name="reads_all"),
            node(lambda a: a, "params:model.kind", "c", name="reads_other"),
        ]
    )
    flow = flow_of(pipeline, parameters=["model.size"])
    (parameter,) = flow.parameters()
    assert (parameter.name, parameter.default, parameter.required) == ("model.size", 3, False)
    assert {edge.downstream_task.name for edge in flow.edges_from(parameter)} == {"reads", "reads_all"}


@pytest.mark.parametrize(
    "executor", [LocalExecutor(), LocalDaskExecutor(scheduler="threads"), DaskExecutor(address="tcp://x:1")]
)
def test_the_executor_keeps_its_class_and_survives_pickling(executor: Any) -> None:
    flow = flow_of(chain(2))
    flow.executor = executor
    assert isinstance(flow.executor, type(executor))
    assert type(executor).__name__ == type(flow.executor).__name__
    again = cloudpickle.loads(cloudpickle.dumps(flow))
    assert isinstance(again.executor, type(executor))
    assert again.executor.flow is again
    assert not hasattr(executor, "flow"), "the given executor is left alone"
    assert pickle.loads(pickle.dumps(flow.executor.__class__.__mro__[2])) is type(executor)


def test_an_output_of_the_run_that_is_also_used_is_waited_for() -> None:
    pipeline = Pipeline(
        [
            node(lambda: (1, 2), None, ["used", "left"], name="both"),
            node(lambda used: used, "used", "end", name="last"),
        ]
    )
    assert {task.name for task in flow_of(pipeline).reference_tasks()} == {"both", "last"}


RUN_ID = "8d5e6a2c-0000-4000-8000-00000000002a"
DUE = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc)


def test_the_session_id_derives_from_the_flow_run_alone() -> None:
    assert session_id_of(RUN_ID, DUE) == "2026-01-02T03.04.05.678Z-800000000000002a"
    assert datetime.strptime(session_id_of(RUN_ID, DUE)[:24], "%Y-%m-%dT%H.%M.%S.%fZ")
    assert session_id_of(RUN_ID[:-1] + "b", DUE) != session_id_of(RUN_ID, DUE)


def test_session_ids_of_runs_that_are_due_together_never_collide() -> None:
    ids = {session_id_of(str(uuid.uuid4()), DUE) for _ in range(20_000)}
    assert len(ids) == 20_000


def test_given_parameters_are_runtime_parameters_without_their_siblings() -> None:
    given = {"model.size": 4, "model.deep.er": 9, "rows": 7}
    assert nested(given) == {"model": {"size": 4, "deep": {"er": 9}}, "rows": 7}


def test_a_node_that_was_not_started_is_not_the_cause_of_a_failure() -> None:
    failure, not_started = ValueError("broken"), NodeNotStarted("another node has failed")
    states = [Failed("not started", result=not_started), Failed("broken", result=failure), Success()]
    edges = [prefect.core.Edge(prefect.Task(name=f"t{n}"), prefect.Task()) for n in range(len(states))]
    with pytest.raises(signals.TRIGGERFAIL) as raised:
        all_successful(dict(zip(edges, states)))
    assert raised.value.state.result is failure
    with pytest.raises(signals.TRIGGERFAIL) as raised:
        all_successful({edges[0]: states[0], edges[2]: states[2]})
    assert raised.value.state.result is not_started
    assert all_successful({edges[2]: states[2]})
