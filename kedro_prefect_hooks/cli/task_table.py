"""Tables in plain text, without colours: the tasks of a flow run, local or not, and any other."""

from __future__ import annotations

from typing import NamedTuple, Sequence

from kedro_prefect_hooks.cli import durations

BAR_WIDTH = 24


class TaskRow(NamedTuple):
    """A task of a flow run.

    Attributes:
        name: the task's name.
        state: its final state.
        started: seconds from the start of the flow run to its own; None when it never started.
        seconds: how long it took.
        tries: how often it started to run; None when that is not known.
    """

    name: str
    state: str
    started: float | None
    seconds: float | None
    tries: int | None = None


def task_table(rows: Sequence[TaskRow], total: float | None) -> list[str]:
    """The tasks of a flow run that took `total` seconds, each with a bar that shows when it ran."""
    with_tries = any(row.tries is not None for row in rows)
    headers = ["TASK", "STATE", *["TRIES"] * with_tries, "STARTED", "DURATION", ""]
    cells = [
        [
            row.name,
            row.state,
            *[str(row.tries or "-")] * with_tries,
            durations.in_words(row.started),
            durations.in_words(row.seconds),
            _bar(row, total),
        ]
        for row in rows
    ]
    right = 2 + with_tries
    return table(headers, cells, ["left", "left", *["right"] * right, "left"])


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], alignment: Sequence[str]) -> list[str]:
    """The lines of a table, indented by two spaces; the first has the headers."""
    from tabulate import tabulate

    text = tabulate(
        [list(row) for row in rows],
        headers=list(headers),
        tablefmt="plain",
        colalign=tuple(alignment) if rows else None,
        disable_numparse=True,
    )
    return [f"  {line}".rstrip() for line in text.splitlines()]


def _bar(row: TaskRow, total: float | None) -> str:
    if row.started is None or row.seconds is None or not total or total <= 0:
        return ""
    first = max(0, min(int(row.started / total * BAR_WIDTH), BAR_WIDTH - 1))
    length = max(1, min(round(row.seconds / total * BAR_WIDTH), BAR_WIDTH - first))
    return f"|{' ' * first}{'=' * length}{' ' * (BAR_WIDTH - first - length)}|"
