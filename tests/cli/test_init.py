"""After `kedro prefect init`, a project can register and run its flows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.scenarios.project_factory import KEDRO, hook_calls
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
    assert plan.returncode == 3, plan.stdout
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


FOREIGN = {
    "star": "from {package}.shop import *\n",
    "unpacked": "from {package}.shop import HOOKS as MORE\nHOOKS = (*MORE,)\n",
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_init_never_switches_a_hook_off(tmp_path: Path, kedro: Callable[..., Any], text: str) -> None:
    """And the lines that it prints work in each of these settings."""
    project = chain(tmp_path / "project", 2, prefect_hooks=False)
    project.write(
        f"src/{project.package}/shop.py",
        f"from {project.package}.hooks import ProjectHooks\n\nHOOKS = (ProjectHooks(),)\n",
    )
    settings = project.source / "settings.py"
    settings.write_text(text.format(package=project.package), encoding="utf-8")
    result = kedro(project, "prefect", "init", "--settings")
    assert result.returncode == 1
    assert "was left alone" in result.stdout
    assert settings.read_text(encoding="utf-8") == text.format(package=project.package)
    lines = ["from kedro_prefect_hooks import PrefectHooks", "HOOKS = (*HOOKS, PrefectHooks())"]
    assert all(line in result.stdout for line in lines)
    with settings.open("a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(lines) + "\n")
    assert "already has the hook" in kedro(project, "prefect", "init", "--settings", ok=True).stdout
    assert "  new  " in kedro(project, "run", "--env", "deploy", ok=True).stdout
    assert {call["hook"] for call in hook_calls(project)} >= {"before_pipeline_run"}, (
        "the other hook still runs"
    )


def test_a_hook_under_another_name_is_not_added_twice(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 2, prefect_hooks=False)
    project.write(
        f"src/{project.package}/shop.py",
        "from kedro_prefect_hooks import PrefectHooks\n\nclass Ours(PrefectHooks):\n    pass\n",
    )
    settings = project.source / "settings.py"
    text = f"from {project.package}.shop import Ours\n\nHOOKS = (Ours(),)\n"
    settings.write_text(text, encoding="utf-8")
    assert "already has the hook" in kedro(project, "prefect", "init", "--settings", ok=True).stdout
    assert settings.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_init_does_not_write_beside_another_prefect_yml(
    tmp_path: Path, kedro: Callable[..., Any], options: list[str]
) -> None:
    project = chain(tmp_path / "project", 2)
    other = project.write("conf/base/prefect_flows.yaml", "flows: {a: }\n")
    result = kedro(project, "prefect", "init", *options)
    assert result.returncode == 1
    assert "conf/base/prefect_flows.yaml already exists" in result.stdout
    assert not (other.parent / "prefect.yml").exists()
    assert "nothing was written" in kedro(project, "prefect", "init", "--settings", ok=True).stdout
    assert not (other.parent / "prefect.yml").exists()


@pytest.mark.skipif(KEDRO < (0, 19), reason="the config loader is another one")
def test_init_writes_into_the_base_environment_that_the_project_has(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    settings = '\nCONFIG_LOADER_ARGS = {"base_env": "shared", "default_run_env": "mine"}\n'
    project = chain(tmp_path / "named", 2, settings=settings)
    (project.path / "conf/base").rename(project.path / "conf/shared")
    (project.path / "conf/mine").mkdir()
    printed = kedro(project, "prefect", "init", ok=True).stdout
    assert "Wrote conf/shared/prefect.yml" in printed
    assert "conf/shared and conf/deploy, not conf/mine" in printed
    assert kedro(project, "prefect", "plan").returncode == 3

    settings = '\nCONFIG_LOADER_ARGS = {"base_env": "", "default_run_env": ""}\n'
    flat = chain(tmp_path / "flat", 2, settings=settings)
    for file in (flat.path / "conf/base").iterdir():
        file.rename(flat.path / "conf" / file.name)
    for folder in ("base", "local", "deploy"):
        shutil.rmtree(flat.path / "conf" / folder)
    assert "Wrote conf/prefect.yml" in kedro(flat, "prefect", "init", ok=True).stdout
    assert kedro(flat, "prefect", "plan").returncode == 3
    assert kedro(flat, "run", ok=True)
