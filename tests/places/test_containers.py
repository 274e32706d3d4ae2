"""Flow runs in containers, started by `kedro prefect agent --type docker`, on Docker's bridge network."""

from __future__ import annotations

import shutil

import pytest

from kedro_prefect_hooks import __version__
from tests.places.conftest import IMAGE, Place, wait_until
from tests.places.engine import BASE

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


def test_other_ways_to_build_the_image(place: Place) -> None:
    version = {"hooks-0.2.0": f"hooks-{__version__}"}
    commands = place.guide("docker.md").commands("1. Build the image", **version)
    docker, build, wheel, index, kedro_docker = commands
    production = place.guide("production.md")
    assert docker == production.commands("1. Add the package")[1]
    assert build == production.commands("4. Build the image, and look at the plan")[0]
    project = place.project.path
    shutil.copytree(str(project / "wheels"), str(project / "dist"))
    written = (project / "Dockerfile").read_text()
    place.shell(f"{wheel} --base-image {BASE} --output Dockerfile.wheel")
    assert (project / "Dockerfile.wheel").read_text() == written
    place.shell(f"{index} --base-image {BASE} --output Dockerfile.index")
    assert "'kedro-prefect-hooks==0.2.0'" in (project / "Dockerfile.index").read_text()

    own = f"{IMAGE}-of-kedro-docker"
    place.shell(kedro_docker.replace(IMAGE, own))
    assert (project / "Dockerfile").read_text() == written, "kedro-docker keeps it"
    image = place.docker.inspect_image(own)
    assert (image["Config"]["User"], image["Config"]["WorkingDir"]) == ("kedro_docker", "/home/kedro_docker")
    layers = place.docker.inspect_image(IMAGE)["RootFS"]["Layers"]
    assert image["RootFS"]["Layers"][: len(layers) - 1] == layers[:-1], "only the project has changed"
    place.docker.remove_image(own)


def test_the_guide_for_docker(place: Place) -> None:
    (command,) = place.guide("docker.md").commands("4. Run a flow")
    assert "Success" in place.shell(command)
    (run,) = place.runs_of("flight-delays")
    wait_until(lambda: not place.containers(run["id"]), "the end of the container")
    output = place.project.path / ".kedro_prefect" / "logs" / f"{run['id']}.log"
    assert "Flow run SUCCESS" in output.read_text()


@pytest.mark.parametrize("flow", ["threads", "processes", "dask"])
def test_each_executor(place: Place, flow: str) -> None:
    run_id = place.started[flow]
    run = place.finished(run_id, "Success")
    assert set(place.states(run).values()) == {"Success"}
    assert place.juice(flow) == {"total": 10, "user": 999}
    wait_until(
        lambda: any("Running node: press" in line["message"] for line in place.run(run_id)["logs"]), "logs"
    )


def test_an_image_that_is_older_than_the_registration_is_refused(place: Place) -> None:
    run_id = place.started["stale"]
    run = place.finished(run_id, "Failed")
    found = [run["state_message"], *(line["message"] for line in place.run(run_id)["logs"])]
    assert any("Flow 'stale' is not what was registered" in text for text in found), found


def test_settings_that_the_image_does_not_have_are_named(place: Place) -> None:
    run = place.finished(place.started["threads"], "Success")
    found = "\n".join(line["message"] for line in run["logs"])
    assert "is not what was registered: retries of pick, press, weigh: 3 registered, 1 here." in found
    assert f"Build a new image from the files that were registered (this one is {IMAGE})" in found


def test_a_container_that_cannot_reach_the_api_is_reported(place: Place) -> None:
    run = place.finished(place.started["astray"], "Failed")
    reached = "It has never reached the API, for which it had the address"
    assert f"{reached} http://127.0.0.1:9." in run["state_message"]
    assert "exited with code 1" in run["state_message"]
    # It waits for an answer as long as Prefect's client does.
    run = place.finished(place.started["silent"], "Failed")
    assert f"{reached} {place.silent_api}." in run["state_message"]
    assert "Read timed out" in run["state_message"]


def test_an_agent_knows_the_containers_of_an_earlier_one(place: Place) -> None:
    run_id = _waiting(place)
    place.stop_agent()
    try:
        (container,) = place.containers(run_id)
        assert container["State"] == "running", "it outlives the agent"
        place.docker.kill(container["Id"])
        assert place.run(run_id)["state"] == "Running", "nobody has reported it"
    finally:
        place.start_agent()
    run = place.finished(run_id, "Failed")
    assert "was killed by SIGKILL" in run["state_message"]
    wait_until(lambda: not place.containers(run_id), "the end of the container")


def test_a_killed_container_is_reported_at_once(place: Place) -> None:
    run_id = _waiting(place)
    wait_until(lambda: place.states(place.run(run_id))["wait"] == "Running", "the report that it runs")
    (container,) = place.containers(run_id)
    place.docker.kill(container["Id"])
    run = place.finished(run_id, "Failed")
    assert run["state_message"].startswith("The container of the flow run was killed by SIGKILL")
    assert place.states(run)["wait"] == "Failed"


def test_a_cancelled_container_ends(place: Place) -> None:
    run_id = _waiting(place)
    place.shell(f"kedro prefect cancel {run_id}")
    place.finished(run_id, "Cancelled")
    wait_until(lambda: not place.containers(run_id), "the end of the container")


def _waiting(place: Place) -> str:
    """A flow run whose node waits."""
    mark = place.project.data / "waiting"
    if mark.exists():
        mark.unlink()
    run_id = place.start("wait")
    wait_until(mark.exists, "the node")
    return run_id
