"""Which API `api:` selects, and the links to its UI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Callable

import pytest
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.errors import ApiError
from tests import prefect_api
from tests.registration.conftest import Site, graphql, node_chain
from tests.registration.test_repair import REGISTER
from tests.scenarios.project_factory import clean_environment


def run(site: Site, **env: str) -> subprocess.CompletedProcess[str]:
    """Register in a separate process, with these environment variables."""
    home = site.project.path / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", REGISTER, str(site.project.path)],
        env=clean_environment(home, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_embedded_is_called_in_this_process_when_none_is_running(site: Site) -> None:
    line = site.line(api="embedded")
    assert (line.action, line.link) == ("new", None)
    assert location.database_path(site.project.path).is_file()
    assert "kedro prefect up" in site.lines[-1]
    assert site.line(api="embedded").action == "unchanged"


def test_embedded_accepts_a_large_flow_in_one_request(make_site: Callable[..., Site]) -> None:
    site = make_site(nodes=node_chain(1200))
    assert site.line(api="embedded").action == "new"
    assert not any("sent" in line for line in site.lines)
    assert site.line(api="embedded").action == "unchanged"


def test_embedded_uses_the_one_that_is_running(site: Site) -> None:
    path = site.project.path
    with EmbeddedServer(location.database_path(path), services=False) as server:
        location.write_endpoint(path, server.url)
        try:
            line = site.line(api="embedded")
        finally:
            location.remove_endpoint(path)
        site.url = server.url
        group = site.live()[0]["flow_group"]["id"]
    assert line.link == f"{site.url}/#/flow/{group}"
    assert site.url in site.lines[0]


def test_prefect_selects_the_api_that_prefect_is_configured_for(site: Site) -> None:
    site.configure(api="prefect")
    host, port = site.url.rsplit(":", 1)
    result = run(site, PREFECT__BACKEND="server", PREFECT__SERVER__HOST=host, PREFECT__SERVER__PORT=port)
    assert result.returncode == 0, result.stdout
    assert f"Prefect project '{site.prefect_project}' ({site.url})" in result.stdout
    group = site.live()[0]["flow_group"]["id"]
    assert f"http://localhost:8080/default/flow/{group}" in result.stdout


def test_prefect_configured_for_cloud_reports_that_cloud_has_been_shut_down(site: Site) -> None:
    with pytest.raises(ApiError, match=r"Prefect Cloud 1 .*prefect backend server") as caught:
        site.register(api="prefect")
    assert "\n" not in str(caught.value)


def test_link_to_the_ui_of_another_server(site: Site) -> None:
    line = site.line()
    group = site.live()[0]["flow_group"]["id"]
    assert line.link == f"http://127.0.0.1:8080/default/flow/{group}"


def test_summary_as_data_and_as_text(site: Site) -> None:
    site.flow(schedule={"cron": "0 6 * * *"})
    summary = site.register()
    as_data: dict[str, Any] = json.loads(json.dumps(summary.as_dict()))
    (flow,) = as_data["flows"]
    assert (flow["flow"], flow["action"], flow["version"], flow["schedule_paused"]) == (
        "flights",
        "new",
        1,
        False,
    )
    assert site.lines[0] == f"Prefect project '{site.prefect_project}' ({site.url}):"
    assert site.lines[1].split() == ["new", "flights", "version", "1"]
    assert site.lines[2].strip() == flow["link"]
    assert str(summary) == "\n".join(site.lines)
    assert "\x1b" not in str(summary)


def test_prefects_user_configuration_is_not_needed(site: Site, tmp_path: Path) -> None:
    assert not (Path(os.environ["HOME"]) / ".prefect" / "backend.toml").exists()
    assert site.line().action == "new"


def test_a_project_of_another_tenant_with_the_same_name_is_left_alone(tmp_path: Path, site: Site) -> None:
    with EmbeddedServer(tmp_path / "api.sqlite", services=False) as server:
        site.url = server.url
        theirs = prefect_api.add_tenant(tmp_path / "api.sqlite", site.prefect_project)
        line = site.line()
        assert (line.action, line.version) == ("new", 1)
        assert site.line().action == "unchanged"
        query = "query { project { id tenant_id flows { name } } }"
        flows = {each["id"]: len(each["flows"]) for each in graphql(server.url, query)["project"]}
        assert sorted(flows.values()) == [0, 1]
        assert flows[theirs["project"]] == 0
        with set_temporary_config({"cloud.tenant_id": theirs["tenant"]}):
            assert (site.line().action, site.line().action) == ("new", "unchanged")
        flows = {each["id"]: len(each["flows"]) for each in graphql(server.url, query)["project"]}
        assert sorted(flows.values()) == [1, 1]
        unknown = {"cloud.tenant_id": str(uuid.uuid4())}
        message = r"which Prefect is configured for; its tenants are (default|others) \("
        with set_temporary_config(unknown), pytest.raises(ApiError, match=message):
            site.register()
