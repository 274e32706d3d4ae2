"""The guide "From a project to a schedule in Docker": its first steps are the fixture `place`.

This file runs first, and `test_z_the_end` has the last step, because the schedule takes its time.
"""

from __future__ import annotations

import pytest

from tests.places.conftest import Place

pytestmark = pytest.mark.places


def test_the_flow_runs_and_is_scheduled(place: Place) -> None:
    run, doctor = place.guide("production.md").commands("6. Run it once, and check")
    assert "Success" in place.shell(run)
    assert place.juice("orders") == {"total": 10, "user": 999}
    found = place.shell(doctor)
    assert "No problems." in found
    # of the other guides
    hint = "No agent with the label kubernetes is running. To start one: kedro prefect agent --type "
    assert f"Nobody runs flows pods, lost-pods: {hint}kubernetes" in found
    (line,) = (
        line for line in place.shell("kedro prefect flows").splitlines() if line.split()[:1] == ["orders"]
    )
    assert f"{place.schedule:%H:%M}" in line, line
