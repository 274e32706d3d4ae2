"""The commands in Kedro's command line: their help, their import cost, and errors common to all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from click.testing import CliRunner

from kedro_prefect_hooks.cli import COMMANDS, commands, prefect
from tests.scenarios.project_factory import Project, clean_environment
from tests.scenarios.scenarios import chain


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str) -> None:
    result = CliRunner().invoke(prefect, [name, "--help"])
    assert result.exit_code == 0
    assert f"prefect {name} [OPTIONS]" in result.output
    assert len(result.output.splitlines()) > 6


def test_help_lists_the_commands_in_order_of_use() -> None:
    result = CliRunner().invoke(commands, ["prefect", "--help"])
    listed = [
        line.split()[0]
        for line in result.output.partition("Commands:\n")[2].splitlines()
        if line.strip() and line[2:3] != " "
    ]
    assert listed == list(COMMANDS)


def test_a_misspelt_command_gets_a_suggestion() -> None:
    result = CliRunner().invoke(commands, ["prefect", "registre"])
    assert result.exit_code == 2
    assert "register" in result.output.splitlines()[-1]


def test_the_entry_point_imports_only_click() -> None:
    code = (
        "import sys, json, typing, __future__, click; before = set(sys.modules)\n"
        "import kedro_prefect_hooks.cli\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == ["kedro_prefect_hooks", "kedro_prefect_hooks.cli"]


def test_help_of_a_command_imports_neither_prefect_nor_pydantic() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom kedro_prefect_hooks.cli import prefect\n"
        f"for name in {COMMANDS!r}: CliRunner().invoke(prefect, [name, '--help'])\n"
        "print([name for name in ('prefect', 'pydantic', 'kedro') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_kedro_lists_the_group_once_in_a_project(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 2)
    output = kedro(project, "--help", ok=True).stdout
    assert output.count("Kedro pipelines as Prefect 1 flows.") == 1


def test_each_command_reports_a_missing_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = {"run": "x", "graph": "x", "cancel": "x", "restart": "x", "db": "info"}
    for name in set(COMMANDS) - {"schema"}:
        result = CliRunner().invoke(prefect, [name, *filter(None, [arguments.get(name)])])
        assert result.exit_code == 1, name
        assert f"There is no Kedro project in {tmp_path}" in result.output, name
        assert "Traceback" not in result.output, name


def test_kedro_passes_on_that_there_is_no_project(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "kedro", "prefect", "plan"],
        cwd=str(tmp_path),
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1
    assert "There is no Kedro project in" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    "command",
    [["run", "x", "--local"], ["up"], ["plan"], ["register"], ["graph", "x"], ["agent"]],
)
def test_each_command_reports_a_missing_prefect_yml_and_how_to_create_it(
    tmp_path: Path, kedro: Callable[..., Any], command: list[str]
) -> None:
    result = kedro(chain(tmp_path / "project", 2), "prefect", *command)
    assert result.returncode == 1
    assert "There is no prefect.yml in conf/base or conf/deploy" in result.stdout
    assert "kedro prefect init" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize("command", [["run", "chian"], ["run", "chian", "--local"], ["graph", "chian"]])
def test_an_unknown_flow_gets_a_suggestion(
    tmp_path: Path, kedro: Callable[..., Any], command: list[str]
) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}, "other": {}}})
    result = kedro(project, "prefect", *command)
    assert result.returncode == 1
    assert (
        "There is no flow 'chian' in prefect.yml. Did you mean 'chain'? It has: chain, other."
        in result.stdout
    )
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize("command", [["register"], ["run", "chain"], ["plan"], ["agent"]])
def test_an_unreachable_api_is_named(tmp_path: Path, kedro: Callable[..., Any], command: list[str]) -> None:
    prefect_yml = {"api": "http://127.0.0.1:9", "flows": {"chain": {}}}
    result = kedro(chain(tmp_path / "project", 2, prefect=prefect_yml), "prefect", *command)
    assert result.returncode == 1
    assert "The Prefect API at http://127.0.0.1:9 is unreachable (Connection refused)" in result.stdout
    assert "Traceback" not in result.stdout


def test_an_error_in_the_projects_code_is_reported_in_short(
    tmp_path: Path, kedro: Callable[..., Any]
) -> None:
    project: Project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    project.write(
        f"src/{project.package}/pipeline_registry.py",
        "def register_pipelines():\n    raise KeyError('my mistake')\n",
    )
    result = kedro(project, "prefect", "plan")
    assert result.returncode == 1
    assert "KeyError: 'my mistake'" in result.stdout
    assert "pipeline_registry.py, line 2" in result.stdout
    assert "Traceback" not in result.stdout
    raised = kedro(project, "prefect", "plan", env={"KEDRO_PREFECT_TRACEBACK": "1"})
    assert "Traceback" in raised.stdout
