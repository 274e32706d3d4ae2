"""A registration interrupted between any two requests, on either side, is repaired by the next one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any, Callable

import pytest

from kedro_prefect_hooks.api import client as prefect_api
from kedro_prefect_hooks.errors import ApiError, RegistrationError
from tests.registration.conftest import NODES, Site, node_chain
from tests.registration.proxy import Proxy, cut_at, wait_for
from tests.scenarios.project_factory import clean_environment

DAILY = {"cron": "0 6 * * *"}

REQUESTS = [
    "query",
    "create_project",
    "create_flow_from_compressed_string",
    "register_tasks",
    "register_tasks",
    "register_edges",
    "register_edges",
    "set_schedule_active",
    "register_edges",
    "query",
]
"""The requests that register 4 tasks and 5 edges in batches of two."""

REGISTER = """
import sys
from pathlib import Path
from kedro.framework.startup import bootstrap_project
from kedro_prefect_hooks.compat import kedro_session
from kedro_prefect_hooks.flows.project_flows import ProjectFlows
from kedro_prefect_hooks.registration import register_project
from kedro_prefect_hooks.api import client as api

api.BATCH = 2
project = Path(sys.argv[1])
bootstrap_project(project)
register_project(ProjectFlows(kedro_session.open_session(project, None, None, None, None).load_context()))
"""


@pytest.fixture
def in_batches(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(prefect_api, "BATCH", 2)
    site.flow(schedule=DAILY)
    return site


def assert_complete(site: Site, version: int) -> None:
    (live,) = site.live()
    assert sorted(task["slug"] for task in live["tasks"]) == sorted(str(node["name"]) for node in NODES)
    edges = [(edge["upstream_task"]["slug"], edge["downstream_task"]["slug"]) for edge in live["edges"]]
    assert len(edges) == len(set(edges)) == 5
    assert live["version"] == version
    assert live["is_schedule_active"]
    assert site.line().action == "unchanged"


def test_a_registration_in_batches(in_batches: Site) -> None:
    with Proxy(in_batches.url) as proxy:
        in_batches.register(api=proxy.url)
    assert proxy.requests == REQUESTS
    assert_complete(in_batches, 1)


@pytest.mark.parametrize("number", range(1, len(REQUESTS) + 1))
def test_cut_before_each_request_of_a_first_registration(in_batches: Site, number: int) -> None:
    cut = Proxy(in_batches.url, before=cut_at(number))
    with cut as proxy, pytest.raises((ApiError, RegistrationError)) as caught:
        in_batches.register(api=proxy.url)
    assert "\n" not in str(caught.value)
    in_batches.register()
    assert_complete(in_batches, 1)


@pytest.mark.parametrize("number", range(1, len(REQUESTS) + 1))
def test_cut_before_each_request_of_a_changed_registration(in_batches: Site, number: int) -> None:
    in_batches.register()
    in_batches.flow(labels=["etl"])
    cut = Proxy(in_batches.url, before=cut_at(number))
    with cut as proxy, pytest.raises((ApiError, RegistrationError)):
        in_batches.register(api=proxy.url)
    in_batches.register()
    assert_complete(in_batches, 2)


@pytest.mark.parametrize("number", [2, 3, 8])
def test_response_lost_after_the_api_has_acted(in_batches: Site, number: int) -> None:
    with Proxy(in_batches.url, after=cut_at(number)) as proxy, pytest.raises((ApiError, RegistrationError)):
        in_batches.register(api=proxy.url)
    in_batches.register()
    assert_complete(in_batches, 1)


@pytest.mark.parametrize("number", range(1, 5))
def test_cut_in_a_registration_in_one_request(site: Site, number: int) -> None:
    site.flow(schedule=DAILY)
    with Proxy(site.url, after=cut_at(number)) as proxy, pytest.raises((ApiError, RegistrationError)):
        site.register(api=proxy.url)
    site.register()
    assert_complete(site, 1)


def test_repair_is_reported_and_sends_only_what_is_missing(in_batches: Site) -> None:
    with Proxy(in_batches.url, before=cut_at(6)) as proxy, pytest.raises(
        ApiError, match="The registration is incomplete"
    ):
        in_batches.register(api=proxy.url)
    with Proxy(in_batches.url) as proxy:
        line = in_batches.line(api=proxy.url)
    assert (line.action, line.version) == ("incomplete", 1)
    assert "5 of 5 edges missing; repaired" in str(line)
    assert "register_tasks" not in proxy.requests
    assert "create_flow_from_compressed_string" not in proxy.requests


def test_repair_of_a_paused_flow_keeps_it_paused(in_batches: Site) -> None:
    in_batches.register()
    in_batches.pause(in_batches.live()[0]["id"])
    in_batches.flow(labels=["etl"])
    with Proxy(in_batches.url, before=cut_at(6)) as proxy, pytest.raises(ApiError):
        in_batches.register(api=proxy.url)
    assert in_batches.line().paused
    assert not in_batches.live()[0]["is_schedule_active"]


def test_a_flow_changed_after_an_incomplete_registration_still_starts_its_schedule(in_batches: Site) -> None:
    with Proxy(in_batches.url, before=cut_at(6)) as proxy, pytest.raises(ApiError):
        in_batches.register(api=proxy.url)
    in_batches.flow(labels=["etl"])
    in_batches.register()
    assert_complete(in_batches, 2)


@pytest.mark.parametrize("number", [3, 6, 8])
def test_killed_between_two_requests(in_batches: Site, number: int) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    def kill(this: int, _: str) -> None:
        if this == number:
            os.kill(processes[0].pid, signal.SIGKILL)
            processes[0].wait(30)

    with Proxy(in_batches.url, after=kill) as proxy:
        in_batches.configure(api=proxy.url)
        home = in_batches.project.path / "home"
        home.mkdir()
        command = [sys.executable, "-c", REGISTER, str(in_batches.project.path)]
        processes.append(subprocess.Popen(command, env=clean_environment(home), stdout=subprocess.DEVNULL))
        wait_for(lambda: processes[0].poll() is not None, 60)
        assert processes[0].returncode == -signal.SIGKILL
    in_batches.register()
    assert_complete(in_batches, 1)


def test_a_server_that_ignores_tasks_sent_with_the_flow_gets_them_separately(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kedro_prefect_hooks.embedded.operations import flow_versions

    ignored: list[str] = []

    def ignoring_once(name: str) -> None:
        real = getattr(flow_versions, name)

        def insert(*arguments: Any) -> None:
            if name in ignored:
                real(*arguments)
            ignored.append(name)

        monkeypatch.setattr(flow_versions, name, insert)

    ignoring_once("insert_tasks")
    ignoring_once("insert_edges")
    site.flow(schedule=DAILY)
    site.register()
    assert len(ignored) > 2
    assert_complete(site, 1)


@pytest.mark.parametrize(("length", "batches"), [(500, 1), (501, 2), (1000, 2)])
def test_an_exact_multiple_of_500_sends_no_empty_batch(
    make_site: Callable[..., Site], length: int, batches: int
) -> None:
    site = make_site(nodes=node_chain(length))
    with Proxy(site.url) as proxy:
        site.register(api=proxy.url)
    assert len(site.live()[0]["tasks"]) == length
    assert len(site.live()[0]["edges"]) == length - 1
    sizes = [len(size) for size in map(batch_of, proxy.bodies) if size is not None]
    assert 0 not in sizes
    assert proxy.requests.count("register_tasks") == (0 if batches == 1 else batches)


def batch_of(body: dict[str, str]) -> list[object] | None:
    given = (json.loads(body["variables"]) or {}).get("input", {})
    found: list[object] | None = given.get("serialized_tasks", given.get("serialized_edges"))
    return found
