"""A flow run in this process, without any API: what `kedro prefect run --local` does."""

from __future__ import annotations

import logging
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import click

from kedro_prefect_hooks.cli.progress import Progress, TaskTimes
from kedro_prefect_hooks.cli.times import span

if TYPE_CHECKING:
    from prefect.engine.state import State

    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.flows.kedro_flow import KedroFlow

QUIET = ("prefect", "kedro")
"""Loggers that say less while the progress is shown; warnings and errors always come through."""

Echo = Any


def run_here(
    project: OpenProject, flow: KedroFlow, parameters: Mapping[str, Any], *, verbose: bool = False
) -> bool:
    """Run a flow and show its progress; returns whether it ended in Success.

    Args:
        project: the project, whose session the run takes over.
        flow: one of its flows.
        parameters: flow parameters that differ from the configured ones, by their dotted names.
        verbose: show all log lines of Kedro and Prefect.
    """
    import pendulum

    from kedro_prefect_hooks.compat.prefect import patient_flow_runner
    from kedro_prefect_hooks.runs import session

    if not verbose:
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
    executor = type(flow.executor).__name__ if flow.executor is not None else "LocalExecutor"
    _say(f"Flow '{flow.name}' here, with {executor}, in environment {project.env}:")
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="kedro-prefect-") as folder:
        file = Path(folder) / "states.jsonl"
        file.touch()
        with Progress(flow, file, _say) as progress:
            session.keep_for_run(project.ref, project.opened)
            state: State = patient_flow_runner(flow).run(
                parameters=dict(parameters),
                executor=flow.executor,
                return_tasks=flow.terminal_tasks() | flow.reference_tasks(),
                context={
                    "flow_run_id": str(uuid.uuid4()),
                    "flow_run_name": "local",
                    "scheduled_start_time": pendulum.now("utc"),
                },
            )
    whole = time.time() - began
    for line in table(progress.tasks, began, whole):
        _say(line)
    for line in _ending(flow.name, state, progress.tasks, whole):
        _say(line)
    return bool(state.is_successful())


def _say(line: str) -> None:
    click.echo(line)


def table(tasks: Mapping[str, TaskTimes], began: float, whole: float) -> Iterator[str]:
    """A line a task: its state, tries, when it began, how long it took, and a bar of when that was."""
    name = max([4, *map(len, tasks)])
    state = max([5, *(len(task.state) for task in tasks.values())])
    yield ""
    yield f"  {'TASK':<{name}}  {'STATE':<{state}}  {'TRIES':>5}  {'BEGAN':>9}  {'TOOK':>12}"
    for each, task in tasks.items():
        start = None if task.started is None else task.started - began
        line = f"  {each:<{name}}  {task.state:<{state}}  {task.tries or '-':>5}  {span(start):>9}"
        yield f"{line}  {span(task.seconds):>12}  {_bar(start, task.seconds, whole)}".rstrip()
    yield ""


def _bar(start: float | None, seconds: float | None, whole: float, width: int = 24) -> str:
    if start is None or seconds is None or whole <= 0:
        return ""
    first = min(int(start / whole * width), width - 1)
    return " " * first + "=" * max(1, min(round(seconds / whole * width), width - first))


def _ending(name: str, state: State, tasks: Mapping[str, TaskTimes], whole: float) -> Iterator[str]:
    word = type(state).__name__
    yield f"Flow '{name}' ended in {word} after {span(whole)}."
    if state.is_successful():
        return
    failed = [(each, task) for each, task in tasks.items() if task.state in ("Failed", "TimedOut")]
    for each, task in failed:
        yield f"  {each}: {_cause(task.message)}"
    if not failed:
        cause = state.result if isinstance(state.result, Exception) else state.message
        yield f"  {cause}"


def _cause(message: str) -> str:
    return message.replace("Error during execution of task: ", "", 1)
