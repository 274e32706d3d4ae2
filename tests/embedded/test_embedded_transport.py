"""The embedded API without a server: the same answers as over HTTP, and none of the server's packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from kedro_prefect_hooks.api.embedded_transport import EmbeddedTransport
from kedro_prefect_hooks.api.http_transport import HttpTransport
from kedro_prefect_hooks.api.transport import Refusal
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.errors import ApiError

CREATE_PROJECT = "mutation($input: create_project_input!) { create_project(input: $input) { id } }"


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[EmbeddedTransport]:
    opened = EmbeddedTransport(tmp_path / "api.sqlite")
    yield opened
    opened.close()


def test_what_it_writes_a_server_reads(tmp_path: Path, transport: EmbeddedTransport) -> None:
    tenant_id = transport.graphql("{ tenant { id } }")["tenant"][0]["id"]
    project_id = transport.graphql(CREATE_PROJECT, {"input": {"name": "p", "tenant_id": tenant_id}})
    with EmbeddedServer(tmp_path / "api.sqlite", services=False) as server:
        over_http = HttpTransport(server.url, 10)
        projects = over_http.graphql("{ project { id name } }")
        over_http.close()
    assert projects == {"project": [{"id": project_id["create_project"]["id"], "name": "p"}]}


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ nope }", None),
        ("{ flow", None),
        ('{ flow(where: {id: {_eq: "x"}}) { id } }', None),
        (CREATE_PROJECT, None),
        (CREATE_PROJECT, {"input": {"name": "p", "tenant_id": "00000000-0000-0000-0000-000000000000"}}),
    ],
)
def test_it_refuses_as_over_http(
    server: EmbeddedServer, transport: EmbeddedTransport, document: str, variables: object
) -> None:
    reasons = []
    over_http = HttpTransport(server.url, 10)
    for tried in (transport, over_http):
        with pytest.raises(Refusal) as refused:
            tried.graphql(document, variables)  # type: ignore[arg-type]
        reasons.append(refused.value.reasons)
    over_http.close()
    assert reasons[0] == reasons[1]


def test_variables_are_copied_by_way_of_json(transport: EmbeddedTransport) -> None:
    names = transport.graphql(
        "query($names: [String!]) { project(where: {name: {_in: $names}}) { id } }", {"names": ("p", "q")}
    )
    assert names == {"project": []}


def test_an_error_within_the_api_is_reported_with_the_file(
    transport: EmbeddedTransport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kedro_prefect_hooks.embedded.graphql.answers.execute", lambda *_: 1 / 0)
    with pytest.raises(ApiError, match=r"api\.sqlite failed \(ZeroDivisionError: "):
        transport.graphql("{ hello }")


def test_it_needs_no_server() -> None:
    code = """
import sys
sys.modules["starlette"] = sys.modules["uvicorn"] = None
from kedro_prefect_hooks.api.embedded_transport import EmbeddedTransport
from pathlib import Path
from tempfile import TemporaryDirectory
with TemporaryDirectory() as folder:
    transport = EmbeddedTransport(Path(folder, "api.sqlite"))
    print(transport.graphql("{ tenant { slug } }"))
    transport.close()
print([name for name in ("kedro", "prefect", "pydantic") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines() == ["{'tenant': [{'slug': 'default'}]}", "[]"]


@pytest.mark.parametrize("package", ["graphql", "sqlalchemy", "alembic"])
def test_a_missing_package_is_reported_with_the_remedy(tmp_path: Path, package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from pathlib import Path
from kedro_prefect_hooks.api.connection import open_api
from kedro_prefect_hooks.config.models import PrefectConfig
try:
    with open_api(PrefectConfig(flows={{"f": {{}}}}), Path({str(tmp_path)!r})):
        pass
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    assert done.stdout.startswith(f"KedroPrefectError The embedded Prefect API needs the package {package!r}")
    assert "pip install 'kedro-prefect-hooks[embedded]'" in done.stdout
