"""After `kedro prefect init`, a project can register and run its flows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from tests.scenarios.scenarios import chain


def test_init_writes_a_prefect_yml_that_works_and_edits_settings(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    project = chain(tmp_path / "project", 3, prefect_hooks=False)
    (project.path / "conf" / "deploy" / ".gitkeep").unlink()
    (project.path / "conf" / "deploy").rmdir()
    settings = project.source / "settings.py"
    before = settings.read_bytes()

    first = kedro(project, "prefect", "init", ok=True).stdout
    assert "Wrote conf/base/prefect.yml" in first
    assert "Created conf/deploy/" in first
    assert "HOOKS = (PrefectHooks(),)" in first, "the lines are printed"
    assert settings.read_bytes() == before, "and only printed"

    second = kedro(project, "prefect", "init")
    assert second.returncode == 1
    assert "conf/base/prefect.yml already exists" in second.stdout

    text = (project.path / "conf/base/prefect.yml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../prefect.schema.json\n")
    json.loads((project.path / "conf/prefect.schema.json").read_text(encoding="utf-8"))

    (project.path / "conf/base/prefect.yml").write_text(text + "# my own\n", encoding="utf-8")
    third = kedro(project, "prefect", "init", "--settings", ok=True).stdout
    assert "Added the hook to" in third
    assert (project.path / "conf/base/prefect.yml").read_text(encoding="utf-8").endswith("# my own\n")
    edited = settings.read_bytes()
    assert "already has the hook" in kedro(project, "prefect", "init", "--settings", ok=True).stdout
    assert settings.read_bytes() == edited

    plan = kedro(project, "prefect", "plan")
    assert plan.returncode == 2, plan.stdout
    registered = kedro(project, "run", "--env", "deploy", ok=True).stdout
    assert f"  new  {project.package.replace('_', '-')}" in registered, "the hook that was added registers"

    kedro(project, "prefect", "init", "--force", ok=True)
    assert (project.path / "conf/base/prefect.yml").read_text(encoding="utf-8") == text


def test_init_does_not_change_settings_that_it_cannot_edit_safely(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    project = chain(tmp_path / "project", 2, prefect_hooks=False, settings="\nHOOKS = tuple(list(HOOKS))\n")
    before = (project.source / "settings.py").read_bytes()
    result = kedro(project, "prefect", "init", "--settings")
    assert result.returncode == 1
    assert "was not changed" in result.stdout
    assert "from kedro_prefect_hooks import PrefectHooks" in result.stdout
    assert (project.source / "settings.py").read_bytes() == before


def test_schema_is_written_to_standard_output_or_to_a_file(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 2)
    kedro(project, "prefect", "schema", "--output", "schema.json", ok=True)
    text = (project.path / "schema.json").read_text(encoding="utf-8")
    assert json.loads(text)["title"] == "prefect.yml of kedro-prefect-hooks"
    assert kedro(project, "prefect", "schema", ok=True).stdout.endswith(text)
