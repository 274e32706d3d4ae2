"""What `kedro prefect run` prints: a flow run created in the Prefect API and, with `--watch`, followed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import click

from kedro_prefect_hooks.cli import durations
from kedro_prefect_hooks.cli.task_table import TaskRow, task_table
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.labels import why_not_accepted
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.flow_run_watch import FlowRunWatch
    from kedro_prefect_hooks.api.flow_runs import Event, FlowRuns, FlowRunView
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows


@dataclass(frozen=True)
class FlowRunOptions:
    """The options that a flow run is created with.

    Args:
        flow: the flow's name.
        parameters: flow parameters, by their dotted names.
        load_versions: dataset → version to load.
        labels: labels that replace the flow's; None to keep those.
        name: the flow run's name; None for one that Prefect generates.
    """

    flow: str
    parameters: Mapping[str, Any]
    load_versions: Mapping[str, str]
    labels: list[str] | None = None
    name: str | None = None


def run_remote(project: OpenProject, flows: ProjectFlows, options: FlowRunOptions, *, watch: bool) -> bool:
    """Create a flow run; follow it with `watch`, and then return whether it ended in Success.

    Raises:
        RegistrationError: the flow is not registered.
        ApiError: the API is unreachable.
    """
    from kedro_prefect_hooks.api.connection import open_api
    from kedro_prefect_hooks.api.flow_run_watch import FlowRunWatch
    from kedro_prefect_hooks.api.flow_runs import FlowRuns
    from kedro_prefect_hooks.flows.parameters import LOAD_VERSIONS
    from kedro_prefect_hooks.flows.run_naming import NAMED

    stopped = flows.config.api == "embedded" and not _embedded_is_running(project)
    if stopped and watch:
        raise KedroPrefectError(
            "The embedded API is not running, so no agent would run the flow. Start the API and an agent in "
            "another terminal (`kedro prefect up`), or run the flow locally (`--local`)."
        )
    with open_api(flows.config, flows.path) as api:
        runs = FlowRuns(api, flows.project_name)
        flow = runs.flow(options.flow)
        context: dict[str, Any] = {}
        if options.load_versions:
            context[LOAD_VERSIONS] = dict(options.load_versions)
        if options.name is not None:
            context[NAMED] = True
        run_id = runs.create(flow.id, options.parameters, options.labels, options.name, context)
        view = runs.view(run_id, datetime.now(timezone.utc))
        echo(f"Flow run '{view.name}' of '{options.flow}', version {flow.version}, is {view.state}.")
        echo(f"  id {run_id}")
        if flow.link_of(run_id):
            echo(f"  {flow.link_of(run_id)}")
        if not watch:
            echo(_next_step(runs, view, stopped))
            return True
        return _watch(FlowRunWatch(runs, view, run_id))


def _embedded_is_running(project: OpenProject) -> bool:
    from kedro_prefect_hooks.embedded import location

    return location.running(project.path) is not None


def _next_step(runs: FlowRuns, view: FlowRunView, stopped: bool) -> str:
    if stopped:
        return "The flow run waits until the API and an agent are running.\nNext: kedro prefect up"
    agents = runs.running_agents()
    for name, agent in agents:
        if agent.accepts(view.labels):
            return f"Agent '{name}' will run it. Add --watch to follow a flow run."
    reason = why_not_accepted([agent for _, agent in agents], view.labels)
    return f"{reason} The flow run waits for one.\nNext: kedro prefect agent"


def _watch(watch: FlowRunWatch) -> bool:
    """Print a flow run's events until it has finished; return whether it ended in Success.

    Ctrl+C asks what to do; after detaching, the result is False.
    """
    while True:
        try:
            for event in watch.events():
                echo(_event_line(event))
            break
        except KeyboardInterrupt:
            if not _handle_interrupt(watch):
                return False
    for line in _outcome(watch):
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


def _event_line(event: Event) -> str:
    first, *rest = event.text.splitlines() or [""]
    prefix = f"{event.at.astimezone():%H:%M:%S}  {event.level:<8}  "
    return "\n".join([prefix + first, *(" " * len(prefix) + line for line in rest)])


def _outcome(watch: FlowRunWatch) -> Iterator[str]:
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
        yield f"  {task['task']['name']}: {task['state_message'] or task['state']}"
    if not failed and view.message:
        yield f"  {view.message}"


def _rows(run: Mapping[str, Any]) -> list[TaskRow]:
    """The tasks of a flow run in the order in which they started."""
    tasks = [task for task in run["task_runs"] if not str(task["task"]["type"]).endswith("Parameter")]
    tasks.sort(key=lambda task: (task["start_time"] is None, task["start_time"] or "", task["task"]["slug"]))
    return [
        TaskRow(
            task["task"]["name"],
            task["state"] or "-",
            _seconds(run["start_time"], task["start_time"]),
            _seconds(task["start_time"], task["end_time"]),
        )
        for task in tasks
    ]


def _seconds(start: str | None, end: str | None) -> float | None:
    from kedro_prefect_hooks.api.flow_runs import parse_time

    return None if start is None or end is None else (parse_time(end) - parse_time(start)).total_seconds()
