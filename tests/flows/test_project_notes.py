"""What `plan` says of flows whose runs will probably fail: inputs and credentials that nothing provides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.scenarios.project_factory import Project, make_project

REGISTRY = """
from kedro.pipeline import Pipeline, node


def both(*values):
    return values


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(both, ["clean", "claen", "params:model.size"], "joined", name="join"),
                node(both, ["joined", "kept", "params:modle.size"], "result", name="use"),
            ]
        ),
        "rest": Pipeline([node(both, ["joined", "params:dotted.name"], "result", name="use")]),
    }
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(
        tmp_path / "project",
        pipelines=REGISTRY,
        catalog={
            "clean": {"type": "pickle.PickleDataset", "filepath": "data/t.pkl", "credentials": "warehouse"},
            "kept": {"type": "MemoryDataset"},
        },
        parameters={"model": {"size": 1}, "dotted.name": 2},
        prefect={"flows": {"all": {}, "rest": {"pipeline": "rest"}, "again": {"pipeline": "rest"}}},
    )


def test_plan_names_what_nothing_provides(project: Project, kedro: Callable[..., Any]) -> None:
    project.write_conf("local", "credentials", {"warehouse": {"key": "x"}})
    plan = kedro(project, "prefect", "plan", "--json", "--output", "plan.json")
    assert plan.returncode == 3, plan.stdout
    data = json.loads((project.path / "plan.json").read_text(encoding="utf-8"))
    assert data["environment"] == "deploy"
    expected = [
        "flow all: nothing produces the input 'claen' of the node 'join': no node of the flow, and it is not "
        "in the catalog. Did you mean 'clean'?",
        "flow all: nothing produces the input 'kept' of the node 'use': no node of the flow, and it is in "
        "memory only.",
        "flow all: the parameter 'modle.size' of the node 'use' is not in the configuration. "
        "Did you mean 'model.size'?",
        "flow all: the credentials 'warehouse' of the dataset 'clean' are not in conf/base or conf/deploy. "
        "conf/local is not read: put them into conf/deploy.",
        "flows rest, again: nothing produces the input 'joined' of the node 'use'",
    ]
    assert len(data["notes"]) == len(expected), data["notes"]
    for note, start in zip(data["notes"], expected):
        assert note.startswith(start), note
    assert "not conf/local" in plan.stdout


def test_nothing_is_said_of_what_is_there(project: Project, kedro: Callable[..., Any]) -> None:
    project.write_conf("deploy", "credentials", {"warehouse": {"key": "x"}})
    project.write_conf("base", "prefect", {"flows": {"all": {"to_outputs": ["joined"]}}})
    registry = project.source / "pipeline_registry.py"
    registry.write_text(registry.read_text().replace('"claen"', '"clean"'))
    printed = kedro(project, "prefect", "plan").stdout
    assert "Note:" not in printed
    assert "Environment deploy: reads conf/base and conf/deploy, not conf/local." in printed


def test_the_error_of_missing_credentials_says_which_folders_were_read(
    project: Project, kedro: Callable[..., Any]
) -> None:
    project.write_conf("local", "credentials", {"warehouse": {"key": "x"}})
    run = kedro(project, "prefect", "run", "rest", "--local")
    assert run.returncode != 0
    printed = " ".join(run.stdout.split())
    assert "Unable to find credentials 'warehouse'" in printed
    assert "read from conf/base and conf/deploy; conf/local is not read: put the credentials into" in printed
