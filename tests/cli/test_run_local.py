"""`run --local`: a flow run without an API, with its progress and a table of its tasks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable

import pytest

from kedro_prefect_hooks.cli import run_local
from kedro_prefect_hooks.compat.kedro_params import reads_yaml
from kedro_prefect_hooks.flows.task_progress import TaskProgress
from tests.scenarios.project_factory import collect_outputs, hook_counts
from tests.scenarios.scenarios import chain, failing, slow, traps

needs_yaml = pytest.mark.skipif(not reads_yaml(), reason="`kedro run --params` of this Kedro reads no YAML")


@pytest.mark.parametrize(
    "executor",
    [
        {"type": "LocalExecutor"},
        {"type": "LocalDaskExecutor", "scheduler": "threads"},
        {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2},
    ],
    ids=["local", "threads", "processes"],
)
def test_each_task_has_a_line_and_a_row(
    tmp_path: Path, kedro: Callable[..., Any], executor: dict[str, Any]
) -> None:
    project = chain(tmp_path / "project", 3, prefect={"flows": {"chain": {"executor": executor}}})
    output = kedro(project, "prefect", "run", "chain", "--local", ok=True).stdout
    assert f"Running flow 'chain' locally with {executor['type']}, in environment deploy:" in output
    for number in (1, 2, 3):
        assert re.search(rf"  {number}/3  node_{number - 1}  Success +\d\.\d\d s", output), output
        assert re.search(rf"  node_{number - 1}  Success +1 +\d\.\d\d s +\d\.\d\d s +\| *=+ *\|", output), (
            output
        )
    assert re.search(r"  TASK +STATE +TRIES +STARTED +DURATION\n", output), output
    assert re.search(r"Flow 'chain' ended in Success after \d+\.\d+ s\.", output)
    assert "\x1b" not in output and "\r" not in output, "no cursor movements and no colours in a log file"
    assert json.loads((project.data / "end.json").read_text()) == 3


def test_a_mapped_task_shows_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printer = run_local._ProgressPrinter(["clean_region", "report"])
    for done in (37, 38):  # the second one too soon after the first
        printer.print(TaskProgress("clean_region", "Running", slices=120, slices_done=done))
    monkeypatch.setattr(run_local, "SLICES_SECONDS", 0)
    printer.print(TaskProgress("clean_region", "Running", slices=120, slices_done=39))
    done = TaskProgress("clean_region", "Success", finished=True, seconds=61, slices=120, slices_done=120)
    printer.print(done)
    assert capsys.readouterr().out.splitlines() == [
        "       clean_region  Running        37/120",
        "       clean_region  Running        39/120",
        "  1/2  clean_region  Success        120/120, 1 min 01 s",
    ]


def test_it_registers_nothing_and_needs_no_api(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    prefect_yml = {"api": "http://127.0.0.1:9", "flows": {"chain": {}}}
    project = chain(tmp_path / "project", 2, prefect=prefect_yml)
    kedro(project, "prefect", "run", "chain", "--local", "--env", "deploy", ok=True)
    assert not (project.path / ".kedro_prefect").exists()


def test_the_same_outputs_and_hooks_as_kedro_run(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = traps(tmp_path / "traps", prefect={"flows": {"all": {}}})
    kedro(project, "run", ok=True)
    outputs, hooks = collect_outputs(project), hook_counts(project)
    project.clean()
    kedro(project, "prefect", "run", "all", "--local", "--env", "local", ok=True)
    assert collect_outputs(project) == outputs
    assert hook_counts(project) == hooks


def test_parameters_are_parsed_as_yaml_and_reach_the_nodes(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    prefect_yml = {"flows": {"slow": {"parameters": ["seconds"]}}}
    project = slow(tmp_path / "project", 3600, prefect=prefect_yml)
    kedro(project, "prefect", "run", "slow", "--local", "--param", "seconds=0.01", ok=True)
    assert json.loads((project.data / "end.json").read_text()) == 3


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("second=1", "Flow 'slow' has no parameter 'second'. Did you mean 'seconds'? It accepts: seconds."),
        ("seconds", "found 'seconds', expected NAME=VALUE, such as model.depth=3"),
        pytest.param("seconds=[1", "the value of 'seconds' cannot be parsed", marks=needs_yaml),
        pytest.param("seconds=!!python/none x", "the value of 'seconds' cannot be parsed", marks=needs_yaml),
    ],
)
def test_a_wrong_parameter_is_one_message(
    tmp_path: Path, kedro: Callable[..., Any], param: str, message: str
) -> None:
    project = slow(tmp_path / "project", 1, prefect={"flows": {"slow": {"parameters": ["seconds"]}}})
    result = kedro(project, "prefect", "run", "slow", "--local", "--param", param)
    assert result.returncode != 0
    assert message in result.stdout
    assert "Traceback" not in result.stdout


def test_parameters_are_read_as_kedro_reads_them(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    from kedro_prefect_hooks.cli.run_command import parse_parameters

    given = ["rate=1e-3", "day=2020-01-01", "names=[a, 1]", "flag=true", "quoted='1'", "nothing="]
    wanted = {
        "rate": 0.001,
        "day": "2020-01-01",
        "names": ["a", 1],
        "flag": True,
        "quoted": "1",
        "nothing": None,
    }
    if reads_yaml():  # earlier versions of Kedro read numbers only
        assert parse_parameters(given) == wanted
    assert parse_parameters(["size=3", "share=0.5"]) == {"size": 3, "share": 0.5}


def test_a_failed_run_names_the_node_and_its_error(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    retries = {"max_retries": 1, "retry_delay": 1}
    project = failing(tmp_path / "project", prefect={"flows": {"chain": {"retries": retries}}})
    result = kedro(project, "prefect", "run", "chain", "--local", env={"FAIL_NODE": "second"})
    assert result.returncode == 1
    assert re.search(r"       second  Retrying +try 1 failed: ValueError\(", result.stdout), result.stdout
    assert re.findall(r"^ +(\d)/4 ", result.stdout, re.M) == list("1234"), "each task counts once"
    assert re.search(r"  2/4  second  Failed", result.stdout)
    assert re.search(r"  second  Failed +2 ", result.stdout), "two tries"
    assert re.search(r"  third   TriggerFailed +- +- +-\n", result.stdout)
    assert "Flow 'chain' ended in Failed" in result.stdout
    assert "  second: ValueError('second is broken')" in result.stdout


def test_options_that_need_an_api_are_refused(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    result = kedro(project, "prefect", "run", "chain", "--local", "--watch")
    assert result.returncode == 2
    assert "--label, --name and --watch need an API" in result.stdout
