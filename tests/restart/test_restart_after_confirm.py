"""What was confirmed cannot be loaded again: a restart that would need it is refused, and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.restart.test_restart import restart
from tests.scenarios.project_factory import collect_outputs, make_project

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


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(read, "orders", "names", name="read", confirms="orders"),
                node(fails_once, "names", "checked", name="flaky"),
                node(same, "checked", "end", name="write"),
            ]
        )
    }
"""


@pytest.mark.parametrize("has_result", [False, True], ids=["without a result", "with a result"])
def test_a_restart_is_refused_or_has_the_data(
    tmp_path: Path, home: Path, kedro: Callable[..., Any], has_result: bool
) -> None:
    result = {"type": "LocalResult", "dir": str(tmp_path / "results")}
    project = make_project(
        tmp_path / "project",
        pipelines=PIPELINES,
        catalog={
            "orders": {
                "type": "partitions.IncrementalDataset",
                "path": "data/orders",
                "filename_suffix": ".txt",
                "dataset": "text.TextDataset",
            },
            "end": {"type": "JsonDataset", "filepath": "data/end.json"},
        },
        prefect={"flows": {"flow": {"result": result} if has_result else {}}},
    )
    for name in ("p1", "p2"):
        project.write(f"data/orders/{name}.txt", name)
    project.break_node("flaky")
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "prefect", "register", ok=True)
        with prefect_api.agent(url, home, log):
            run_id = prefect_api.start_run(url, "flow")
            assert prefect_api.finished_run(url, run_id, log)["state"] == "Failed", log.read_text()
            project.fix_node("flaky")
            restart(url, run_id)
            run = prefect_api.finished_run(url, run_id, log)
    assert (project.data / "orders" / "CHECKPOINT").read_text() == "p2"
    if has_result:
        assert run["state"] == "Success", log.read_text()
        assert collect_outputs(project)["end.json"] == ["p1", "p2"]
    else:
        assert run["state"] == "Failed", run["state_message"]
        assert "end.json" not in collect_outputs(project)
        messages = " ".join(str(task["state_message"]) for task in run["task_runs"])
        assert "This flow run cannot be restarted here" in messages
        assert "'orders' past the checkpoint" in messages
