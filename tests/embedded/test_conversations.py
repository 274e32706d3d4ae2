"""Every recorded conversation with a real Prefect Server goes the same way with the embedded API."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.settings import Settings
from tests.embedded.conftest import Caller
from tests.embedded.replay import Comparison, Exchange, Mapping, Mismatch, exchanges, microseconds, replay

CONVERSATIONS = sorted(Path(__file__).with_name("conversations").glob("*.jsonl"))


class RecordedClock:
    """Tells the time at which the recording was made, a millisecond later at every look."""

    def __init__(self) -> None:
        self.time = microseconds("2026-11-22T13:18:25.644485+00:00")

    def __call__(self) -> int:
        self.time += 1000
        return self.time

    def set(self, time: int) -> None:
        self.time = max(self.time, time)


def test_all_conversations_in_their_order(tmp_path: Path) -> None:
    assert len(CONVERSATIONS) == 12
    clock = RecordedClock()
    # The recorded server refused a second submission for 30 seconds; its times are known to one.
    settings = Settings(clock=clock, submitted_lock=29)
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=settings) as server:
        api, mapping = Caller(server.url), Mapping()
        _what_was_there_before(api)
        clock.set(microseconds("2026-11-22T14:05:20+00:00"))
        for path in CONVERSATIONS:
            swapped: Optional[Exchange] = None
            for exchange in exchanges(path.stem, path.read_text(encoding="utf-8").splitlines()):
                clock.set(exchange.time)
                try:
                    replay(exchange, mapping, api.post)
                except Mismatch:
                    # Two were under way at once: this poll shows what the request noted after it did.
                    if exchange.where != "09-cancel[11]":
                        raise
                    swapped = exchange
                else:
                    if swapped is not None:
                        replay(swapped, mapping, api.post)
                        swapped = None
            assert swapped is None


def _what_was_there_before(api: Caller) -> None:
    """The recorded server had a project of three flows of its own."""
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
def test_the_comparison_sees_a_difference(recorded: object, ours: object) -> None:
    with pytest.raises(Mismatch):
        Comparison(Mapping(), "{ query }").check(recorded, ours)
