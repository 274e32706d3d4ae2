"""An embedded API for each test, and a plain HTTP client for it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer


class Caller:
    """Sends GraphQL to a URL, without Prefect's client."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(
        self, query: str, variables: Any = None, headers: Optional[Dict[str, str]] = None
    ) -> Tuple[int, Dict[str, Any]]:
        return self.send(json.dumps({"query": query, "variables": variables}).encode(), headers)

    def send(self, body: bytes, headers: Optional[Dict[str, str]] = None) -> Tuple[int, Any]:
        given = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"{self.url}/graphql", body, given)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            text = refused.read().decode()
            return refused.code, json.loads(text) if text.startswith("{") else text

    def data(self, query: str, variables: Any = None, headers: Optional[Dict[str, str]] = None) -> Any:
        status, answer = self.post(query, variables, headers)
        assert status == 200 and "errors" not in answer, answer
        return answer["data"]

    def do(self, mutation: str, given: Dict[str, Any], answer: str = "success", **headers: str) -> Any:
        """Call a mutation with its input; returns the field `answer` of its payload."""
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {answer} }} }}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        found = self.data(query, {"input": given}, named)[mutation]
        return found[answer] if answer.isidentifier() else found

    def fails(self, mutation: str, given: Dict[str, Any], answer: str = "success") -> str:
        """Call a mutation that must fail; returns the message."""
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {answer} }} }}"
        _, content = self.post(query, {"input": given})
        return str(content["errors"][0]["message"])


class Seed:
    """Creates projects, flows and runs by the API's own mutations."""

    def __init__(self, api: Caller) -> None:
        self.api = api
        self.tenant_id = str(api.data("{ tenant { id } }")["tenant"][0]["id"])

    def project(self, name: str) -> str:
        return str(self.api.do("create_project", {"name": name, "tenant_id": self.tenant_id}, "id"))

    def project_id(self, name: str) -> str:
        """The id of a project that exists."""
        return str(
            self.api.data(f'{{ project(where: {{name: {{_eq: "{name}"}}}}) {{ id }} }}')["project"][0]["id"]
        )

    def flow_of(self, run_id: str) -> str:
        """The id of the flow version of a flow run."""
        query = f'{{ flow_run_by_pk(id: "{run_id}") {{ flow_id }} }}'
        return str(self.api.data(query)["flow_run_by_pk"]["flow_id"])

    def flow(self, project_id: str, name: str, tasks: Sequence[Any] = ("a", "b"), **more: Any) -> str:
        """A flow whose tasks form a chain; `more` is for the mutation's input or for the serialized flow."""
        slugs = [each if isinstance(each, str) else each["slug"] for each in tasks]
        known = {"idempotency_key", "set_schedule_active", "version_group_id", "description"}
        flow = {
            "name": name,
            "tasks": [task(each) if isinstance(each, str) else each for each in tasks],
            "edges": [edge(a, b) for a, b in zip(slugs, slugs[1:])],
            "parameters": [],
            "run_config": {"type": "LocalRun", "labels": ["here"]},
            "__version__": "1.1.0",
            **{key: value for key, value in more.items() if key not in known},
        }
        given = {key: value for key, value in more.items() if key in known}
        return str(
            self.api.do("create_flow", {"project_id": project_id, "serialized_flow": flow, **given}, "id")
        )

    def run(self, flow_id: str, **given: Any) -> str:
        return str(self.api.do("create_flow_run", {"flow_id": flow_id, **given}, "id"))

    def flow_state(self, run_id: str, kind: str, **more: Any) -> None:
        state = {"type": kind, "message": f"now {kind}", **more}
        self.api.do(
            "set_flow_run_states", {"states": [{"flow_run_id": run_id, "state": state}]}, "states { status }"
        )

    def task_state(self, task_run_id: str, kind: str, **more: Any) -> None:
        state = {"type": kind, "message": f"now {kind}", **more}
        given = {"states": [{"task_run_id": task_run_id, "state": state}]}
        self.api.do("set_task_run_states", given, "states { status }")

    def task_runs(self, run_id: str) -> Dict[str, str]:
        """The task runs of a flow run by their tasks' slugs."""
        found = self.api.data(
            f'{{ flow_run_by_pk(id: "{run_id}") {{ task_runs {{ id task {{ slug }} }} }} }}'
        )
        return {row["task"]["slug"]: row["id"] for row in found["flow_run_by_pk"]["task_runs"]}


def task(slug: str, **more: Any) -> Dict[str, Any]:
    trigger = {"fn": "prefect.triggers.all_successful", "kwargs": {}}
    return {"slug": slug, "name": slug, "type": "T", "tags": [], "max_retries": 0, "trigger": trigger, **more}


def edge(upstream: str, downstream: str) -> Dict[str, Any]:
    return {"upstream_task": {"slug": upstream}, "downstream_task": {"slug": downstream}, "mapped": False}


@pytest.fixture
def seed(api: Caller) -> Seed:
    return Seed(api)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "state" / "api.sqlite", services=False) as running:
        yield running


@pytest.fixture
def api(server: EmbeddedServer) -> Caller:
    return Caller(server.url)
