"""A Kedro project whose nodes are read from a file, and an embedded API to register its flows with."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import requests
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from prefect.utilities.graphql import compress

from kedro_prefect_hooks.compat import kedro_project, kedro_session
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.flows.project_flows import ProjectFlows
from kedro_prefect_hooks.registration import plan_project, register_project
from kedro_prefect_hooks.registration.plan import Plan
from kedro_prefect_hooks.registration.summary import Line, Summary
from tests.scenarios.project_factory import Project, make_project

# A test changes the nodes in this file, because a process imports the project's modules only once.
REGISTRY = """
import json
from pathlib import Path

from kedro.pipeline import Pipeline, node


def same(*values):
    return values[0] if values else 1


def doubled(*values):
    return (values[0] if values else 1) * 2


def register_pipelines():
    described = json.loads((Path(__file__).parent / "nodes.json").read_text())
    return {"__default__": Pipeline([
        node(globals()[each.get("body", "same")], each["inputs"], each["outputs"], name=each["name"],
             tags=each.get("tags", []))
        for each in described
    ])}
"""

NODES = [
    {"name": "split", "inputs": ["params:model.test_size"], "outputs": "rows", "tags": ["data"]},
    {"name": "train_model", "inputs": ["rows", "params:model.depth"], "outputs": "model", "tags": ["model"]},
    {"name": "evaluate", "inputs": ["rows", "model"], "outputs": "scores", "tags": ["model"]},
    {"name": "report", "inputs": ["scores", "model"], "outputs": "page", "tags": []},
]
PARAMETERS = {"model": {"test_size": 0.2, "depth": 3}}


def node_chain(length: int) -> list[dict[str, Any]]:
    """A chain of nodes, each depending on the one before."""
    return [
        {"name": f"n{n}", "inputs": [f"d{n - 1}"] if n else [], "outputs": f"d{n}"} for n in range(length)
    ]


@dataclass
class Site:
    """A Kedro project and the Prefect project that it registers its flows in."""

    project: Project
    prefect_project: str
    url: str
    config: dict[str, Any]
    lines: list[str] = field(default_factory=list)

    def nodes(self, nodes: list[dict[str, Any]]) -> None:
        """Set the project's nodes."""
        self.project.write(f"src/{self.project.package}/nodes.json", json.dumps(nodes))

    def configure(self, **changes: Any) -> None:
        """Write `prefect.yml` with changed top-level keys."""
        self.config.update(changes)
        self.project.write_conf("base", "prefect", {**self.config, "project": self.prefect_project})

    def flow(self, name: str = "flights", **settings: Any) -> None:
        """Change the settings of one flow in `prefect.yml`."""
        flows = {**self.config["flows"], name: {**self.config["flows"].get(name, {}), **settings}}
        self.configure(flows=flows)

    def flows(self, env: str | None = None) -> ProjectFlows:
        """The flows, from the current files of the project."""
        if kedro_project.package_name() == self.project.package:
            # Bootstrapping again would also read the settings again, which is slow under pytest.
            pipelines.configure(f"{self.project.package}.pipeline_registry")
        else:
            bootstrap_project(self.project.path)
        session = kedro_session.open_session(self.project.path, self.project.package, env, None, None)
        return ProjectFlows(session.load_context())

    def register(self, *, api: str | None = None, env: str | None = None, **options: Any) -> Summary:
        self.configure(api=api or self.url)
        self.lines = []
        return register_project(self.flows(env), echo=self.lines.append, **options)

    def plan(self, **options: Any) -> Plan:
        self.configure(api=self.url)
        return plan_project(self.flows(), **options)

    def line(self, flow: str = "flights", **options: Any) -> Line:
        """Register and return the result for one flow."""
        return next(line for line in self.register(**options).lines if line.flow == flow)

    def live(self, name: str = "flights") -> list[dict[str, Any]]:
        """Return the live versions of a flow from the API."""
        project = f'project: {{name: {{_eq: "{self.prefect_project}"}}}}'
        where = f'{{name: {{_eq: "{name}"}}, archived: {{_eq: false}}, {project}}}'
        data = graphql(
            self.url,
            f"""query {{ flow(where: {where}) {{
                id version is_schedule_active serialized_flow run_config schedule description
                flow_group {{ id settings }}
                tasks {{ slug name tags }}
                edges {{ upstream_task {{ slug }} downstream_task {{ slug }} }}
            }} }}""",
        )
        flows: list[dict[str, Any]] = data["flow"]
        return flows

    def create_project(self) -> str:
        """Create the Prefect project and return its id."""
        tenant = graphql(self.url, "query { tenant { id } }")["tenant"][0]["id"]
        project = mutate(self.url, "create_project", "id", name=self.prefect_project, tenant_id=tenant)
        return str(project)

    def create_flow(self, content: dict[str, Any], key: str, group: str | None = None) -> str:
        """Create a version of a flow, without a plan, and return its id."""
        project = f'{{name: {{_eq: "{self.prefect_project}"}}}}'
        given = {
            "project_id": graphql(self.url, f"query {{ project(where: {project}) {{ id }} }}")["project"][0][
                "id"
            ],
            "serialized_flow": compress(content),
            "idempotency_key": key,
            "version_group_id": group,
            "set_schedule_active": False,
        }
        return str(mutate(self.url, "create_flow_from_compressed_string", "id", **given))

    def pause(self, flow_id: str) -> None:
        mutate(self.url, "set_schedule_inactive", flow_id=flow_id)


def graphql(url: str, document: str, variables: Any = None) -> dict[str, Any]:
    answer = requests.post(
        url, json={"query": document, "variables": json.dumps(variables)}, timeout=30
    ).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def mutate(url: str, name: str, returned: str = "success", /, **given: Any) -> Any:
    document = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {returned} }} }}"
    return graphql(url, document, {"input": given})[name][returned]


@pytest.fixture(scope="session")
def api_url() -> Iterator[str]:
    """An embedded API, in which each test has its own Prefect project."""
    with EmbeddedServer(None, services=False) as server:
        yield server.url


@pytest.fixture
def make_site(tmp_path: Path, api_url: str) -> Callable[..., Site]:
    def make(name: str = "project", nodes: Any = NODES, **config: Any) -> Site:
        project = make_project(
            tmp_path / name, pipelines=REGISTRY, parameters=PARAMETERS, prefect_hooks=False
        )
        site = Site(project, f"{name}-{uuid.uuid4().hex[:8]}", api_url, {"flows": {"flights": {}}, **config})
        site.nodes(nodes)
        site.configure(api=api_url)
        return site

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()
