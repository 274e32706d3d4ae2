"""An embedded API for each test, and a plain HTTP client for it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer


class Caller:
    """Sends GraphQL to an address without Prefect's client in between."""

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
        """Call a mutation with its input; returns the named part of its payload."""
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {answer} }} }}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        found = self.data(query, {"input": given}, named)[mutation]
        return found[answer] if answer.isidentifier() else found

    def fails(self, mutation: str, given: Dict[str, Any], answer: str = "success") -> str:
        """Call a mutation that must fail; returns the message."""
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {answer} }} }}"
        _, content = self.post(query, {"input": given})
        return str(content["errors"][0]["message"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "state" / "api.sqlite", services=False) as running:
        yield running


@pytest.fixture
def api(server: EmbeddedServer) -> Caller:
    return Caller(server.url)
