"""A schedule that somebody has paused in Prefect stays paused; registration starts all others."""

from __future__ import annotations

from typing import Callable

import pytest

from kedro_prefect_hooks.api import client as prefect_api
from tests.registration.conftest import Site, mutate, node_chain
from tests.registration.proxy import Proxy

DAILY = {"cron": "0 6 * * *"}


@pytest.fixture(params=["in one request", "in batches"])
def scheduled(request: pytest.FixtureRequest, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    if request.param == "in batches":
        monkeypatch.setattr(prefect_api, "BATCH", 2)
    site.flow(schedule=DAILY)
    return site


def is_active(site: Site) -> bool:
    (live,) = site.live()
    return bool(live["is_schedule_active"])


def test_new_flow_starts_its_schedule(scheduled: Site) -> None:
    assert not scheduled.line().paused
    assert is_active(scheduled)


def test_active_schedule_stays_active_in_a_new_version(scheduled: Site) -> None:
    scheduled.register()
    scheduled.flow(labels=["etl"])
    assert scheduled.line().version == 2
    assert is_active(scheduled)


def test_paused_schedule_stays_paused(scheduled: Site) -> None:
    scheduled.register()
    scheduled.pause(scheduled.live()[0]["id"])
    assert scheduled.line().paused
    scheduled.flow(labels=["etl"])
    line = scheduled.line()
    assert (line.version, line.paused) == (2, True)
    assert "schedule paused in Prefect" in str(line)
    assert not is_active(scheduled)
    scheduled.flow(schedule={"cron": "0 7 * * *"})
    scheduled.register()
    assert not is_active(scheduled)


def test_schedule_that_was_resumed_stays_active(scheduled: Site) -> None:
    scheduled.register()
    scheduled.pause(scheduled.live()[0]["id"])
    scheduled.flow(labels=["etl"])
    scheduled.register()
    mutate(scheduled.url, "set_schedule_active", flow_id=scheduled.live()[0]["id"])
    scheduled.flow(labels=["etl", "night"])
    assert scheduled.line().version == 3
    assert is_active(scheduled)


def test_schedule_added_later_is_started(site: Site) -> None:
    site.register()
    site.flow(schedule=DAILY)
    site.register()
    assert is_active(site)


def test_no_schedule_is_started_for_a_flow_without_one(site: Site) -> None:
    with Proxy(site.url) as proxy:
        assert not site.line(api=proxy.url).paused
    assert "set_schedule_active" not in proxy.requests


def test_a_schedule_that_the_server_failed_to_start_is_started_again(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    # When Prefect Server cannot start a schedule with the flow, it only logs that.
    from kedro_prefect_hooks.embedded.operations import scheduled_runs

    site = make_site(nodes=node_chain(3))
    site.flow(schedule=DAILY)
    real, calls = scheduled_runs.activate, []

    def fails_once(*args: object) -> bool:
        calls.append(args)
        if len(calls) == 1:
            raise ValueError("not now")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(scheduled_runs, "activate", fails_once)
    assert not site.line().paused
    assert len(calls) == 2
    assert is_active(site)
