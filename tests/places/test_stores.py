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


def test_the_guide_for_object_stores(place: Place) -> None:
    """The restarted flow run is another container: it has the earlier output from the store.

    With `report`, in Google Cloud Storage; `train`, in S3, is run below, and restarted in `test_z_the_end`.
    """
    stores = place.guide("object-stores.md")
    register, run, restart = (
        line
        for line in stores.commands("Keep results in S3 or Google Cloud Storage", train="report")
        if " agent" not in line
    )
    assert "unchanged" in place.shell(register)
    with place.jammed("report"):
        place.shell(run, ok=False)
    (failed,) = place.runs_of("report")
    assert place.states(place.run(failed["id"])) == {
        "pick": "Success",
        "weigh": "Failed",
        "press": "TriggerFailed",
    }
    place.shell(restart.replace("FLOW_RUN", failed["id"]))
    run = place.finished(failed["id"], "Success")
    assert place.juice("report")["total"] == 10
    picked = [line for line in run["logs"] if "Running node: pick" in line["message"]]
    assert len(picked) == 1, "pick ran once"


@pytest.mark.parametrize("flow", ["train", "hook", "git"])
def test_other_storages(place: Place, flow: str) -> None:
    place.finished(place.started[flow], "Success")
    assert place.juice(flow)["total"] == 10


def test_the_guide_for_git(place: Place) -> None:
    """Its commands are those of the other guides, with another variable."""
    register, agent, run = place.guide("storages-and-run-configs.md").commands("Git")
    assert register == "kedro prefect register"
    assert "--env-var PREFECT__CONTEXT__SECRETS__CLONE_URL" in agent
    assert run == "kedro prefect run train --watch"
