"""Each environment of the example is valid, and its README names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.example.conftest import REPOSITORY, copy_of_the_example, run_python
from tests.scenarios.project_factory import KEDRO

ENVIRONMENTS = sorted(
    folder.name for folder in (REPOSITORY / "conf_example").iterdir() if (folder / "globals.yml").exists()
)

READ = """
import json, os, sys
from pathlib import Path

os.environ["KEDRO_PREFECT_DISABLE"] = "1"  # opening a session would register the flows
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro_prefect_hooks.config import load_config

project, found = Path.cwd(), {}
bootstrap_project(project)
for env in sys.argv[1:]:
    with KedroSession.create(project, env=env) as session:
        config = load_config(session.load_context().config_loader, project_path=project)
    flow = config.flows["delay-tables"]
    run_config = flow.build_run_config()
    found[env] = {
        "project": config.project,
        "flows": len(config.flows),
        "executor": type(flow.build_executor()).__name__,
        "run_config": run_config and run_config.serialize(),
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    """What each environment says, read in a copy of the project."""
    if KEDRO < (1, 0):
        pytest.skip("the example is a project for Kedro 1")
    project = copy_of_the_example(tmp_path_factory.mktemp("environments"))
    environments = [name for name in ENVIRONMENTS if name != "base"]
    printed = run_python(project, "-c", READ, *environments)
    return {"copy": str(project), **json.loads(printed.splitlines()[-1])}


def test_each_environment_has_the_same_flows(read: Dict[str, Any]) -> None:
    assert [name for name in ENVIRONMENTS if name != "base"] == ["dask", "deploy", "docker", "server"]
    assert {read[name]["flows"] for name in ENVIRONMENTS if name != "base"} == {4}


def test_environments_that_share_an_api_have_prefect_projects_of_their_own(read: Dict[str, Any]) -> None:
    assert [read[name]["project"] for name in ("deploy", "dask", "docker")] == [
        None,
        "flights-dask",
        "flights-docker",
    ]


def test_each_environment_is_what_its_name_says(read: Dict[str, Any]) -> None:
    assert read["dask"]["executor"] == read["server"]["executor"] == "DaskExecutor"
    run_config = read["docker"]["run_config"]
    assert run_config["type"] == "DockerRun"
    # what is mounted is what this project has, wherever the clone is
    project = Path(read["copy"])
    assert run_config["host_config"]["binds"] == [
        f"{project.as_posix()}/data:/home/kedro_docker/data",
        f"{project.parents[1].as_posix()}/conf_example:/conf_example:ro",
    ]


def test_the_readme_names_each_environment() -> None:
    readme = (REPOSITORY / "examples" / "flights" / "README.md").read_text(encoding="utf-8")
    assert [name for name in ENVIRONMENTS if f"`{name}/" not in readme] == []
