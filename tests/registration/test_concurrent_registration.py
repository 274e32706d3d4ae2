"""Several processes that register at the same moment leave one live version, and each is told its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest

from kedro_prefect_hooks.api.key import Key
from kedro_prefect_hooks.api.registered import Registered
from kedro_prefect_hooks.flows.project_flows import ProjectFlows
from kedro_prefect_hooks.registration import register_project
from kedro_prefect_hooks.registration.plan import duplicates_of
from kedro_prefect_hooks.registration.summary import Line
from kedro_prefect_hooks.registration.wanted import wanted_flows
from tests.registration.conftest import Site, mutate, node_chain
from tests.registration.proxy import Proxy
from tests.registration.test_repair import REGISTER
from tests.scenarios.project_factory import clean_environment

REGISTER_WITH_BATCH = REGISTER.replace("api.BATCH = 2", "api.BATCH = int(sys.argv[2])")


@pytest.mark.parametrize(("batch", "first"), [(2, True), (500, False)])
def test_two_processes_create_one_version(make_site: Callable[..., Site], batch: int, first: bool) -> None:
    site = make_site(nodes=node_chain(9))
    site.flow(schedule={"cron": "0 6 * * *"})
    if not first:
        site.register()
        site.flow(labels=["etl"])
    with Proxy(site.url, after=meeting(2)) as proxy:
        site.configure(api=proxy.url)
        home = site.project.path / "home"
        home.mkdir()
        command = [sys.executable, "-c", REGISTER_WITH_BATCH, str(site.project.path), str(batch)]
        both = [
            subprocess.Popen(command, env=clean_environment(home), stdout=subprocess.PIPE) for _ in range(2)
        ]
        outputs = [process.communicate(timeout=120)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    (live,) = site.live()
    assert live["version"] == (1 if first else 2)
    assert (len(live["tasks"]), len(live["edges"])) == (9, 8)
    assert live["is_schedule_active"]
    assert site.line().action == "unchanged"


class Unlocked(Proxy):
    """Prefect Server as several registrations see it that run at the same moment: it does not lock.

    None of those that look for a flow of the same name finds one, so each gets a version group of its own.
    """

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        request = json.loads(body)
        variables = json.loads(request["variables"]) or {}
        given = variables.get("input", {})
        if "version_group_id" in given and given["version_group_id"] is None:
            given["version_group_id"] = str(uuid.uuid4())
            body = json.dumps({**request, "variables": json.dumps(variables)}).encode()
        return super()._forward(body)


def meeting(count: int) -> Callable[[int, str], None]:
    """All have the response to their first query before any acts on it."""
    together = threading.Barrier(count, timeout=60)
    seen = threading.local()

    def meet(_: int, what: str) -> None:
        # The proxy has one thread per connection.
        if what == "query" and not getattr(seen, "met", False):
            seen.met = True
            together.wait()

    return meet


def register_at_once(site: Site, proxy: Proxy, count: int) -> list[Line]:
    """Register different code, each with another label, at the same moment."""
    site.configure(api=proxy.url)
    versions: list[ProjectFlows] = []
    for number in range(count):
        site.flow(labels=[f"label-{number}"])
        versions.append(site.flows())
    with ThreadPoolExecutor(count) as pool:
        summaries = pool.map(lambda flows: register_project(flows, echo=site.lines.append), versions)
        return [summary.lines[0] for summary in summaries]


@pytest.mark.parametrize("is_first", [True, False])
def test_four_at_once_with_different_code(site: Site, is_first: bool) -> None:
    if not is_first:
        site.register()
    proxy = (Unlocked if is_first else Proxy)(site.url, after=meeting(4))
    with proxy:
        lines = register_at_once(site, proxy, 4)
    (live,) = site.live()
    (number,) = [int(label[-1]) for label in live["run_config"]["labels"]]
    assert lines[number].followed_by is None
    assert lines[number].version == live["version"]
    for line in lines:
        # One that was done before another came was right to say nothing of it.
        assert line.followed_by is None or line.followed_by > int(line.version or 0) or is_first
    assert sorted(str(line.version) for line in lines) == (["1"] * 4 if is_first else ["2", "3", "4", "5"])
    site.flow(labels=[f"label-{number}"])
    assert site.line().action == "unchanged"


def test_who_comes_before_another_is_told_so(site: Site) -> None:
    site.register()
    site.flow(labels=["first"])

    def another_comes(_: int, what: str) -> None:
        if what.startswith("create_flow"):
            site.create_flow(content, "kedro-prefect/1:other/local:0a:4+5:rests")

    (flow,) = wanted_flows(site.flows())
    content = flow.built_content()
    with Proxy(site.url, after=another_comes) as proxy:
        line = site.line(api=proxy.url)
    assert (line.version, line.followed_by) == (2, 3)
    assert "version 3 was registered at the same moment, and has replaced it" in str(line)


def test_new_versions_that_archive_each_other_leave_one(site: Site) -> None:
    site.register()
    site.flow(labels=["etl"])

    def archived_by_another(_: int, what: str) -> None:
        if what.startswith("create_flow") and not archived:
            archived.append(site.live()[0]["id"])
            mutate(site.url, "archive_flow", flow_id=archived[0])

    archived: list[str] = []
    with Proxy(site.url, after=archived_by_another) as proxy:
        line = site.line(api=proxy.url)
    (live,) = site.live()
    assert (live["version"], line.version, line.followed_by) == (3, 3, None)


def test_versions_that_archive_each_other_again_and_again_leave_one(site: Site) -> None:
    site.register()
    created: list[str] = []
    together = threading.Barrier(2, timeout=60)

    def archived_by_others(_: int, what: str) -> None:
        # As on Prefect Server, where all of them may see the others' versions and archive them.
        if what.startswith("create_flow"):
            if len(created) < 2:
                together.wait()
            created.append(what)
            if len(created) < 5:
                for flow in site.live():
                    mutate(site.url, "archive_flow", flow_id=flow["id"])
            if len(created) == 2:
                both.set()
            both.wait(60)

    both = threading.Event()
    with Proxy(site.url, after=archived_by_others) as proxy:
        lines = register_at_once(site, proxy, 2)
    (live,) = site.live()
    assert live["version"] == 6, "created by one of them: both at once would archive each other for ever"
    assert sorted(line.followed_by or 0 for line in lines) == [0, 6]


def test_a_double_with_another_key_is_archived(site: Site) -> None:
    site.register()
    (flow,) = wanted_flows(site.flows())
    old = str(Key(flow.owner, "0a", flow.tasks, flow.edges))
    site.create_flow(flow.built_content(), old, group="another group")
    assert len(site.live()) == 2
    line = site.line()
    assert "archived another live flow of this name" in str(line)
    assert len(site.live()) == 1
    assert site.line().action == "unchanged"


def test_a_new_version_follows_the_live_one_not_the_one_created_last(site: Site) -> None:
    site.register()
    (flow,) = wanted_flows(site.flows())
    group = site.live()[0]["flow_group"]["id"]
    later = site.create_flow(flow.built_content(), "an archived one", group="another group")
    mutate(site.url, "archive_flow", flow_id=later)
    site.flow(labels=["etl"])
    assert site.line().version == 2
    (live,) = site.live()
    assert live["flow_group"]["id"] == group, "runs, schedules and links of the flow stay together"


def registered(id_: str, version: int, key: Key | None = None, created: str = "10.5") -> Registered:
    key = key or Key("a/local", "0a", 2, 0)
    at = f"2026-01-31T06:00:{created}+00:00"
    return Registered(id_, f"group of {id_}", "flights", version, key, tasks=2, created=at)


def test_all_processes_keep_the_same_flow() -> None:
    one, two = registered("one", 3), registered("two", 1, created="10.123456")
    assert duplicates_of(one, [one, two]) == duplicates_of(two, [two, one]) == (two,)
    same_time = registered("zwei", 1, created="10.500000")
    assert duplicates_of(one, [one, same_time]) == (one,)
    changed = registered("changed", 1, Key("a/local", "0b", 2, 0), created="11")
    assert duplicates_of(one, [one, changed]) == (one,)
    other = registered("other", 1, key=Key("b/local", "0a", 2, 0))
    assert duplicates_of(one, [one, other]) == ()


def test_duplicates_are_archived_and_a_paused_schedule_stays_paused(site: Site) -> None:
    site.flow(schedule={"cron": "0 6 * * *"})
    site.register()
    site.pause(site.live()[0]["id"])
    # A second live flow with the same name and key, as the real server may create it.
    (flow,) = wanted_flows(site.flows())
    key = site.live()[0]["flow_group"]["settings"]["idempotency_key"]
    site.create_flow(flow.built_content(), key, group="another group")
    assert len(site.live()) == 2
    assert site.line().action == "unchanged"
    (live,) = site.live()
    assert not live["is_schedule_active"]
