"""Tables in plain text, as `plan` and `run` print them."""

from __future__ import annotations

from kedro_prefect_hooks.cli import durations
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


def test_durations() -> None:
    seconds = (None, 0.42, 59.9, 59.96, 185, 7800)
    words = ["-", "0.42 s", "59.9 s", "1 min 00 s", "3 min 05 s", "2 h 10 min"]
    assert [durations.in_words(each) for each in seconds] == words
