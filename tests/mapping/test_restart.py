"""Mapped tasks against an API: their task runs, retries, and a restart from failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.api_proxy import proxy
from tests.mapping.conftest import MAPPED, attempts, folder, make, write
from tests.restart.test_restart import restart
from tests.scenarios.project_factory import Project, collect_outputs

pytest.importorskip("kedro_datasets.partitions.partitioned_dataset")

PROCESSES = {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2}
RUNS = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) {
        task_runs(order_by: {map_index: asc}) {map_index name state state_message task {slug}}
    }
}
"""


def configured(path: Path, catalog: Any = None, **flow: Any) -> Project:
    project = make(path, **(catalog or {}))
    project.write_conf("base", "prefect", {"flows": {"flow": {"nodes": MAPPED, **flow}}})
    return project


def slices(url: str, run_id: str, slug: str) -> dict[str, str]:
    """The names and states of a mapped task's slices."""
    runs = prefect_api.graphql(url, RUNS, {"id": run_id})["flow_run_by_pk"]["task_runs"]
    return {
        run["name"]: run["state"] for run in runs if run["task"]["slug"] == slug and run["map_index"] >= 0
    }


@pytest.mark.parametrize(
    ("executor", "keeps"),
    [("LocalExecutor", True), (PROCESSES, False)],
    ids=["local, result", "processes, no result"],
)
def test_only_failed_slices_run_again(
    tmp_path: Path, home: Path, kedro: Callable[..., Any], executor: Any, keeps: bool
) -> None:
    log = tmp_path / "log.txt"
    result = {"type": "LocalResult", "dir": str(tmp_path / "results")} if keeps else None
    project = configured(tmp_path / "project", executor=executor, result=result)
    everything = [f"p{n}" for n in range(5)]
    with prefect_api.api(project) as real:
        kedro(project, "prefect", "register", ok=True)
        project.write("broken/clean-p2", "")
        with proxy(real) as api:
            run_id = prefect_api.start_run(api.url, "flow")
            run = prefect_api.executed(api.url, run_id, home, log)
            assert run["state"] == "Failed", log.read_text()
            assert slices(real, run_id, "clean") == {
                f"clean [{each}]": "Failed" if each == "p2" else "Success" for each in everything
            }
            messages = {each["task"]["slug"]: each["state_message"] for each in run["task_runs"]}
            assert "1 of 5 tasks of 'clean' did not succeed: p2." in messages["clean: all"]
            assert "p2 is broken" in messages["total"], "the tasks that did not run say why"
            assert api.count("get_or_create_task_run_info") == 3, "one request for all slices of a task"
            with_names = [each for each, _ in api.requests if "set_task_run_name" in each]
            assert all("set_task_run_states" in each for each in with_names), "no requests for names alone"
        rest = [f"{name} {each}" for name in ("double", "score") for each in everything]
        others = [each for each in rest if "p2" not in each]
        assert attempts(project) == [*(f"clean {each}" for each in everything), *others]
        (project.path / "attempts.txt").unlink()
        (project.path / "broken" / "clean-p2").unlink()
        project.write("broken/double-p2", "")
        write(project, "p9")  # is not part of what the flow run has listed
        restart(real, run_id)
        run = prefect_api.executed(real, run_id, home, log)
        assert run["state"] == "Failed", log.read_text()
        assert attempts(project) == ["clean p2", "double p2", "score p2"], log.read_text()
        (project.path / "attempts.txt").unlink()
        (project.path / "broken" / "double-p2").unlink()
        restart(real, run_id)
        run = prefect_api.executed(real, run_id, home, log)
        assert run["state"] == "Success", log.read_text()
        # What was in memory is made again, from the start of the chain.
        again = ["double p2"] if keeps else [*(f"clean {each}" for each in everything), *rest]
        assert attempts(project) == again, log.read_text()
    assert [key for key, _ in collect_outputs(project)["end.json"][0]] == everything


CONFIRMS = """
def clean(raw):
    attempt("clean", raw)
    return {key: text + "!" for key, text in raw.items()}


def total(cleaned):
    attempt("total", [])
    return sorted(cleaned)
"""
CONFIRMS_NODES = """
    node(clean, "raw", "cleaned", name="clean", confirms="raw"),
    node(total, "cleaned", "end", name="total"),
"""


def broken(project: Project, *names: str) -> None:
    """Let these fail, and no others."""
    for file in (project.path / "broken").glob("*"):
        file.unlink()
    for name in names:
        project.write(f"broken/{name}", "")


@pytest.mark.parametrize("persisted", [True, False], ids=["persisted", "memory"])
def test_what_all_slices_have_loaded_is_confirmed_once(
    tmp_path: Path, home: Path, kedro: Callable[..., Any], persisted: bool
) -> None:
    """After a restart too: not what has arrived since, and never past what would be needed again."""
    source = CONFIRMS.replace('attempt("total", [])', 'attempt("total", ["all"])')
    catalog = {"raw": folder("raw", type="partitions.IncrementalDataset"), "cleaned": folder("cleaned")}
    if not persisted:
        catalog["cleaned"] = {"type": "MemoryDataset"}
    project = make(tmp_path / "project", 3, source, CONFIRMS_NODES, **catalog)
    project.write_conf("base", "prefect", {"flows": {"flow": {"nodes": {"clean": {"map": "raw"}}}}})
    checkpoint = project.data / "raw" / "CHECKPOINT"
    log = tmp_path / "log.txt"
    with prefect_api.api(project) as url:
        kedro(project, "prefect", "register", ok=True)
        broken(project, "clean-p1", "total-all")
        run_id = prefect_api.start_run(url, "flow")
        assert prefect_api.executed(url, run_id, home, log)["state"] == "Failed", log.read_text()
        assert not checkpoint.exists(), "a slice has failed"
        write(project, "p9")
        broken(project, "total-all")
        restart(url, run_id)
        assert prefect_api.executed(url, run_id, home, log)["state"] == "Failed", log.read_text()
        assert checkpoint.read_text() == "p2", "what was listed, not what has arrived since"
        broken(project)
        restart(url, run_id)
        run = prefect_api.executed(url, run_id, home, log)
    done = [each for each in attempts(project) if each.startswith("clean")]
    assert sorted(done) == (["clean p0", "clean p1", "clean p1", "clean p2"] if persisted else done)
    assert checkpoint.read_text() == "p2"
    if persisted:
        assert run["state"] == "Success", log.read_text()
        assert collect_outputs(project)["end.json"] == ["p0", "p1", "p2"]
    else:
        assert run["state"] == "Failed", log.read_text()
        messages = " ".join(str(each["state_message"]) for each in run["task_runs"])
        assert "cannot be restarted here" in messages and "past the checkpoint" in messages, messages
