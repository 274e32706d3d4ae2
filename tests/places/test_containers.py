"""Flow runs in containers, started by `kedro prefect agent --type docker`, on Docker's bridge network."""

from __future__ import annotations

import time

import pytest

from tests.places.conftest import IMAGE, Place, wait_until

pytestmark = pytest.mark.places


def _in_image(place: Place, command: str) -> str:
    container = place.docker.create_container(IMAGE, command=["sh", "-c", command])["Id"]
    try:
        place.docker.start(container)
        place.docker.wait(container)
        return str(place.docker.logs(container).decode())
    finally:
        place.docker.remove_container(container, force=True)


def test_the_image_has_the_project_and_nothing_of_the_api(place: Place) -> None:
    code = "import prefect, kedro_prefect_hooks.flows.deployed as d; print(prefect.__cached__, d.__cached__)"
    printed = _in_image(place, f"whoami; pwd; ls -A; ls $(python -c '{code}')").splitlines()
    assert printed[:2] == ["kedro_docker", "/home/kedro_docker"]
    assert "pyproject.toml" in printed
    assert ".kedro_prefect" not in printed
    assert (place.project.path / ".kedro_prefect" / "token").exists()
    assert [line.endswith(".pyc") for line in printed[-2:]] == [True, True], "compiled when it was built"


@pytest.mark.parametrize("flow", ["local", "threads", "processes", "dask"])
def test_each_executor(place: Place, flow: str) -> None:
    place.project.clean()
    run_id = place.start(flow)
    run = place.finished(run_id, "Success")
    assert set(place.states(run).values()) == {"Success"}
    assert place.juice == {"total": 10, "user": 999}
    wait_until(
        lambda: any("Running node: press" in line["message"] for line in place.run(run_id)["logs"]), "logs"
    )
    wait_until(lambda: not place.containers(), "the end of the container")
    output = place.project.path / ".kedro_prefect" / "logs" / f"{run_id}.log"
    assert "Flow run SUCCESS" in output.read_text()


def test_a_cancelled_container_ends(place: Place) -> None:
    place.project.clean()
    run_id = place.start("wait")
    wait_until((place.project.data / "waiting").exists, "the node")
    place.kedro("cancel", run_id)
    place.finished(run_id, "Cancelled")
    wait_until(lambda: not place.containers(), "the end of the container")


def test_a_killed_container_is_reported_at_once(place: Place) -> None:
    place.project.clean()
    run_id = place.start("wait")
    wait_until((place.project.data / "waiting").exists, "the node")
    wait_until(lambda: place.states(place.run(run_id))["wait"] == "Running", "the report that it runs")
    (container,) = place.containers()
    place.docker.kill(container["Id"])
    run = place.finished(run_id, "Failed")
    assert run["state_message"].startswith("The container of the flow run was killed by SIGKILL")
    assert place.states(run)["wait"] == "Failed"


def test_an_agent_knows_the_containers_of_an_earlier_one(place: Place) -> None:
    place.project.clean()
    run_id = place.start("wait")
    wait_until((place.project.data / "waiting").exists, "the node")
    place.stop_agent()
    try:
        (container,) = place.containers()
        assert container["State"] == "running", "it outlives the agent"
        place.docker.kill(container["Id"])
        assert place.run(run_id)["state"] == "Running", "nobody has reported it"
    finally:
        place.start_agent()
    run = place.finished(run_id, "Failed")
    assert "was killed by SIGKILL" in run["state_message"]
    wait_until(lambda: not place.containers(), "the end of the container")


def test_an_image_that_is_older_than_the_registration_is_refused(place: Place) -> None:
    run_id = place.start("stale")
    run = place.finished(run_id, "Failed")
    time.sleep(0.5)
    found = [run["state_message"], *(line["message"] for line in place.run(run_id)["logs"])]
    assert any("Flow 'stale' is not what was registered" in text for text in found), found


def test_a_container_that_cannot_reach_the_api_is_reported(place: Place) -> None:
    run_id = place.start("astray")
    run = place.finished(run_id, "Failed")
    assert (
        "It has never reached the API, for which it had the address http://127.0.0.1:9."
        in run["state_message"]
    )
    assert "exited with code 1" in run["state_message"]
