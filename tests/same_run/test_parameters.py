"""Flow parameters are `kedro run --params`: the same reading, the same overlay, the same interpolation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from tests import prefect_api
from tests.same_run.conftest import configure, nodes_project, on, saved
from tests.scenarios.project_factory import KEDRO, Project, collect_outputs

HAS_RESOLVERS = KEDRO >= (0, 19)
needs_resolvers = pytest.mark.skipif(not HAS_RESOLVERS, reason="runtime_params needs OmegaConfigLoader")

SOURCE = """
def show(parameters):
    return {
        name: repr(value) if isinstance(value, (type, tuple)) else value
        for name, value in parameters.items()
    }


NODES = [node(show, "parameters", "middle", name="show"), node(same, "middle", "end", name="write")]
"""
FLOW_LOCAL = ("prefect", "run", "flow", "--local")


def make(path: Path, parameters: dict[str, Any], offered: list[str], **options: Any) -> Project:
    source = options.pop("source", SOURCE)
    catalog = {"end": saved("end"), **options.pop("catalog", {})}
    project = nodes_project(path, source, catalog=catalog, parameters=parameters, **options)
    configure(project, {}, of_flow={"parameters": offered})
    return project


def as_text(project: Project) -> str:
    """What the run saw; as text `1`, `1.0` and `true` differ."""
    return json.dumps(collect_outputs(project)["end.json"], sort_keys=True)


@pytest.mark.parametrize("given", ["1.0", "true", "1", "'1'"] if HAS_RESOLVERS else ["1", "2.5"])
@on("flow-local", "flow-dask")
def test_a_value_equal_to_the_default_has_the_type_given(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any], given: str
) -> None:
    project = make(tmp_path / "project", {"size": 1}, ["size"])
    kedro(project, "run", "--params", f"size={given}", ok=True)
    expected = as_text(project)
    project.clean()
    start(project, flow=("--param", f"size={given}"), of_flow={"parameters": ["size"]}, ok=True)
    assert as_text(project) == expected


@needs_resolvers
@on("flow-local", "flow-timeouts")
def test_a_value_that_is_the_default_counts_as_given(tmp_path: Path, start: Callable[..., Any]) -> None:
    parameters = {"size": 1, "given": "${runtime_params:size,nothing}"}
    project = make(tmp_path / "project", parameters, ["size"])
    start(project, of_flow={"parameters": ["size"]}, ok=True)
    assert collect_outputs(project)["end.json"] == {"size": 1, "given": "nothing"}
    start(project, flow=("--param", "size=1"), of_flow={"parameters": ["size"]}, ok=True)
    assert collect_outputs(project)["end.json"] == {"size": 1, "given": 1}


VALUES = (
    "1e-3",
    "2023-11-01",
    "[a, 1, 2.5]",
    "{a: 1}",
    "yes",
    "null",
    "'quoted'",
    "07",
    "some words",
    "1_000",
)


@needs_resolvers
def test_values_are_read_as_kedro_reads_them(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    given = {f"p{number}": value for number, value in enumerate(VALUES) if "," not in value}
    project = make(tmp_path / "project", dict.fromkeys(given, "default"), list(given))
    kedro(project, "run", "--params", ",".join(f"{name}={value}" for name, value in given.items()), ok=True)
    expected = as_text(project)
    project.clean()
    options = [part for name, value in given.items() for part in ("--param", f"{name}={value}")]
    kedro(project, *FLOW_LOCAL, *options, ok=True)
    assert as_text(project) == expected
    assert json.loads(expected)["p0"] == 0.001
    assert json.loads(expected)["p1"] == "2023-11-01"


@needs_resolvers
@pytest.mark.parametrize("environment", [None, {}, {"unrelated": 1}], ids=["base alone", "empty", "others"])
@on("flow-local", "flow-processes")
def test_nested_values_leave_their_siblings_to_kedro(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any], environment: dict[str, Any] | None
) -> None:
    model = {
        "size": 1,
        "twice": "${.size}",
        "given": "${runtime_params:model.size,not given}",
        "kind": "${a_class:}",
        "name": "m1",
    }
    project = make(
        tmp_path / "project",
        {"model": model, "top": "${model.size}"},
        ["model.size"],
        source=SOURCE.replace(
            "for name, value in parameters.items()",
            'for name, value in {**parameters["model"], "top": parameters["top"]}.items()',
        ),
        settings='\nCONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local", '
        '"custom_resolvers": {"a_class": lambda: dict}}\n',
    )
    if environment is not None:  # there Kedro itself would lose the siblings
        project.write_conf("deploy", "parameters", environment)
    else:
        kedro(project, "run", "--params", "model.size=5", ok=True)
        expected = as_text(project)
        project.clean()
    start(project, flow=("--param", "model.size=5"), of_flow={"parameters": ["model.size"]}, ok=True)
    seen = collect_outputs(project)["end.json"]
    assert seen == {
        "size": 5, "twice": 5, "given": 5, "kind": "<class 'dict'>", "name": "m1", "top": 5
    }  # fmt: skip
    if environment is None:
        assert as_text(project) == expected


@needs_resolvers
@on("flow-local", "flow-dask")
def test_one_that_exists_only_as_a_runtime_parameter(tmp_path: Path, start: Callable[..., Any]) -> None:
    parameters = {"shown": "${runtime_params:hidden,7}"}
    project = make(tmp_path / "project", parameters, ["hidden"])
    of_flow = {"parameters": ["hidden"]}
    start(project, of_flow=of_flow, ok=True)
    assert collect_outputs(project)["end.json"]["shown"] == 7
    start(project, flow=("--param", "hidden=8"), of_flow=of_flow, ok=True)
    assert collect_outputs(project)["end.json"]["shown"] == 8


IN_CATALOG = """
def show(raw):
    return raw


