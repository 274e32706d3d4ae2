"""What the server derives for the page: layouts, schedules in words, who accepts a run, typed values."""

from __future__ import annotations

import datetime
import importlib
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import click
import pytest
import requests

from kedro_prefect_hooks.compat import kedro_params
from kedro_prefect_hooks.compat.kedro_params import reads_yaml
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.web import derived

NOW, LONG_AGO = 0, 61


def _post(server: EmbeddedServer, name: str, content: Any, **headers: str) -> requests.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return requests.post(f"{server.url}/derived/{name}", data=body, headers=headers, timeout=60)


def _derive(server: EmbeddedServer, name: str, content: Any) -> Dict[str, Any]:
    response = _post(server, name, content)
    assert response.status_code == 200, response.text
    answer: Dict[str, Any] = response.json()
    return answer


def _agent(kind: str, labels: List[str], silent_for: Optional[int] = NOW) -> Dict[str, Any]:
    """An agent as the API lists it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    asked = None if silent_for is None else (now - datetime.timedelta(seconds=silent_for)).isoformat()
    return {"type": kind, "labels": labels, "last_queried": asked}


EDGES = {
    "none": [],
    "chain": [[i, i + 1] for i in range(59)],
    "fan": [[0, i + 1] for i in range(59)],
    "both ways": [[i % 7 if i % 7 < i else 0, i] for i in range(1, 60)],
    "skips": [edge for i in range(1, 60) for edge in ([i - 1, i], [(i - 1) // 2, i])],
}


@pytest.mark.parametrize("kind", EDGES)
def test_no_box_lies_on_another_and_lines_go_right(server: EmbeddedServer, kind: str) -> None:
    edges = EDGES[kind]
    plan = _derive(server, "layout", {"boxes": [[100, 20]] * 60, "edges": edges})
    assert len(plan["boxes"]) == 60
    places = [(x, y) for x, y, _, _ in plan["boxes"]]
    assert {(width, height) for _, _, width, height in plan["boxes"]} == {(100, 20)}
    for index, (x, y) in enumerate(places):
        assert x >= 0 and y >= -0.001 and x + 100 <= plan["width"] and y + 20 <= plan["height"] + 0.001
        assert not [1 for other in places[:index] if abs(other[0] - x) < 100 and abs(other[1] - y) < 19.9]
    assert len(plan["lines"]) == len(edges)
    assert len({json.dumps(line) for line in plan["lines"]}) == len({tuple(edge) for edge in edges})
    for (source, target), points in zip(edges, plan["lines"]):
        assert all(one[0] <= other[0] for one, other in zip(points, points[1:]))
        assert points[0][0] == places[source][0] + 100
        assert points[-1][0] == places[target][0]
        assert places[source][0] < places[target][0]


MALFORMED: Dict[str, Tuple[Any, str]] = {
    "no JSON": (b"{", "not JSON"),
    "no object": ([], "must be a JSON object"),
    "no boxes": ({"edges": []}, "`boxes` must be a list"),
    "no edges": ({"boxes": []}, "`edges` must be a list"),
    "a box that is a number": ({"boxes": [1], "edges": []}, "[width, height]"),
    "a side that is a string": ({"boxes": [["1", 1]], "edges": []}, "[width, height]"),
    "a side that is true": ({"boxes": [[True, 1]], "edges": []}, "[width, height]"),
    "no extent": ({"boxes": [[0, 1]], "edges": []}, "[width, height]"),
    "infinite": (b'{"boxes": [[Infinity, 1]], "edges": []}', "[width, height]"),
    "not a number": (b'{"boxes": [[NaN, 1]], "edges": []}', "[width, height]"),
    "an edge of three": ({"boxes": [[1, 1]], "edges": [[0, 0, 0]]}, "[source, target]"),
    "an edge to nowhere": ({"boxes": [[1, 1]], "edges": [[0, 1]]}, "[source, target]"),
    "a negative index": ({"boxes": [[1, 1]], "edges": [[-1, 0]]}, "[source, target]"),
    "a cycle": ({"boxes": [[1, 1]] * 2, "edges": [[0, 1], [1, 0]]}, "the graph has a cycle"),
    "an edge to itself": ({"boxes": [[1, 1]], "edges": [[0, 0]]}, "the graph has a cycle"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_graph_is_refused(server: EmbeddedServer, what: str) -> None:
    content, message = MALFORMED[what]
    response = _post(server, "layout", content)
    assert response.status_code == 400
    assert message in response.json()["errors"][0]["message"]


def test_a_graph_that_is_too_large_is_refused(server: EmbeddedServer) -> None:
    most = {"boxes": [[1, 1]] * 10_000, "edges": []}
    assert len(_derive(server, "layout", most)["boxes"]) == 10_000
    for content, message in (
        ({"boxes": [[1, 1]] * 10_001, "edges": []}, "Too many boxes: 10,001, and at most 10,000"),
        ({"boxes": [[1, 1]] * 2, "edges": [[0, 1]] * 50_001}, "Too many edges: 50,001, and at most 50,000"),
    ):
        response = _post(server, "layout", content)
        assert response.status_code == 413
        assert message in response.json()["errors"][0]["message"]
    assert _post(server, "layout", b"[" + b" " * 6_000_000 + b"]").status_code == 413


def test_the_api_responds_while_large_graphs_are_laid_out(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, done, most_at_once = 0, threading.Event(), 0
    started = threading.Semaphore(0)
    lay_out = derived.lay_out

    def slow(*arguments: Any, **options: Any) -> Any:
        nonlocal running, most_at_once
        running += 1
        most_at_once = max(most_at_once, running)
        started.release()
        assert done.wait(60)
        running -= 1
        return lay_out(*arguments, **options)

    monkeypatch.setattr(derived, "lay_out", slow)
    # More than the threads that the API has.
    graphs = [
        threading.Thread(target=_derive, args=(server, "layout", {"boxes": [[9, 9]], "edges": []}))
        for _ in range(50)
    ]
    for graph in graphs:
        graph.start()
    try:
        assert started.acquire(timeout=30)
        time.sleep(1)
        answer = requests.post(f"{server.url}/graphql", json={"query": "{ flow { id } }"}, timeout=10)
        assert answer.json() == {"data": {"flow": []}}
        assert _derive(server, "schedules", {"schedules": [None]})["schedules"][0]["clocks"] == []
    finally:
        done.set()
        for graph in graphs:
            graph.join(60)
    assert not any(graph.is_alive() for graph in graphs)
    assert most_at_once == 1, "one graph at a time"


def test_schedules_in_words(server: EmbeddedServer) -> None:
    cron = {"type": "CronClock", "cron": "0 6 * * *", "start_date": None}
    schedules = [
        {"clocks": [cron, {"type": "CronClock", "cron": "0 6 1 2 *", "start_date": None}]},
        None,
        {"clocks": [{**cron, "labels": ["big"], "parameter_defaults": {"rows": 3}}], "filters": [{}]},
        {"clocks": [{"type": "CronClock", "cron": 6}]},
    ]
    usual = {"words": "every day at 06:00", "code": "0 6 * * *", "zone": "UTC", "details": ""}
    assert _derive(server, "schedules", {"schedules": schedules})["schedules"] == [
        {"clocks": [usual, {**usual, "words": None, "code": "0 6 1 2 *"}], "is_filtered": False},
        {"clocks": [], "is_filtered": False},
        {"clocks": [{**usual, "details": "with rows=3 on agents labelled big"}], "is_filtered": True},
        {
            "clocks": [{"words": "on a schedule", "code": None, "zone": None, "details": ""}],
            "is_filtered": False,
        },
    ]
    assert _post(server, "schedules", {"schedules": ["daily"]}).status_code == 400
    assert _post(server, "schedules", {}).status_code == 400
    assert _post(server, "schedules", {"schedules": [None] * 10_001}).status_code == 413


RUNS = [[], ["here"], ["here", "big"]]


@pytest.mark.parametrize(
    ("agents", "running", "accepted"),
    [
        ([], [], [False, False, False]),
        ([_agent("LocalAgent", ["here"], None)], [False], [False, False, False]),
        ([_agent("LocalAgent", ["here"], LONG_AGO)], [False], [False, False, False]),
        ([_agent("ProjectAgent", ["here"], LONG_AGO)], [False], [False, False, False]),
        ([_agent("LocalAgent", [])], [True], [True, False, False]),
        ([_agent("LocalAgent", ["here"])], [True], [False, True, False]),
        ([_agent("LocalAgent", ["big", "here", "there"])], [True], [False, True, True]),
        ([_agent("ProjectAgent", ["here"])], [True], [True, True, False]),
        (
            [_agent("LocalAgent", ["here"]), _agent("ProjectAgent", [], LONG_AGO)],
            [True, False],
            [False, True, False],
        ),
    ],
    ids=["none", "never", "silent", "silent own", "unlabelled", "labelled", "subset", "own", "one silent"],
)
def test_who_accepts_a_run(
    server: EmbeddedServer, agents: List[Dict[str, Any]], running: List[bool], accepted: List[bool]
) -> None:
    # The times are those of the import; the ones that are running have asked just now.
    given = [
        {**agent, "last_queried": _agent("", [])["last_queried"] if is_running else agent["last_queried"]}
        for agent, is_running in zip(agents, running)
    ]
    answer = _derive(server, "agents", {"agents": given, "labels": RUNS})
    assert answer["running"] == running
    assert [reason is None for reason in answer["reasons"]] == accepted


def test_the_reason_why_no_agent_accepts_a_run_is_in_words(server: EmbeddedServer) -> None:
    agents = [_agent("LocalAgent", ["there"])]
    labelled, plain = _derive(server, "agents", {"agents": agents, "labels": [["here"], []]})["reasons"]
    assert labelled == "No running agent has the label here. Labels of the running agents: there."
    assert plain.startswith("No running agent accepts runs without labels")
    nobody = _derive(server, "agents", {"agents": [], "labels": [["here"], []]})["reasons"]
    assert nobody == ["No agent with the label here is running.", "No agent is running."]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"agents": [], "labels": ["here"]},
        {"agents": [], "labels": [[1]]},
        {"agents": ["x"], "labels": []},
        {"agents": [{"type": "LocalAgent", "labels": [], "last_queried": "yesterday"}], "labels": []},
        {"agents": [{**_agent("LocalAgent", []), "labels": "here", "last_queried": "now"}], "labels": []},
    ],
)
def test_malformed_agents_are_refused(server: EmbeddedServer, content: Dict[str, Any]) -> None:
    assert _post(server, "agents", content).status_code == 400


TEXTS = ["1e-3", "0.50", "2023-11-01", "12:30", '"5"', "'5'", "true", "False", "yes", "", "null", "a text",
         "[]", "{a: {b: 1}}", "${x}", "  7 ", "1_000", "5.", "https://x.example/a", "a=b"]  # fmt: skip


def _kedro_reads(text: str) -> Any:
    """What `kedro run --params` makes of `x=text`."""
    utils: Any = importlib.import_module("kedro.framework.cli.utils")
    parameter = click.Option(["--params"])
    separator = "=" if hasattr(utils, "OmegaConf") else ":"
    return utils._split_params(click.Context(click.Command("run")), parameter, f"x{separator}{text}")["x"]


def test_texts_are_read_as_kedro_reads_its_params(server: EmbeddedServer) -> None:
    texts = {str(place): text for place, text in enumerate(TEXTS)}
    answer = _derive(server, "parameters", {"texts": texts})
    assert answer["errors"] == {}
    expected = [_kedro_reads(text) for text in TEXTS]
    found = [answer["values"][name] for name in texts]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in expected]


@pytest.mark.skipif(not reads_yaml(), reason="this Kedro reads numbers only from --params")
def test_typed_values(server: EmbeddedServer) -> None:
    texts = {
        "float": "1e-3",
        "date": "2023-11-01",
        "list": "[1, 2023-11-01, a]",
        "quoted": '"5"',
        "empty": "",
    }
    answer = _derive(server, "parameters", {"texts": {**texts, "open": "[1", "infinite": ".inf"}})
    assert answer["values"] == {
        "float": 0.001,
        "date": "2023-11-01",
        "list": [1, "2023-11-01", "a"],
        "quoted": "5",
        "empty": None,
    }
    assert set(answer["errors"]) == {"open", "infinite"}
    assert answer["errors"]["open"] == "while parsing a flow sequence"
    assert "JSON" in answer["errors"]["infinite"]


@pytest.mark.parametrize("text", ["9007199254740992", "[1, {a: -12345678901234567890}]"])
def test_a_number_that_a_browser_would_change_is_an_error(server: EmbeddedServer, text: str) -> None:
    if not reads_yaml() and not text.isdigit():
        pytest.skip("this Kedro reads numbers only from --params")
    answer = _derive(server, "parameters", {"texts": {"x": text, "y": "9007199254740991"}})
    assert answer["values"] == {"y": 9007199254740991}
    assert "lose digits" in answer["errors"]["x"]


def test_lists_and_mappings_can_be_given_whatever_kedro_reads(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kedro_params, "reads_yaml", lambda: False)
    texts = {"list": "[1.0, null]", "text": "[1.0, null]", "open": "[1"}
    answer = _derive(server, "parameters", {"texts": texts, "structured": ["list", "open"]})
    assert answer["values"] == {"list": [1.0, None], "text": "[1.0, null]"}
    assert set(answer["errors"]) == {"open"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({}, 400),
        ({"texts": ["1"]}, 400),
        ({"texts": {"x": 1}}, 400),
        ({"texts": {}, "structured": [1]}, 400),
        ({"texts": {str(number): "" for number in range(10_001)}}, 413),
    ],
)
def test_malformed_texts_are_refused(server: EmbeddedServer, content: Dict[str, Any], status: int) -> None:
    assert _post(server, "parameters", content).status_code == status


def test_reading_texts_imports_nothing_of_kedro() -> None:
    code = """
