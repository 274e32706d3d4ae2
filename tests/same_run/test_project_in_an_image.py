"""A flow that was pickled on another machine finds the project in the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.runs.spec import ProjectRef, nearest_project


def _project(folder: Path, package: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[tool.kedro]\npackage_name = "{package}"\n')
    return folder


def test_where_the_folder_of_a_project_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = _project(tmp_path / "shop", "shop")
    inner = _project(shop / "plugins" / "other", "other")
    monkeypatch.chdir(inner)
    elsewhere = ProjectRef(path=str(tmp_path / "not" / "here"), package="shop")
    assert nearest_project(inner) == inner
    assert nearest_project(inner, "shop") == shop
    assert elsewhere.on_this_machine().path == str(shop)
    assert ProjectRef(path=str(tmp_path), package="shop").on_this_machine().path == str(tmp_path)
    packaged = ProjectRef(path=elsewhere.path, package="packaged")
    assert packaged.on_this_machine().path == elsewhere.path, "where only the package is installed"
    assert ProjectRef(path=elsewhere.path, relocatable=False).on_this_machine().path == elsewhere.path
    monkeypatch.setenv(env_vars.PROJECT, str(inner))
    assert elsewhere.on_this_machine().path == str(inner)


def test_workers_of_a_kedro_run_find_what_is_not_on_their_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = str(_project(tmp_path / "shop", "shop"))
    conf = tmp_path / "conf"
    conf.mkdir()
    there = tmp_path / "there"
    monkeypatch.setenv(env_vars.PROJECT, str(there))
    monkeypatch.setenv(env_vars.CONF_SOURCE, str(there / "conf"))

    def found(path: str, conf_source: str | None = None) -> tuple[str, str | None]:
        ref = ProjectRef(path, "shop", conf_source=conf_source, relocatable=False).on_this_machine()
        return ref.path, ref.conf_source

    missing = str(tmp_path / "not" / "here")
    assert found(shop) == (shop, None), "a kedro run is of the project that it was called in"
    assert found(shop, str(conf)) == (shop, str(conf))
    assert found(shop, "s3://bucket/conf") == (shop, "s3://bucket/conf")
    assert found(shop, missing) == (shop, str(there / "conf"))
    assert found(str(tmp_path)) == (str(tmp_path), None), "a packaged project, with its configuration"
    assert found(missing) == (str(there), str(there / "conf"))