def other():
    return "other"


def register_pipelines():
    needs = Pipeline([node(show, "input_raw", "end", name="show")], tags="node")
    does_not = Pipeline([node(other, None, "end", name="other")], tags="node")
    return {"needs": needs, "does_not": does_not, "__default__": needs}
"""


@needs_resolvers
def test_a_catalog_entry_that_needs_one_hurts_its_own_flow_alone(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    raw = saved("input_${runtime_params:which}")
    project = nodes_project(tmp_path / "project", IN_CATALOG, catalog={"input_raw": raw, "end": saved("end")})
    project.write("data/input_a.json", '"content of a"')
    needs = {"pipeline": "needs", "parameters": ["which"]}
    project.write_conf("base", "prefect", {"flows": {"needs": needs, "other": {"pipeline": "does_not"}}})
    assert kedro(project, "prefect", "plan").returncode == 3, "there is something to register"
    with prefect_api.api(project):
        kedro(project, "prefect", "register", ok=True)
    kedro(project, "prefect", "run", "other", "--local", ok=True)
    assert collect_outputs(project)["end.json"] == "other"
    kedro(project, "prefect", "run", "needs", "--local", "--param", "which=a", ok=True)
    assert collect_outputs(project)["end.json"] == "content of a"
    result = kedro(project, "prefect", "run", "needs", "--local")
    assert result.returncode == 1
    assert "which" in result.stdout


def test_what_is_registered_has_no_parameters_of_one_run(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", {"size": 1}, ["size"])
    with prefect_api.api(project) as url:
        kedro(project, "run", "--env", "deploy", "--params", "size=5", ok=True)
        query = "query {flow(where: {archived: {_eq: false}}) {version parameters}}"
        (flow,) = prefect_api.graphql(url, query)["flow"]
        assert [each["default"] for each in flow["parameters"]] == [1]
        kedro(project, "run", "--env", "deploy", ok=True)
        (again,) = prefect_api.graphql(url, query)["flow"]
        assert again == flow, "unchanged"


def test_an_agents_run_gets_what_it_was_given(tmp_path: Path, home: Path, kedro: Callable[..., Any]) -> None:
    shown = {"given": "${runtime_params:size,nothing}"} if HAS_RESOLVERS else {}
    project = make(tmp_path / "project", {"size": 1, "other": 2, **shown}, ["size", "other"])
    log = tmp_path / "agent.log"
    with prefect_api.api(project) as url:
        kedro(project, "prefect", "register", ok=True)
        with prefect_api.agent(url, home, log):
            for given in (1, 1.5, True):
                run_id = prefect_api.start_run(url, "flow", parameters={"size": given})
                run = prefect_api.finished_run(url, run_id, log)
                assert run["state"] == "Success", log.read_text()
                seen = collect_outputs(project)["end.json"]
                expected = {"size": given, "other": 2, **({"given": given} if HAS_RESOLVERS else {})}
                assert json.dumps(seen, sort_keys=True) == json.dumps(expected, sort_keys=True)
