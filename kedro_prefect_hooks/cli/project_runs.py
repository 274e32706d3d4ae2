"""What the commands about flow runs share: the project's Prefect API, times, and a watched flow run."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

import click

from kedro_prefect_hooks.cli import durations
from kedro_prefect_hooks.cli.task_table import TaskRow, task_table
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.labels import agent_command, is_kind_for, why_not_accepted
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.flow_run_watch import FlowRunWatch
    from kedro_prefect_hooks.api.flow_runs import Event, FlowRuns, FlowRunView


@contextlib.contextmanager
def project_runs(env: str | None) -> Iterator[FlowRuns]:
    """The flow runs of this project's Prefect project, in the API that prefect.yml names.

    Raises:
        KedroPrefectError: there is no project, prefect.yml is invalid, or there is no API to open.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config import load_config

    project = OpenProject(env)
    project.describe_environment(err=True)
    config = load_config(project.context.config_loader, project_path=project.path)
    from kedro_prefect_hooks.api.connection import open_api
    from kedro_prefect_hooks.api.flow_runs import FlowRuns

    name = config.project or str(project.metadata.package_name) or project.path.name
    with open_api(config, project.path) as api:
        yield FlowRuns(api, name)


def next_step(runs: FlowRuns, view: FlowRunView) -> str:
    """What a flow run that waits, waits for, and what to do about it."""
    if not runs.api.is_served:
        return (
            f"The flow run waits until the API and an agent are running.\nNext: {typed('kedro prefect up')}"
        )
    agents = [each for each in runs.running_agents() if is_kind_for(each[1].type, view.run_config)]
    for name, agent in agents:
        if agent.accepts(view.labels):
            return f"Agent '{name}' will run it. Add --watch to follow a flow run."
    reason = why_not_accepted([agent for _, agent in agents], view.labels)
    return f"{reason} The flow run waits for one.\nNext: {agent_command(view.run_config, view.labels)}"


def local_time(moment: datetime | None) -> str:
    """A time of the local time zone, to the minute; a dash for None."""
    return "-" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def json_time(moment: datetime | None) -> str | None:
    """A time for programs."""
    return None if moment is None else moment.isoformat()


def event_line(event: Event) -> str:
    """A state or a log line of a flow run; further lines of its text are indented."""
    first, *rest = event.text.splitlines() or [""]
    prefix = f"{event.at.astimezone():%H:%M:%S}  {event.level:<8}  "
    return "\n".join([prefix + first, *(" " * len(prefix) + line for line in rest)])


def watch_until_finished(watch: FlowRunWatch, is_shown: Callable[[Event], bool] = lambda _: True) -> bool:
    """Print a flow run's events until it has finished; return whether it ended in Success.

    Ctrl+C asks what to do; after detaching, the result is False.
    """
    while True:
        try:
            for event in watch.events():
                if is_shown(event):
                    echo(event_line(event))
            break
        except KeyboardInterrupt:
            if not _handle_interrupt(watch):
                return False
    for line in outcome(watch):
        echo(line)
    return watch.view.state == "Success"


def _handle_interrupt(watch: FlowRunWatch) -> bool:
    """Ask what to do about the flow run; return whether to keep watching it."""
    echo("")
    try:
        choice = _ask_what_to_do()
    except (click.Abort, KeyboardInterrupt):
        choice = "d"
    if choice == "c":
        state = watch.runs.cancel(watch.run_id)
        echo(f"Requested cancellation; the flow run is {state} and will stop within some seconds.")
        return True
    if choice == "w":
        return True
    echo(f"Detached: flow run '{watch.view.name}' keeps running.")
    return False


def _ask_what_to_do() -> str:
    """`c`, `d` or `w`; `d` without a terminal to ask at."""
    if not sys.stdin.isatty():
        return "d"
    choice: str = click.prompt(
        "Cancel the flow run (c), detach and let it run (d), or keep watching (w)?",
        type=click.Choice(["c", "d", "w"]),
        default="d",
        show_choices=False,
    )
    return choice


def outcome(watch: FlowRunWatch) -> Iterator[str]:
    """The table of tasks, how the flow run ended and, unless successfully, why."""
    run = watch.runs.tasks(watch.run_id)
    total = _seconds(run["start_time"], run["end_time"])
    yield ""
    yield from task_table(_rows(run), total)
    yield ""
    view = watch.view
    yield f"Flow run '{view.name}' ended in {view.state} after {durations.in_words(total)}."
    if view.state == "Success":
        return
    failed = [task for task in run["task_runs"] if task["state"] in ("Failed", "TimedOut")]
    for task in failed:
        name = task["name"] if task["map_index"] >= 0 and task["name"] else task["task"]["name"]
        yield f"  {name}: {task['state_message'] or task['state']}"
    if not failed and view.message:
        yield f"  {view.message}"
    if view.state == "Failed":
        env = click.get_current_context().params.get("env")
        options = f" --env {env}" if env else ""
        command = typed(f"kedro prefect restart {shlex.quote(view.name)}{options}")
        yield f"To restart it where it failed: {command}"


def _rows(run: Mapping[str, Any]) -> list[TaskRow]:
    """The tasks of a flow run in the order in which they started; a mapped task with all of its children."""
    by_slug: dict[str, list[Any]] = {}
    for each in run["task_runs"]:
        if not str(each["task"]["type"]).endswith("Parameter"):
            by_slug.setdefault(each["task"]["slug"], []).append(each)
    rows = {slug: _row(run["start_time"], runs) for slug, runs in by_slug.items()}
    return [rows[slug] for slug in sorted(rows, key=lambda slug: (*_start(rows[slug]), slug))]


def _start(row: TaskRow) -> tuple[bool, float]:
    return row.started is None, row.started or 0.0


def _row(start: str | None, runs: list[Any]) -> TaskRow:
    """One task, of which there are several task runs if it is mapped."""
    children = [each for each in runs if each["map_index"] >= 0]
    states = Counter(each["state"] or "-" for each in children or runs)
    words = ", ".join(f"{count} {state}" if children else state for state, count in states.most_common())
    began = min((each["start_time"] for each in runs if each["start_time"]), default=None)
    ended = max((each["end_time"] for each in runs if each["end_time"]), default=None)
    return TaskRow(runs[0]["task"]["name"], words, _seconds(start, began), _seconds(began, ended))


def _seconds(start: str | None, end: str | None) -> float | None:
    from kedro_prefect_hooks.api.task_times import parse_time

    return None if start is None or end is None else (parse_time(end) - parse_time(start)).total_seconds()
