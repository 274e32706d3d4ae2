"""Flows that are no longer in `prefect.yml` are reported; `--prune` archives them, but only our own."""

from __future__ import annotations

import prefect
from prefect.run_configs import LocalRun
from prefect.storage import Module
from prefect.utilities.graphql import compress

from tests.registration.conftest import Site, mutate
from tests.registration.proxy import Proxy


def test_orphans_are_reported_and_kept(site: Site) -> None:
    site.configure(flows={"kept": {}, "dropped": {}})
    site.register()
    site.configure(flows={"kept": {}})
    with Proxy(site.url) as proxy:
        summary = site.register(api=proxy.url)
    assert [(line.flow, line.action) for line in summary.lines] == [
        ("kept", "unchanged"),
        ("dropped", "orphaned"),
    ]
    assert proxy.requests == ["query"]
    assert len(site.live("dropped")) == 1
    assert any("kedro prefect register --prune" in line for line in site.lines)


def test_prune_archives_them_once(site: Site) -> None:
    site.configure(flows={"kept": {}, "dropped": {}})
    site.register()
    site.configure(flows={"kept": {}})
    line = site.line("dropped", prune=True)
    assert (line.action, line.version) == ("archived", None)
    assert site.live("dropped") == []
    assert len(site.live("kept")) == 1
    assert [line.flow for line in site.register(prune=True).lines] == ["kept"]


def test_a_pruned_flow_that_comes_back_is_a_new_version(site: Site) -> None:
    site.configure(flows={"kept": {}, "dropped": {}})
    site.register()
    site.configure(flows={"kept": {}})
    site.register(prune=True)
    site.configure(flows={"kept": {}, "dropped": {}})
    line = site.line("dropped")
    assert (line.action, line.version) == ("new", 2)


def test_declining_the_plan_sends_nothing(site: Site) -> None:
    site.configure(flows={"kept": {}, "dropped": {}})
    site.register()
    site.configure(flows={"kept": {"labels": ["new"]}})
    with Proxy(site.url) as proxy:
        summary = site.register(api=proxy.url, prune=True, confirm=lambda plan: False)
    assert not summary.applied
    assert "nothing was done" in site.lines[0]
    assert set(proxy.requests) == {"query", "query flow_by_pk"}
    assert len(site.live("dropped")) == 1


def test_flows_of_others_are_neither_touched_nor_mentioned(site: Site) -> None:
    flow = prefect.Flow("by hand", tasks=[prefect.Task("t")], run_config=LocalRun(), storage=Module("m"))
    content = compress(flow.serialize())
    create = "create_flow_from_compressed_string"
    mutate(site.url, create, "id", project_id=site.create_project(), serialized_flow=content)
    summary = site.register(prune=True)
    assert [line.flow for line in summary.lines] == ["flights"]
    assert not any("by hand" in line for line in site.lines)
    assert len(site.live("by hand")) == 1


def test_flows_of_another_environment_are_not_orphans(site: Site) -> None:
    site.configure(flows={"nightly": {}})
    site.register(env="deploy")
    site.configure(flows={"flights": {}})
    assert [line.flow for line in site.register(prune=True).lines] == ["flights"]
    assert len(site.live("nightly")) == 1


def test_registering_some_flows_does_not_make_the_others_orphans(site: Site) -> None:
    site.configure(flows={"one": {}, "two": {}})
    site.register()
    assert [line.flow for line in site.register(only=["one"], prune=True).lines] == ["one"]
    assert len(site.live("two")) == 1
