"""After all other tests of places: the secrets that the flow runs used are found nowhere."""

from __future__ import annotations

import io
import tarfile

import pytest

from tests.places.conftest import GIT_TOKEN, IMAGE, SECRETS, Place

pytestmark = pytest.mark.places


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
