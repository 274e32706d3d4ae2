"""What was confirmed cannot be loaded again: a restart that would need it is refused, and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest

from tests.restart.test_restart import failed_then_restarted
from tests.scenarios.project_factory import Project, collect_outputs, make_project

pytest.importorskip("kedro_datasets.partitions.incremental_dataset")

PIPELINES = """
from pathlib import Path

from kedro.pipeline import Pipeline, node

PROJECT = Path(__file__).resolve().parents[2]


def same(x):
    return x


def read(orders):
    return sorted(orders)


def fails_once(names):
    if (PROJECT / "broken" / "flaky").exists():
        raise RuntimeError("broken")
    return names


def both(orders, checked):
    return [sorted(orders), checked]


def register_pipelines():
    return {"__default__": Pipeline(NODES)}
"""
ONE_AFTER_THE_OTHER = """
NODES = [
    node(read, "orders", "names", name="read", confirms="orders"),
    node(fails_once, "names", "checked", name="flaky"),
    node(same, "checked", "end", name="write"),
]
"""
LOADED_LATE = """
NODES = [
    node(read, "orders", "names", name="read", confirms="orders"),
    node(fails_once, "input_x", "checked", name="flaky"),
    node(both, ["orders", "checked"], "end", name="late"),
]
"""
FAILS_ITSELF = """
NODES = [
    node(lambda orders: fails_once(read(orders)), "orders", "end", name="flaky", confirms="orders"),
]
"""


class Restarted(NamedTuple):
    """A flow run that has failed in `flaky` and was restarted, when it has ended again."""

    project: Project
    state: str
    said: str


@pytest.fixture
def restarted(tmp_path: Path, home: Path, kedro: Callable[..., Any]) -> Callable[..., Restarted]:
    def run(nodes: str, **settings: Any) -> Restarted:
        names = {
            name: {"type": "JsonDataset", "filepath": f"data/{name}.json"} for name in ("input_x", "names")
        }
        project = make_project(
            tmp_path / "project",
            pipelines=PIPELINES + nodes,
            catalog={
                "orders": {
                    "type": "partitions.IncrementalDataset",
                    "path": "data/orders",
                    "filename_suffix": ".txt",
                    "dataset": "text.TextDataset",
                },
                "end": {"type": "JsonDataset", "filepath": "data/end.json"},
                **(names if nodes == LOADED_LATE else {}),
            },
            prefect={"flows": {"flow": settings}},
        )
        for name in ("p1", "p2"):
            project.write(f"data/orders/{name}.txt", name)
        project.write("data/input_x.json", "1")
        found = failed_then_restarted(project, "flaky", home, tmp_path / "agent.log", kedro)
        messages = [str(task["state_message"]) for task in found["task_runs"]]
        return Restarted(project, found["state"], " ".join([str(found["state_message"]), *messages]))

    return run


@pytest.mark.parametrize("has_result", [False, True], ids=["without a result", "with a result"])
def test_a_restart_is_refused_or_has_the_data(
    tmp_path: Path, restarted: Callable[..., Restarted], has_result: bool
) -> None:
    result = {"type": "LocalResult", "dir": str(tmp_path / "results")}
    run = restarted(ONE_AFTER_THE_OTHER, **({"result": result} if has_result else {}))
    assert (run.project.data / "orders" / "CHECKPOINT").read_text() == "p2"
    if has_result:
        assert run.state == "Success", run.said
        assert collect_outputs(run.project)["end.json"] == ["p1", "p2"]
    else:
        assert run.state == "Failed", run.said
        assert "end.json" not in collect_outputs(run.project)
        assert "This flow run cannot be restarted here" in run.said
        assert "'orders' past the checkpoint" in run.said


@pytest.mark.parametrize("executor", ["LocalExecutor", "DaskExecutor"])
def test_a_node_that_has_yet_to_load_is_refused(restarted: Callable[..., Restarted], executor: str) -> None:
    run = restarted(LOADED_LATE, executor={"type": executor})
    assert run.state == "Failed", "it would have loaded nothing"
    assert "Node 'late' cannot load 'orders': before this flow run was restarted, node 'read' may" in run.said
    assert "end.json" not in collect_outputs(run.project)


def test_a_group_that_may_have_confirmed_is_refused(restarted: Callable[..., Restarted]) -> None:
    run = restarted(ONE_AFTER_THE_OTHER, group_by="memory")
    assert run.state == "Failed", "it would have loaded nothing"
    assert "Node 'read' cannot load 'orders': before this flow run was restarted, node 'read' may" in run.said


def test_a_node_that_has_failed_itself_has_not_confirmed(restarted: Callable[..., Restarted]) -> None:
    run = restarted(FAILS_ITSELF)
    assert run.state == "Success", run.said
    assert collect_outputs(run.project)["end.json"] == ["p1", "p2"]
