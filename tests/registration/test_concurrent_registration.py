"""Two processes that register at the same moment create one new version."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Callable

import pytest

from kedro_prefect_hooks.api.key import Key
from kedro_prefect_hooks.api.registered import Registered
from kedro_prefect_hooks.registration.plan import duplicates_of
from kedro_prefect_hooks.registration.wanted import wanted_flows
from tests.registration.conftest import Site, node_chain
from tests.registration.proxy import Proxy
from tests.registration.test_repair import REGISTER
from tests.scenarios.project_factory import clean_environment

REGISTER_WITH_BATCH = REGISTER.replace("api.BATCH = 2", "api.BATCH = int(sys.argv[2])")


@pytest.mark.parametrize(("batch", "first"), [(2, True), (500, True), (2, False)])
def test_two_processes_create_one_version(make_site: Callable[..., Site], batch: int, first: bool) -> None:
    site = make_site(nodes=node_chain(9))
    site.flow(schedule={"cron": "0 6 * * *"})
    if not first:
        site.register()
        site.flow(labels=["etl"])
    together = threading.Barrier(2, timeout=60)
    seen = threading.local()

    def meet(_: int, what: str) -> None:
        # Both have the response to their first query before either acts on it. The proxy has one thread per
        # connection.
        if what == "query" and not getattr(seen, "met", False):
            seen.met = True
            together.wait()

    with Proxy(site.url, after=meet) as proxy:
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


def registered(id_: str, version: int, tasks: int = 2, key: Key | None = None) -> Registered:
    key = key or Key("a/local", "0a", 2, 0)
    return Registered(id_, f"group of {id_}", "flights", version, key, tasks=tasks)


def test_both_processes_keep_the_same_one_of_two_flows() -> None:
    # Prefect Server can create two flow groups when two processes register a new flow at the same moment.
    one, two = registered("one", 1), registered("two", 1)
    assert duplicates_of(one, [one, two]) == duplicates_of(two, [two, one]) == (two,)
    half = registered("half", 1, tasks=1)
    assert duplicates_of(half, [half, two]) == (half,)
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
