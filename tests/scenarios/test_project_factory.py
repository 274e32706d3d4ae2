"""The factory's projects run with Kedro's own runner, with the outputs that each scenario promises."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Callable

import pytest

from tests.scenarios import scenarios
from tests.scenarios.project_factory import (
    HAS_GENERATORS,
    Project,
    check_hook_order,
    collect_outputs,
    hook_calls,
    hook_counts,
    versions,
)

Kedro = Callable[..., "subprocess.CompletedProcess[str]"]

TRAPS_OUTPUTS = {
    "added.json": {"sum": 6, "spoiled": 1006},
    "cached.json": {"letters": [1, 2, 3]},
    "cached_read.json": {"letters": [1, 2, 3]},
    "copy_ways.json": {
        "assign": [],
        "copy": ["copy"],
        "deepcopy": ["deepcopy"],
        "default": ["deepcopy"],
        "content": [[1, 2]] * 4,
    },
    "eu/scores.json": {"name": "region of 10", "score": 30},
    "falsy_saved.json": [0, "", False, 0.0],
    "first.json": {"letters": [1, 2, 3]},
    "guarded.json": {"proof": "bf797aa923e4", "data": {"letters": [1, 2, 3]}},
    "guarded_read.json": {"letters": [1, 2, 3]},
    "hook_target_saved.json": "from the hook",
    "hook_value_saved.json": 7,
    "inbox_done.json": {"letters": [1, 2, 3]},
    "input_inbox.json": {"letters": [1, 2, 3]},
    "confirmed_input_inbox.txt": "confirmed\n",
    "joined.json": {"right": [1, 2], "cleared": 0, "falsy": []},
    "last_saved.json": 1009,
    "locked.json": {"letters": [1, 2, 3]},
    "locked_read.json": {"letters": [1, 2, 3]},
    "made/alpha.json": {"letters": [1, 2, 3]},
    "made/beta.json": {"letters": [1, 2, 3]},
    "parameters_seen.json": {
        "all": {
            "rows": 7,
            "weight": 3,
            "options": {"depth": 2, "names": ["a", "b"]},
            "eu": {"size": 10},
            "us": {"size": 20},
        },
        "depth": 2,
        "options": {"depth": 2, "names": ["a", "b"]},
        "spoiled": 3,
    },
    "pickled.pkl": {"letters": [1, 2, 3]},
    "pickled_read.json": {"letters": [1, 2, 3]},
    "second.json": {"previous": {"letters": [1, 2, 3]}, "numbers": {"letters": [1, 2, 3]}},
    "side_effect.txt": "1,2,3,4",
    "sums.json": [3, 12, 33, 72],
    "table.csv": "key,value,spoiled\nk0,9,-7\nk1,5,-7\nk2,7,-7\n",
    "table_lines.json": {"header": "key,value,spoiled", "rows": 3},
    "us/scores.json": {"name": "region of 20", "score": 60},
    "variadic_saved.json": {"first": 5, "named": {"one": 0, "other": [2, 4, 6, 8]}},
    "versioned_read.json": {"previous": {"letters": [1, 2, 3]}, "numbers": {"letters": [1, 2, 3]}},
}

GENERATOR_OUTPUTS = {
    "chunks.jsonl": "".join(f'{{"chunk": {i}, "number": {n}}}\n' for i, n in enumerate([1, 2, 3])),
    "pairs.jsonl": "".join(f'{{"chunk": {i}, "number": {n}}}\n' for i, n in enumerate([1, 2, 3])),
    "squares.jsonl": "".join(f'{{"chunk": {i}, "square": {n * n}}}\n' for i, n in enumerate([1, 2, 3])),
    "chunks_read.json": {"count": 3, "last": {"chunk": 2, "number": 3}, "squares": [1, 4, 9]},
}


def expected_outputs() -> dict:
    return {**TRAPS_OUTPUTS, **(GENERATOR_OUTPUTS if HAS_GENERATORS else {})}


@pytest.fixture
def traps(tmp_path: Path) -> Project:
    return scenarios.traps(tmp_path / "traps", prefect_hooks=False)


def test_traps_has_the_same_outputs_in_every_run(traps: Project, kedro: Kedro) -> None:
    kedro(traps, "run", ok=True)
    first = collect_outputs(traps)
    assert first == expected_outputs()
    assert versions(traps, "first.json") == versions(traps, "second.json")

    kedro(traps, "run", ok=True)
    assert len(versions(traps, "first.json")) == 2
    assert collect_outputs(traps) == {**first, "confirmed_input_inbox.txt": "confirmed\n" * 2}


def test_traps_records_every_hook_call(traps: Project, kedro: Kedro) -> None:
    kedro(traps, "run", "--env", "deploy", ok=True)

    calls = hook_calls(traps)
    check_hook_order(calls)
    assert hook_calls(traps, "before_pipeline_run")[0]["env"] == "deploy"
    counts = hook_counts(traps)
    assert counts["before_pipeline_run", ""] == counts["after_pipeline_run", ""] == 1
    assert counts["before_node_run", "make_numbers"] == counts["after_node_run", "make_numbers"] == 1
    assert counts["after_dataset_loaded", "numbers"] == 3
    assert counts["after_dataset_saved", "parameters_seen"] == 1
    if HAS_GENERATORS:
        assert counts["after_dataset_saved", "chunks"] == 3
    (end,) = hook_calls(traps, "after_pipeline_run")
    assert "free_output" in end["result"]
    assert len(hook_calls(traps, "after_node_run")) == end["nodes"]
    assert {call["id"] for call in calls if "id" in call} == {end["id"]}


@pytest.mark.parametrize(
    "hooks",
    [
        ["after_node_run a", "before_pipeline_run", "after_pipeline_run"],
        ["before_pipeline_run", "before_node_run a"],
        ["before_pipeline_run", "before_pipeline_run", "after_pipeline_run"],
        ["before_pipeline_run", "after_node_run a", "before_node_run a", "after_pipeline_run"],
        ["before_pipeline_run", "before_dataset_loaded b", "after_dataset_saved b", "after_pipeline_run"],
    ],
)
def test_an_impossible_hook_order_is_detected(hooks: list[str]) -> None:
    calls = []
    for hook in hooks:
        name, _, subject = hook.partition(" ")
        kind = "dataset" if "dataset" in name else "node"
        calls.append({"hook": name, **({kind: subject} if subject else {})})
    with pytest.raises(AssertionError):
        check_hook_order(calls)


def test_a_cleaned_project_is_like_new(traps: Project, kedro: Kedro) -> None:
    kedro(traps, "run", ok=True)
    assert set(collect_outputs(traps)) == set(expected_outputs())
    traps.clean()
    assert set(collect_outputs(traps)) == {"input_inbox.json"}
    assert hook_calls(traps) == []


def test_chain_and_fan(tmp_path: Path, kedro: Kedro) -> None:
    chain = scenarios.chain(tmp_path / "chain", 5, prefect_hooks=False)
    kedro(chain, "run", ok=True)
    assert collect_outputs(chain) == {"end.json": 5}

    fan = scenarios.fan(tmp_path / "fan", 4, prefect_hooks=False)
    kedro(fan, "run", ok=True)
    assert collect_outputs(fan) == {"total.json": 8}


def test_a_failing_node_can_be_fixed(tmp_path: Path, kedro: Kedro) -> None:
    project = scenarios.failing(tmp_path / "failing", prefect_hooks=False)
    project.break_node("third")
    result = kedro(project, "run")
    assert result.returncode != 0
    assert "third is broken" in result.stdout
    assert collect_outputs(project) == {"attempts.txt": "first\nsecond\nthird\n"}
    assert [call["node"] for call in hook_calls(project, "on_node_error")] == ["third"]
    assert len(hook_calls(project, "on_pipeline_error")) == 1

    project.fix_node("third")
    project.clean()
    kedro(project, "run", ok=True)
    assert collect_outputs(project)["end.json"] == 4

    assert kedro(project, "run", env={"FAIL_NODE": "second"}).returncode != 0


def test_scenarios_for_one_process(tmp_path: Path, kedro: Kedro) -> None:
    shared = scenarios.shared_by_assign(tmp_path / "shared", prefect_hooks=False)
    kedro(shared, "run", ok=True)
    assert collect_outputs(shared) == {"end.json": {"items": [1, 2], "length": 2}}

    lock = scenarios.unpicklable(tmp_path / "lock", prefect_hooks=False)
    kedro(lock, "run", ok=True)
    assert collect_outputs(lock) == {"end.json": 1}

    slow = scenarios.slow(tmp_path / "slow", seconds=0.1, prefect_hooks=False)
    kedro(slow, "run", ok=True)
    assert collect_outputs(slow) == {"end.json": 3, "started.txt": "started"}


def test_child_processes_do_not_see_the_users_settings(
    traps: Project, kedro: Kedro, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEDRO_ENV", "nowhere")
    monkeypatch.setenv("PREFECT__CLOUD__API", "http://127.0.0.1:1")
    kedro(traps, "run", "--pipeline", "parameters", ok=True)
    assert hook_calls(traps, "before_pipeline_run")[0].get("env") != "nowhere"
