"""Every recorded conversation with a real Prefect Server takes the same course with the embedded API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.settings import Settings
from tests.embedded.conftest import Caller
from tests.embedded.replay import Comparison, Exchange, Mapping, Mismatch, exchanges, microseconds, replay

CONVERSATIONS = sorted(Path(__file__).with_name("conversations").glob("*.jsonl"))


class RecordedClock:
    """Returns the time of the recording, a millisecond later at every call."""

    def __init__(self) -> None:
        self.time = microseconds("2026-11-22T13:18:25.644485+00:00")

    def __call__(self) -> int:
        self.time += 1000
        return self.time

    def set(self, time: int) -> None:
        self.time = max(self.time, time)


def test_all_conversations_in_order(tmp_path: Path) -> None:
    assert len(CONVERSATIONS) == 12
    clock = RecordedClock()
    # The recorded server refused a second submission for 30 seconds; its times are known to one.
    settings = Settings(clock=clock, submitted_lock=29)
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=settings) as server:
        api, mapping = Caller(server.url), Mapping()
        _create_initial_flows(api)
        clock.set(microseconds("2026-11-22T14:05:20+00:00"))
        for path in CONVERSATIONS:
            swapped: Optional[Exchange] = None
            for exchange in exchanges(path.stem, path.read_text(encoding="utf-8").splitlines()):
                clock.set(exchange.time)
                try:
                    replay(exchange, mapping, api.post)
                except Mismatch:
                    # Two requests overlapped: this poll saw the effect of the one recorded after it.
                    if exchange.where != "09-cancel[11]":
                        raise
                    swapped = exchange
                else:
                    if swapped is not None:
                        replay(swapped, mapping, api.post)
                        swapped = None
            assert swapped is None


def _create_initial_flows(api: Caller) -> None:
    """The recorded server already had a project with three flows."""
    tenant_id = api.data("{ tenant { id } }")["tenant"][0]["id"]
    project_id = api.do("create_project", {"name": "demo", "tenant_id": tenant_id}, "id")
    for name in "abc":
        flow = {"name": name, "tasks": [], "edges": [], "parameters": []}
        api.do("create_flow", {"project_id": project_id, "serialized_flow": flow}, "id")


@pytest.mark.parametrize(
    ("recorded", "ours"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"b": 1}),
        ({"a": [1]}, {"a": [1, 1]}),
        ({"a": None}, {"a": ""}),
        (
            [{"id": "5d2e193d-7ce8-4254-bbcf-78867182bb0a"}, {"id": "5d2e193d-7ce8-4254-bbcf-78867182bb0a"}],
            [{"id": "e4768c50-8715-4242-81ff-964eb3a79be5"}, {"id": "711905fe-8186-4451-aadb-4fea5a40159c"}],
        ),
        (
            {"a": "2026-11-22T14:05:20+00:00", "b": "2026-11-22T14:05:21+00:00"},
            {"a": "2027-01-01T00:00:09+00:00", "b": "2027-01-01T00:00:08+00:00"},
        ),
    ],
)
def test_the_comparison_detects_a_difference(recorded: object, ours: object) -> None:
    with pytest.raises(Mismatch):
        Comparison(Mapping(), "{ query }").check(recorded, ours)


INVALID = {
    "message": "Syntax Error: Expected Name, found <EOF>",
    "locations": [{"line": 1, "column": 13}],
    "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
}


@pytest.mark.parametrize(
    ("status", "change", "is_same"),
    [
        (400, {"message": "in other words"}, True),
        (400, {"message": ""}, False),
        (400, {"locations": [{"line": 1, "column": 1}]}, False),
        (400, {"extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}, False),
        (400, {"path": ["flow"]}, False),
        (200, {"message": "in other words"}, False),
    ],
)
def test_only_the_wording_about_an_invalid_document_is_not_compared(
    status: int, change: Dict[str, Any], is_same: bool
) -> None:
    recorded = Exchange("test", {}, "query { flow", None, status, {"errors": [INVALID]}, 0)
    answer = {"errors": [{**INVALID, **change}]}
    if is_same:
        replay(recorded, Mapping(), lambda *_: (status, answer))
    else:
        with pytest.raises(Mismatch):
            replay(recorded, Mapping(), lambda *_: (status, answer))
