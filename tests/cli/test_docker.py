"""`kedro prefect docker` and `init` write what an image needs; tests/places builds one and runs it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from kedro_prefect_hooks.cli.image_guard import guard
from kedro_prefect_hooks.images.dockerfile import requirements_file, unreachable_requirements
from kedro_prefect_hooks.images.ignore_file import leaves_out_state
from tests.scenarios.scenarios import chain

KEDRO_DOCKER = "data\nconf/local\n"


def test_the_files_of_an_image(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 2)
    ignore, dockerfile = project.path / ".dockerignore", project.path / "Dockerfile"
    project.write(".dockerignore", KEDRO_DOCKER)
    project.write("requirements.txt", "kedro\n../here\n")
    wheel = tmp_path / "kedro_prefect_hooks-9.9-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")

    assert (
        "Added .kedro_prefect to .dockerignore"
        in kedro(project, "prefect", "init", "--force", ok=True).stdout
    )
    assert ignore.read_text().startswith(KEDRO_DOCKER)
    assert ignore.read_text().splitlines()[-1] == ".kedro_prefect"
    kept = ignore.read_bytes()

    project.write("conf/base/credentials.yml", "shop: {token: '${oc.env:TOKEN}'}\n")
    first = kedro(
        project, "prefect", "docker", "--plugin", str(wheel), "--base-image", "ours:1", ok=True
    ).stdout
    assert f"Wrote Dockerfile.\nThe image gets this package from wheels/{wheel.name}.\n" in first
    assert "requirements.txt, line 2: '../here' names a file that is not in the image" in first
    assert "conf/base/credentials.yml" not in first, "this .dockerignore lets it in"
    assert ignore.read_bytes() == kept, "nothing is added twice"
    assert (project.path / "wheels" / wheel.name).read_bytes() == b"a wheel"
    text = dockerfile.read_text()
    for line in (
        "ARG BASE_IMAGE=ours:1",
        f"COPY requirements.txt wheels/{wheel.name} /tmp/requirements/",
        "USER kedro_docker",
        "WORKDIR /home/kedro_docker",
    ):
        assert line in text.splitlines()
    assert "--compile-bytecode" in text

    same = ("--plugin", str(wheel), "--base-image", "ours:1")
    assert "Dockerfile is up to date." in kedro(project, "prefect", "docker", *same, ok=True).stdout
    dockerfile.write_text("FROM mine\n")
    refused = kedro(project, "prefect", "docker", "--plugin", "kedro-prefect-hooks==0.2")
    assert refused.returncode == 1
    assert "Dockerfile already exists and was not changed" in refused.stdout
    assert dockerfile.read_text() == "FROM mine\n"
    ignore.unlink()
    options = ("--plugin", "kedro-prefect-hooks==0.2", "--output", "Dockerfile.prefect")
    other = kedro(project, "prefect", "docker", *options, ok=True).stdout
    assert "Wrote .dockerignore." in other
    assert "The image gets this package from the requirement kedro-prefect-hooks==0.2.\n" in other
    assert "docker build --file Dockerfile.prefect" in other
    assert "leaves out conf/base/credentials.yml" in other
    assert "'kedro-prefect-hooks==0.2'" in (project.path / "Dockerfile.prefect").read_text()


def test_where_requirements_are_and_which_lines_an_image_cannot_install(tmp_path: Path) -> None:
    assert requirements_file(tmp_path) is None
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "a"\n[tool.kedro]\ndependencies = 1\n')
    assert requirements_file(tmp_path) is None
    project.write_text('[project]\nname = "a"\ndependencies = ["kedro"]\n[tool.kedro]\n')
    assert requirements_file(tmp_path) == "pyproject.toml"
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "requirements.txt").touch()
    assert requirements_file(tmp_path) == "src/requirements.txt"
    (tmp_path / "requirements.txt").touch()
    assert requirements_file(tmp_path) == "requirements.txt"

    lines = [
        "kedro~=1.0",
        "# -e .",
        "-e .",
        "a @ file:///a",
        "b[c] @ https://b",
        "./d.whl",
        "e>=1  # ../e",
        "/f.whl",
    ]
    assert [number for number, _ in unreachable_requirements("\n".join(lines))] == [3, 4, 6, 8]


def test_kedro_docker_build_finds_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kedro-docker writes a `.dockerignore` and builds in one command: nobody can add a line between."""
    package = tmp_path / "site" / "kedro_docker"
    (package / "template").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "template" / ".dockerignore").write_text(KEDRO_DOCKER)
    project = SimpleNamespace(project_path=tmp_path)
    ignore = tmp_path / ".dockerignore"
    build = ["docker", "build", "--image", "a"]

    guard.before_command_run(project_metadata=project, command_args=build)
    assert not ignore.exists(), "kedro-docker is not installed"
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for arguments in (["run"], ["docker", "run"], []):
        guard.before_command_run(project_metadata=project, command_args=arguments)
    guard.before_command_run(project_metadata=None, command_args=build)
    assert not ignore.exists()
    guard.before_command_run(project_metadata=project, command_args=build)
    assert ignore.read_text().startswith(KEDRO_DOCKER)
    assert leaves_out_state(ignore.read_text())
    written = ignore.read_bytes()
    guard.before_command_run(project_metadata=project, command_args=build)
    assert ignore.read_bytes() == written
