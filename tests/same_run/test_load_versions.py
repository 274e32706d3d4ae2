"""The versions that `--load-versions` names are the ones that are loaded, on every executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from kedro.framework.cli.project import run as kedro_run

from tests import prefect_api
from tests.same_run.conftest import configure, nodes_project, versioned, write_version
from tests.scenarios.project_factory import Project, collect_outputs, versions

OLD, NEW = "2026-01-01T00.00.00.000Z", "2026-01-02T00.00.00.000Z"
OPTION = next(
    option for each in kedro_run.params for option in each.opts if option.startswith("--load-version")
)
SOURCE = """
NODES = [node(same, "input_data", "middle", name="read"), node(same, "middle", "seen", name="write")]
"""


def make(path: Path) -> Project:
    catalog = {"input_data": versioned("input_data"), "seen": versioned("seen")}
    project = nodes_project(path, SOURCE, catalog=catalog)
    write_version(project, "input_data", OLD, '"old"')
    write_version(project, "input_data", NEW, '"new"')
    return project


def test_the_named_version_is_loaded(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    old = f"input_data:{OLD}"
    start(project, runner=(OPTION, old), flow=("--load-versions", old), ok=True)
    assert collect_outputs(project)["seen.json"] == "old"


def test_an_agent_loads_the_named_version(tmp_path: Path, home: Path, kedro: Callable[..., Any]) -> None:
    project = make(tmp_path / "project")
    configure(project, {})
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "prefect", "register", ok=True)
        kedro(project, "prefect", "run", "flow", "--load-versions", f"input_data:{OLD}", ok=True)
        run_id = prefect_api.graphql(url, "query {flow_run {id}}")["flow_run"][0]["id"]
        with prefect_api.agent(url, home, log):
            run = prefect_api.finished_run(url, run_id, log)
    assert run["state"] == "Success", log.read_text()
    assert collect_outputs(project)["seen.json"] == "old"
    assert len(versions(project, "seen.json")) == 1, "what is saved has the run's own version"
