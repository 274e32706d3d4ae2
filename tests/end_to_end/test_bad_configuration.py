"""An invalid `prefect.yml` stops `kedro run --env deploy` with one message, and nothing is registered."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.scenarios import scenarios
from tests.scenarios.project_factory import KEDRO

GOOD: dict[str, Any] = {"flows": {"chain": {}}}

CASES = {
    "unknown key": (
        {"flows": {"chain": {"shedule": {"cron": "0 6 * * *"}}}},
        ["flows.chain.shedule", "schedule"],
    ),
    "wrong type": (
        {"flows": {"chain": {"retries": {"max_retries": "many"}}}},
        ["flows.chain.retries", "many"],
    ),
    "unknown pipeline": ({"flows": {"chain": {"pipeline": "__defualt__"}}}, ["__defualt__", "__default__"]),
    "unknown node": ({"flows": {"chain": {"nodes": {"step_00x": {}}}}}, ["flows.chain.nodes", "step_00x"]),
    "unknown tag": ({"flows": {"chain": {"tags": ["nightyl"]}}}, ["flows.chain.tags", "nightyl"]),
    "unknown parameter": ({"flows": {"chain": {"parameters": ["rowz"]}}}, ["flows.chain.parameters", "rowz"]),
    "bad cron line": ({"flows": {"chain": {"schedule": {"cron": "0 25 * * *"}}}}, ["0 25 * * *", "schedule"]),
    "unknown executor": (
        {"flows": {"chain": {"executor": {"type": "LocalDaskExecuter"}}}},
        ["LocalDaskExecuter", "LocalDaskExecutor"],
    ),
    "unknown argument": (
        {"flows": {"chain": {"executor": {"type": "LocalDaskExecutor", "sheduler": "threads"}}}},
        ["sheduler", "scheduler"],
    ),
    "no flows": ({"flows": {}}, ["flows"]),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message_and_nothing_registered(tmp_path: Path, kedro: Callable[..., Any], case: str) -> None:
    settings, words = CASES[case]
    project = scenarios.chain(tmp_path / "chain", 3, prefect=settings)
    project.write_conf("deploy", "parameters", {})
    result = kedro(project, "run", "--env", "deploy")
    assert result.returncode == 1, result.stdout
    assert "Traceback" not in result.stdout
    message = result.stdout[result.stdout.index("Error:") :]
    assert "prefect.yml" in message
    for word in words:
        assert word in message, message
    assert not (project.path / ".kedro_prefect" / "api.sqlite").exists()


@pytest.mark.parametrize("text", ["", "flows: [", "- a\n- b\n"], ids=["empty", "not yaml", "a list"])
def test_a_file_that_cannot_be_read(tmp_path: Path, kedro: Callable[..., Any], text: str) -> None:
    project = scenarios.chain(tmp_path / "chain", 2, prefect=GOOD)
    project.write_conf("deploy", "parameters", {})
    project.write("conf/base/prefect.yml", text)
    result = kedro(project, "run", "--env", "deploy")
    assert result.returncode == 1, result.stdout
    assert "prefect.yml" in result.stdout
    assert "Traceback" not in result.stdout
    assert kedro(project, "run").returncode == 0, "a plain run is not affected"


def test_a_missing_environment_folder(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = scenarios.chain(tmp_path / "chain", 2, prefect=GOOD)
    shutil.rmtree(project.path / "conf" / "deploy", ignore_errors=True)
    result = kedro(project, "run", "--env", "deploy")
    assert result.returncode == 1, result.stdout
    assert "conf/deploy" in result.stdout
    # before 0.19 Kedro looks for logging.yml there before it calls any hook, and prints its own traceback
    assert KEDRO < (0, 19) or "Traceback" not in result.stdout


def test_warn_continues_the_run_and_raise_stops_it(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    unreachable = {"api": "http://127.0.0.1:9", "flows": {"chain": {}}}
    project = scenarios.chain(tmp_path / "chain", 2, prefect=unreachable)
    project.write_conf("deploy", "parameters", {})
    result = kedro(project, "run", "--env", "deploy")
    assert result.returncode == 1
    assert "127.0.0.1:9" in result.stdout
    assert "Traceback" not in result.stdout
    project.write_conf("base", "prefect", {**unreachable, "register": {"on_error": "warn"}})
    result = kedro(project, "run", "--env", "deploy", ok=True)
    assert "127.0.0.1:9" in result.stdout.replace("\n", "")
