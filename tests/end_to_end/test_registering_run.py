"""The run that registers is Kedro's own, with its own environment and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from tests.scenarios.project_factory import KEDRO, make_project

PIPELINES = """
from kedro.pipeline import node, pipeline


def register_pipelines():
    return {"__default__": pipeline([node(lambda size: size, "params:model.size", "end", name="n")])}
"""
END = {"type": "JsonDataset", "filepath": "${globals:folder}/${runtime_params:name,unnamed}.json"}


@pytest.mark.skipif(KEDRO < (0, 19), reason="runtime_params came with Kedro 0.19")
def test_globals_and_runtime_parameters_stay_those_of_the_run(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    flows = {"all": {"parameters": ["model.size"]}}
    project = make_project(
        tmp_path / "project",
        pipelines=PIPELINES,
        catalog={"end": END},
        parameters={"model": {"size": 1, "kind": "tree"}},
        prefect={"flows": flows},
    )
    project.write_conf("base", "globals", {"folder": "data/of_base"})
    project.write_conf("deploy", "globals", {"folder": "data/of_deploy"})
    project.write_conf("deploy", "parameters", {"other": 1})
    result = kedro(project, "run", "--env", "deploy", "--params", "name=given,model.size=5", ok=True)
    assert "new" in result.stdout, "it registers"
    written = [path.relative_to(project.data).as_posix() for path in project.data.rglob("*.json")]
    assert written == ["of_deploy/given.json"]
    kedro(project, "prefect", "run", "all", "--local", "--env", "deploy", "--param", "model.size=7", ok=True)
    written = sorted(path.relative_to(project.data).as_posix() for path in project.data.rglob("*.json"))
    assert written == ["of_deploy/given.json", "of_deploy/unnamed.json"]
