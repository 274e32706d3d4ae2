"""Flows and results in object stores, behind a webhook and in Git, run in containers."""

from __future__ import annotations

import sys

import pytest

from tests.places.conftest import Place

pytestmark = [
    pytest.mark.places,
    pytest.mark.skipif(
        sys.version_info[:2] != (3, 11), reason="the pickle is loaded in an image of Python 3.11"
    ),
]


@pytest.mark.parametrize("flow", ["s3", "gcs"])
def test_storage_and_result_with_a_restart(place: Place, flow: str) -> None:
    """The restarted flow run is another container: it has the earlier output from the store."""
    place.project.clean()
    jam = place.project.data / "jam"
    jam.touch()
    run_id = place.start(flow)
    try:
        run = place.finished(run_id, "Failed")
    finally:
        jam.unlink()
    assert place.states(run) == {"pick": "Success", "weigh": "Failed", "press": "TriggerFailed"}
    place.kedro("restart", run_id)
    run = place.finished(run_id, "Success")
    assert place.juice["total"] == 10
    picked = [line for line in run["logs"] if "Running node: pick" in line["message"]]
    assert len(picked) == 1, "pick ran once"


@pytest.mark.parametrize("flow", ["git", "hook"])
def test_other_storages(place: Place, flow: str) -> None:
    place.project.clean()
    place.finished(place.start(flow), "Success")
    assert place.juice["total"] == 10