import sys
from kedro_prefect_hooks.embedded.web import derived
assert derived.parameters({"texts": {"x": "1"}}) == {"values": {"x": 1}, "errors": {}}
print([name for name in ("kedro", "prefect", "pydantic") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "[]"


REQUESTS: Dict[str, Dict[str, Any]] = {
    "parameters": {"texts": {}},
    "layout": {"boxes": [], "edges": []},
    "schedules": {"schedules": []},
    "agents": {"agents": [], "labels": []},
}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_rules_of_graphql_apply(server: EmbeddedServer, tmp_path: Path, name: str) -> None:
    assert _post(server, name, REQUESTS[name]).status_code == 200
    assert _post(server, name, REQUESTS[name], Host="evil.example").status_code == 403
    assert _post(server, name, REQUESTS[name], Origin="https://evil.example").status_code == 403
    assert _post(server, name, REQUESTS[name], Origin=server.url).status_code == 200
    assert requests.get(f"{server.url}/derived/{name}", timeout=10).status_code == 405
    with EmbeddedServer(tmp_path / "token.sqlite", services=False, token="s3cret") as guarded:
        assert _post(guarded, name, REQUESTS[name]).status_code == 401
        assert _post(guarded, name, REQUESTS[name], Authorization="Bearer wrong").status_code == 401
        assert _post(guarded, name, REQUESTS[name], Authorization="Bearer s3cret").status_code == 200
        assert requests.get(f"{guarded.url}/derived/{name}", timeout=10).status_code == 401
