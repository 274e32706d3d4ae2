"""Where a project's embedded API is, and whether one is running there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kedro_prefect_hooks.embedded import location
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from tests import processes


def test_the_state_directory_is_private_and_not_for_git(tmp_path: Path) -> None:
    directory = location.state_dir(tmp_path)
    assert directory == tmp_path / ".kedro_prefect" == location.state_dir(str(tmp_path))
    assert (directory / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert location.database_path(tmp_path) == directory / "api.sqlite"
    if os.name != "nt":
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_running_server_is_found(tmp_path: Path) -> None:
    assert location.running(tmp_path) is None
    with EmbeddedServer(location.database_path(tmp_path), services=False) as server:
        path = location.write_endpoint(tmp_path, server.url, token="t")
        assert location.running(tmp_path) == (server.url, os.getpid(), "t")
        if os.name != "nt":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert location.running(tmp_path) is None
    location.remove_endpoint(tmp_path)
    assert not path.exists()
    location.remove_endpoint(tmp_path)


def test_the_server_of_another_project_at_the_same_port_is_ignored(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    with EmbeddedServer(location.database_path(other), services=False) as server:
        location.write_endpoint(mine, server.url)
        assert location.running(mine) is None
        location.write_endpoint(other, server.url)
        assert location.running(other) is not None


def test_the_record_of_a_dead_process_is_ignored(tmp_path: Path) -> None:
    process = processes.start([sys.executable, "-c", ""])
    process.wait(30)
    with EmbeddedServer(location.database_path(tmp_path), services=False) as server:
        location.write_endpoint(tmp_path, server.url, pid=process.pid)
        assert location.running(tmp_path) is None
        # The record of another process stays.
        location.remove_endpoint(tmp_path)
        assert json.loads((location.state_dir(tmp_path) / "server.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"url": "x"}', '{"url": "x", "pid": "y"}'])
def test_an_unreadable_record_is_ignored(tmp_path: Path, content: str) -> None:
    (location.state_dir(tmp_path) / "server.json").write_text(content, encoding="utf-8")
    assert location.running(tmp_path) is None


def test_a_linked_project_is_the_same_project(tmp_path: Path) -> None:
    project, link = tmp_path / "project", tmp_path / "link"
    project.mkdir()
    link.symlink_to(project, target_is_directory=True)
    with EmbeddedServer(location.database_path(link), services=False) as server:
        location.write_endpoint(project, server.url)
        assert location.running(project) is not None
        assert location.running(link) is not None


def test_it_imports_only_the_standard_library() -> None:
    code = """
import sys, kedro_prefect_hooks.embedded.location
print(sorted({name.split('.')[0] for name in sys.modules if 'site-packages' in
    str(getattr(sys.modules[name], '__file__', ''))} - {'kedro_prefect_hooks', '_distutils_hack'}))
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert not {"sqlalchemy", "graphql", "starlette", "prefect", "kedro", "pydantic"} & set(
        done.stdout.replace("'", " ").split()
    )
