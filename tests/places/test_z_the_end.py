"""After all other tests of places: the schedule, what has been left out, and that no secret is anywhere."""

from __future__ import annotations

import io
import tarfile

import pytest

from tests.places import guide
from tests.places.conftest import IMAGE, Place, wait_until
from tests.places.orders import GIT_TOKEN, SECRETS
from tests.prefect_api import FINISHED

pytestmark = pytest.mark.places

PAGES = (
    *("production.md", "docker.md", "object-stores.md", "kubernetes.md"),
    *("storages-and-run-configs.md", "server.md"),
)
NOT_RUN = {
    "docker push registry.example.com/flights:1.0": "needs a registry",
    "uv pip install kubernetes": "installed with the tests",
    "kedro prefect agent": "run by other tests, in processes",
}


def test_a_scheduled_flow_run_that_fails_is_restarted(place: Place) -> None:
    """The last step of the guide "From a project to a schedule in Docker"."""
    runs, logs, restart = place.guide("production.md").commands("7. When a flow run has failed")
    (first,) = place.runs_of("orders")[:1]
    with place.jammed("orders"):

        def scheduled() -> bool:
            return any(r["state"] in FINISHED for r in place.runs_of("orders") if r["auto_scheduled"])

        wait_until(scheduled, "the scheduled flow run", 400)
        (run,) = (r for r in place.runs_of("orders") if r["auto_scheduled"])
        if run["state"] == "Success":  # on a slow machine, its time came before this test
            another = place.start("orders")
            place.finished(another, "Failed")
            (run,) = (r for r in place.runs_of("orders") if r["id"] == another)
    assert run["state"] == "Failed"
    assert run["name"] in place.shell(runs)
    assert first["name"] not in place.shell(runs)
    assert "the press is jammed" in place.shell(logs.replace("merry-otter", run["name"]))
    assert "Success" in place.shell(restart.replace("merry-otter", run["name"]))
    again = place.finished(run["id"], "Success")
    picked = [line for line in again["logs"] if "Running node: pick" in line["message"]]
    assert len(picked) == 1, "pick ran once"
    pressed = [line for line in again["logs"] if "Running node: weigh" in line["message"]]
    assert len(pressed) == 3, "twice in the first container, with its retry"


def test_each_command_and_each_configuration_of_the_guides_has_been_used(
    place: Place, request: pytest.FixtureRequest
) -> None:
    options = request.config.option
    if request.session.testsfailed or options.keyword or any("::" in each for each in request.config.args):
        pytest.skip("not all tests have run")
    assert [part for part in guide.unused(*PAGES) if part.text not in NOT_RUN] == []
    assert guide.unknown(place.changes) == set()


def test_no_secret_is_in_the_database_the_logs_the_project_or_the_image(place: Place) -> None:
    secrets = {name: value.encode() for name, value in {**SECRETS, "git": GIT_TOKEN}.items()}
    files = [path for path in place.project.path.rglob("*") if path.is_file()]
    files += [path for path in place.home.rglob("*.txt") if path.is_file()]
    assert any(path.name == "api.sqlite" for path in files)
    assert any(path.parent.name == "logs" for path in files)
    for path in files:
        content = path.read_bytes()
        found = [name for name, value in secrets.items() if value in content]
        assert not found, (found, path)

    token = (place.project.path / ".kedro_prefect" / "token").read_bytes().strip()
    image = place.docker.inspect_image(IMAGE)
    own = str([image["Config"], place.docker.history(IMAGE)]).encode()
    container = place.docker.create_container(IMAGE)["Id"]
    try:
        archive = io.BytesIO(b"".join(place.docker.get_archive(container, "/home/kedro_docker")[0]))
    finally:
        place.docker.remove_container(container)
    with tarfile.open(fileobj=archive) as packed:
        for member in packed:
            if member.isfile():
                content = packed.extractfile(member).read()  # type: ignore[union-attr]
                assert not [name for name, value in secrets.items() if value in content], member.name
                assert token not in content, member.name
    assert not [name for name, value in secrets.items() if value in own]
