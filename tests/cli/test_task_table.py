"""Tables in plain text, as `plan` and `run` print them."""

from __future__ import annotations

from typing import Any

from kedro_prefect_hooks.cli import durations
from kedro_prefect_hooks.cli.project_runs import _rows
from kedro_prefect_hooks.cli.task_table import TaskRow, task_table


def test_tasks_with_tries() -> None:
    rows = [
        TaskRow("first", "Success", 0.0, 30.0, 1),
        TaskRow("second", "Failed", 30.0, 90.0, 12),
        TaskRow("a longer name", "TriggerFailed", None, None, 0),
    ]
    assert task_table(rows, 120.0) == [
        "  TASK           STATE            TRIES    STARTED    DURATION",
        "  first          Success              1     0.00 s      30.0 s  |======                  |",
        "  second         Failed              12     30.0 s  1 min 30 s  |      ==================|",
        "  a longer name  TriggerFailed        -          -           -",
    ]


def test_tasks_whose_tries_are_unknown() -> None:
    header, row = task_table([TaskRow("only", "Success", 1.0, 0.001)], 1.001)
    assert header.split() == ["TASK", "STATE", "STARTED", "DURATION"]
    assert row.endswith("  |                       =|")


def test_a_flow_run_without_tasks_and_one_without_an_end() -> None:
    assert len(task_table([], None)) == 1
    assert task_table([TaskRow("only", "Running", 1.0, None)], None)[1].split() == [
        "only",
        "Running",
        "1.00",
        "s",
        "-",
    ]


def test_a_mapped_task_is_one_row() -> None:
    def task_run(slug: str, index: int, state: str, start: int | None, end: int | None) -> dict[str, Any]:
        times = [None if at is None else f"2026-01-01T00:00:{at:02}+00:00" for at in (start, end)]
        task = {"slug": slug, "name": slug, "type": "prefect.Task"}
        return {
            "task": task,
            "map_index": index,
            "state": state,
            "start_time": times[0],
            "end_time": times[1],
        }

    runs = [task_run("clean", n, "Success" if n else "Failed", 2 + n, 9 - n) for n in range(3)]
    runs += [task_run("clean", -1, "Mapped", None, None), task_run("last", -1, "TriggerFailed", None, None)]
    runs += [task_run("first", -1, "Success", 1, 2)]
    assert _rows({"start_time": "2026-01-01T00:00:00+00:00", "task_runs": runs}) == [
        TaskRow("first", "Success", 1, 1),
        TaskRow("clean", "2 Success, 1 Failed", 2, 7),
        TaskRow("last", "TriggerFailed", None, None),
    ]


def test_durations() -> None:
    seconds = (None, 0.42, 59.9, 59.96, 185, 7800)
    words = ["-", "0.42 s", "59.9 s", "1 min 00 s", "3 min 05 s", "2 h 10 min"]
    assert [durations.in_words(each) for each in seconds] == words
