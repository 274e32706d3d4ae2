"""What a refresh of the page costs: only what has changed is sent, and nothing if nothing has."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
import requests

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.storage.database import Database
from kedro_prefect_hooks.embedded.web import changes
from tests.embedded.conftest import Seed
from tests.page.browser import Browser
from tests.page.follower import Follower, flows_query

FLOW_COUNT = 60
MOST_BYTES = 15_000
"""Of a refresh of the list of 60 flows after one of them has changed."""


def _seeded(seed: Seed) -> list[str]:
    project = seed.project("p")
    clock = {"type": "CronClock", "cron": "0 6 * * *", "start_date": None, "end_date": None}
    flows = [
        seed.flow(project, f"flow {number}", schedule={"type": "Schedule", "clocks": [clock]})
        for number in range(FLOW_COUNT)
    ]
    for flow_id in flows:
        seed.flow_state(seed.run(flow_id), "Running")
        seed.flow_state(seed.run(flow_id), "Success")
    return flows


def test_a_refresh_sends_only_what_has_changed(server: EmbeddedServer, seed: Seed) -> None:
    flows = _seeded(seed)
    follower = Follower(server.url, flows_query())
    first = follower.ask()
    assert len(first.json()["data"]["flow"]) == FLOW_COUNT
    assert first.headers["Content-Encoding"] == "gzip"
    for _ in range(2):
        again = follower.ask()
        assert (again.status_code, again.content) == (204, b"")
    seed.flow_state(seed.run(flows[7]), "Running")
    changed = follower.ask()
    assert changed.json()["changes"]
    assert len(changed.content) <= MOST_BYTES < len(first.content)
    seed.api.do("write_run_logs", {"logs": []})
    assert follower.ask().status_code == 204


def test_what_was_changed_by_another_process_is_seen(server: EmbeddedServer, seed: Seed) -> None:
    seed.flow(seed.project("p"), "f")
    follower = Follower(server.url, "{ flow { id name archived serialized_flow } }")
    flow_id = follower.ask().json()["data"]["flow"][0]["id"]
    assert follower.ask().status_code == 204
    other = Database(server.database.path)
    try:
        with other.write() as connection:
            connection.exec_driver_sql("UPDATE flow SET archived = 1")
    finally:
        other.close()
    change = follower.ask().json()["changes"]["keys"]["flow"]["items"]
    assert change == [{"at": 0, "change": {"keys": {"archived": {"value": True}}}}]
    seed.api.do("delete_flow", {"flow_id": flow_id})
    assert follower.ask().json()["data"] == {"flow": []}


def test_an_unknown_answer_and_one_to_another_request_are_sent_in_full(
    server: EmbeddedServer, seed: Seed
) -> None:
    seed.flow(seed.project("p"), "f")
    follower = Follower(server.url, "query($n: Int) { flow(limit: $n) { id } }", {"n": 1})
    follower.ask()
    other = Follower(server.url, "query($n: Int) { flow(limit: $n) { id } }", {"n": 0})
    other.known = follower.known
    assert other.ask().json()["data"] == {"flow": []}
    follower.known = "0" * 32
    assert len(follower.ask().json()["data"]["flow"]) == 1


def test_only_queries_are_answered(server: EmbeddedServer, seed: Seed) -> None:
    project_id = seed.project("p")
    mutation = f'mutation {{ delete_project(input: {{project_id: "{project_id}"}}) {{ success }} }}'
    for body in ({"query": mutation}, {"query": 1}, [], {"query": "{ flow { id } }", "variables": [1]}):
        answer = requests.post(f"{server.url}/changes", json=body, timeout=30)
        assert answer.status_code == 400, body
        assert answer.json()["errors"], body
    assert seed.api.data("{ project { id } }")["project"] == [{"id": project_id}]
    invalid = requests.post(f"{server.url}/changes", json={"query": "{ nothing }"}, timeout=30)
    assert invalid.status_code == 400
    assert "nothing" in invalid.json()["errors"][0]["message"]


def test_the_answers_that_are_kept_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_KEPT_BYTES", 100)
    recent = changes.RecentAnswers()
    for name in "abc":
        recent.add(name, changes._Kept("request", name, 40, 0))
    assert [recent.get(name, "request") is None for name in "abc"] == [True, False, False]


def _random_value(random_: random.Random, depth: int = 3) -> Any:
    scalars: list[Any] = [None, True, False, 0, 1, 1.5, "", "a", "1"]
    kind = random_.randrange(4) if depth else 0
    if kind == 1:
        return [_random_value(random_, depth - 1) for _ in range(random_.randrange(4))]
    if kind == 2:
        keys = random_.sample(["id", "a", "b", "value", "keys", "items"], random_.randrange(5))
        return {key: _random_value(random_, depth - 1) for key in keys}
    if kind == 3:
        rows = random_.sample(range(6), random_.randrange(6))
        return [{"id": f"row {row}", "a": _random_value(random_, depth - 1)} for row in rows]
    return random_.choice(scalars)


def _altered(random_: random.Random, value: Any) -> Any:
    value = copy.deepcopy(value)
    if isinstance(value, list) and value and random_.random() < 0.8:
        place = random_.randrange(len(value))
        action = random_.randrange(4)
        if action == 0:
            value[place] = _altered(random_, value[place])
        elif action == 1:
            value.insert(place, _random_value(random_, 1))
        elif action == 2:
            del value[place]
        else:
            random_.shuffle(value)
        return value
    if isinstance(value, dict) and value and random_.random() < 0.9:
        key = random_.choice(list(value))
        return {**value, key: _altered(random_, value[key])}
    return _random_value(random_, 1)


def test_the_page_gets_the_new_answer_from_the_old_one(browser: Browser, server: EmbeddedServer) -> None:
    random_ = random.Random(1)
    pairs: list[Any] = [([True, 0], [1, False]), ({"a": 1}, {"a": True})]  # which Python takes for equal
    for _ in range(400):
        old = _random_value(random_)
        pairs.append((old, _altered(random_, old)))
    cases = []
    for old, new in pairs:
        change = changes.difference(old, new)
        if change is None:
            assert json.dumps(old) == json.dumps(new)
        else:
            cases.append([old, change, new])
    assert len(cases) > 200
    browser.open(server.url)
    script = "return a[0].map(([old, change]) => JSON.stringify(m.changed(old, change)));"
    found = browser.module("changes.js", script, [case[:2] for case in cases])
    assert [json.dumps(json.loads(text), sort_keys=True) for text in found] == [
        json.dumps(new, sort_keys=True) for _, _, new in cases
    ]
