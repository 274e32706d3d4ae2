"""The state of the embedded API never gets into an image: `.dockerignore` leaves it out."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedro_prefect_hooks.images import ignore_file

LEAVES_OUT = {
    ".kedro_prefect": True,
    ".kedro_prefect/": True,
    "/.kedro_prefect": True,
    "**/.kedro_prefect": True,
    ".kedro*": True,
    "*\n!src": True,
    "data": False,
    "": False,
    "# .kedro_prefect": False,
    ".kedro_prefect/logs": False,
    ".kedro_prefect/api.sqlite": False,
    ".kedro_prefect\n!.kedro_prefect/token": False,
    "src/.kedro_prefect": False,
}


@pytest.mark.parametrize("text", LEAVES_OUT)
def test_a_line_is_added_where_it_is_needed_and_only_there(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".dockerignore"
    file.write_text(text, encoding="utf-8")
    assert ignore_file.leaves_out_state(text) is LEAVES_OUT[text]
    assert ignore_file.add_state(tmp_path) is not LEAVES_OUT[text]
    after = file.read_text(encoding="utf-8")
    assert after.startswith(text)
    assert ignore_file.leaves_out_state(after)
    assert not ignore_file.add_state(tmp_path), "once"


def test_line_endings_and_other_encodings_are_kept(tmp_path: Path) -> None:
    file = tmp_path / ".dockerignore"
    file.write_bytes(b"data\r\n# \xe9t\xe9\r\nlogs")
    assert ignore_file.add_state(tmp_path)
    lines = file.read_bytes().split(b"\r\n")
    assert lines[:3] == [b"data", b"# \xe9t\xe9", b"logs"]
    assert lines[-2:] == [b".kedro_prefect", b""]
    assert b"\n" not in b"".join(lines)


def test_a_project_without_one_gets_none_from_init_and_leaks_only_with_a_dockerfile(tmp_path: Path) -> None:
    assert not ignore_file.add_state(tmp_path)
    assert not (tmp_path / ".dockerignore").exists()
    assert not ignore_file.can_leak(tmp_path)
    (tmp_path / "Dockerfile").touch()
    assert ignore_file.can_leak(tmp_path)
    (tmp_path / ".dockerignore").write_text(ignore_file.NEW, encoding="utf-8")
    assert not ignore_file.can_leak(tmp_path)


def test_a_new_one_leaves_out_secrets_and_data_and_nothing_that_is_needed() -> None:
    left_out = (
        ".env",
        "conf/local/credentials.yml",
        "conf/base/credentials.yml",
        "data/01_raw/a.csv",
        ".git/HEAD",
    )
    needed = (
        "src/shop/nodes.py",
        "conf/base/prefect.yml",
        "pyproject.toml",
        "requirements.txt",
        "wheels/a.whl",
    )
    assert all(ignore_file.leaves_out_file(ignore_file.NEW, path) for path in left_out)
    assert not any(ignore_file.leaves_out_file(ignore_file.NEW, path) for path in needed)
