"""Prefect Server records when it received a state; the table of tasks shows when it was reached."""

from __future__ import annotations

from typing import Any

from kedro_prefect_hooks.api.task_times import with_reported_times


def at(second: float, offset: str = "+00:00") -> str:
    return f"2026-01-31T06:00:{second:06.3f}{offset}"


def task_run(*states: Any, start: float | None, end: float | None) -> dict[str, Any]:
    return {
        "start_time": None if start is None else at(start),
        "end_time": None if end is None else at(end),
        "states": [
            {
                "state": kind,
                "timestamp": at(received),
                "reported": None if reached is None else at(reached),
            }
            for kind, received, reached in states
        ],
    }


def times(*task_runs: dict[str, Any]) -> list[Any]:
    run = with_reported_times({"start_time": at(0), "end_time": at(30), "task_runs": list(task_runs)})
    assert (run["start_time"], run["end_time"]) == (at(0), at(30))
    seconds = [(each["start_time"], each["end_time"]) for each in run["task_runs"]]
    return [tuple(None if text is None else float(text[17:-6]) for text in each) for each in seconds]


def test_the_times_are_those_of_the_nodes_by_the_clock_of_the_server() -> None:
    # The worker's clock is ten seconds behind. One batch with two tasks, one after the other.
    first = task_run(("Pending", 1, None), ("Running", 13, 2.5), ("Success", 13.1, 2.8), start=13, end=13.1)
    second = task_run(("Pending", 1, None), ("Running", 13, 2.8), ("Failed", 13.1, 3.1), start=13, end=13.1)
    assert times(first, second) == [(12.5, 12.8), (12.8, 13.1)]


def test_other_states_keep_the_time_of_the_server() -> None:
    never = task_run(("Pending", 1, None), start=None, end=None)
    one_by_one = task_run(("Running", 5, None), ("Success", 6, None), start=5, end=6)
    retried = task_run(
        ("Running", 7, 7.0),
        ("Retrying", 8, 8.0),
        ("Running", 9.2, 9.0),
        ("Success", 9.9, 9.8),
        start=7,
        end=9.9,
    )
    assert times(never, one_by_one, retried) == [(None, None), (5, 6), (7, 9.8)]
    skipped = task_run(("TriggerFailed", 20, 12.0), start=None, end=None)
    assert times(skipped) == [(None, None)], "the server has no times for it"
