"""What `kedro prefect run --local` prints."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from kedro_prefect_hooks.cli import durations
from kedro_prefect_hooks.cli.task_table import TaskRow, task_table
from kedro_prefect_hooks.runs.failures import NodeExited
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.flows.flow import KedroFlow
    from kedro_prefect_hooks.flows.local_run import LocalFlowRun
    from kedro_prefect_hooks.flows.task_progress import TaskProgress

QUIET_LOGGERS = ("prefect", "kedro")
"""Loggers that print only warnings and errors while the progress is shown."""

SLICES_SECONDS = 1.0
"""A line with how many slices of a mapped task are done is printed at most this often."""


def run_local(
    project: OpenProject,
    flow: KedroFlow,
    parameters: Mapping[str, Any],
    load_versions: Mapping[str, str],
    *,
    verbose: bool = False,
) -> int:
    """Run a flow in this process and print its progress; return the exit code, 0 if it ended in Success.

    Args:
        project: the project; the flow run uses the session that the project was opened with.
        flow: one of its flows.
        parameters: the flow parameters that the run is given, by their dotted names.
        load_versions: dataset → version to load.
        verbose: print all log lines of Kedro and Prefect.
    """
    from kedro_prefect_hooks.flows.local_run import run_locally
    from kedro_prefect_hooks.flows.task_progress import node_tasks
    from kedro_prefect_hooks.runs import session

    if not verbose:
        for name in QUIET_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
    executor = type(flow.executor).__name__
    echo(f"Running flow '{flow.name}' locally with {executor}, in environment {project.env}:")
    printer = _ProgressPrinter([task.name for task in node_tasks(flow)])
    session.keep_for_run(project.ref, project.opened)
    run = run_locally(flow, parameters, load_versions, printer.print)
    echo("")
    for line in [*task_table(_rows(run), run.seconds), "", *_outcome(flow.name, run)]:
        echo(line)
    return 0 if run.state.is_successful() else _exit_code(run)


def _exit_code(run: LocalFlowRun) -> int:
    """1, or what a node has called `sys.exit` with."""
    states = run.state.result.values() if isinstance(run.state.result, dict) else ()
    return next((state.result.exit_code for state in states if isinstance(state.result, NodeExited)), 1)


FAILURE = "Error during execution of task: "
"""How Prefect begins the message of a task whose node has raised an exception."""


class _ProgressPrinter:
    """Prints one line for each task that finishes, or that is retried."""

    def __init__(self, names: Sequence[str]) -> None:
        self.count = len(names)
        self.finished: set[str] = set()
        self.name_width = max(map(len, names), default=0)
        self.number_width = len(str(self.count))
        self.shown_at = 0.0

    def print(self, task: TaskProgress) -> None:
        reason = task.message.replace(FAILURE, "", 1)
        number, note = "", f"try {task.tries} failed: {reason}"
        if task.finished:
            self.finished.add(task.name)  # a mapped task may fail again when its slices are gathered
            number = f"{len(self.finished):>{self.number_width}}/{self.count}"
            note = durations.in_words(task.seconds)
            if task.slices is not None:
                note = f"{task.slices_done}/{task.slices}, {note}"
        elif task.slices is not None:
            if time.monotonic() - self.shown_at < SLICES_SECONDS:
                return
            self.shown_at = time.monotonic()
            note = f"{task.slices_done}/{task.slices}"
        elif task.state not in ("Retrying", "Paused"):
            return
        number = f"{number:>{2 * self.number_width + 1}}"
        echo(f"  {number}  {task.name:<{self.name_width}}  {task.state:<13}  {note}".rstrip())


def _rows(run: LocalFlowRun) -> list[TaskRow]:
    return [
        TaskRow(
            task.name,
            task.state,
            None if task.started is None else task.started - run.started,
            task.seconds,
            task.tries,
        )
        for task in run.tasks
    ]


def _outcome(name: str, run: LocalFlowRun) -> Iterator[str]:
    """How the run ended and, unless successfully, why."""
    yield f"Flow '{name}' ended in {type(run.state).__name__} after {durations.in_words(run.seconds)}."
    if run.state.is_successful():
        return
    failed = [task for task in run.tasks if task.state in ("Failed", "TimedOut")]
    for task in failed:
        yield f"  {task.name}: {task.message.replace(FAILURE, '', 1)}"
    if not failed:
        yield f"  {run.state.result if isinstance(run.state.result, Exception) else run.state.message}"
