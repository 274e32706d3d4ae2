"""A flow run made in the Prefect API and, with `--watch`, followed to its end."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import click

from kedro_prefect_hooks import states
from kedro_prefect_hooks.cli.times import span
from kedro_prefect_hooks.errors import ApiError, KedroPrefectError

if TYPE_CHECKING:
    from kedro_prefect_hooks.api.flow_runs import FlowRuns, Look
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows

POLL_SECONDS = 1.0
WARN_SECONDS = 15.0
"""After so long without an agent that takes the run, it is said; Prefect's own patience."""

AWAY_SECONDS = 60.0
"""How long a watched API may be away: it may be restarted, and the run goes on meanwhile."""


@dataclass(frozen=True)
class Start:
    """What a flow run is started with.

    Args:
        flow: the flow's name.
        parameters: by their dotted names.
        labels: instead of the flow's; None to keep those.
        name: of the run; None for one that Prefect makes up.
    """

    flow: str
    parameters: Mapping[str, Any]
    labels: list[str] | None = None
    name: str | None = None


def start_and_watch(project: OpenProject, flows: ProjectFlows, start: Start, *, watch: bool) -> bool:
    """Create a flow run and perhaps follow it; returns False only for one that was seen not to succeed.

    Raises:
        RegistrationError: the flow is not registered.
        ApiError: the API is away.
    """
    from kedro_prefect_hooks.api.connection import open_api
    from kedro_prefect_hooks.api.flow_runs import FlowRuns

    alone = flows.config.api == "embedded" and not _embedded_runs(project)
    if alone and watch:
        raise KedroPrefectError(
            "The embedded API is not running, so nothing would take the flow run. Start it with an agent in "
            "another terminal, `kedro prefect up`, or run the flow here with --local."
        )
    with open_api(flows.config, flows.path) as api:
        runs = FlowRuns(api, flows.project_name)
        flow = runs.flow(start.flow)
        run_id = runs.create(flow.id, start.parameters, start.labels, start.name)
        look = runs.look(run_id, datetime.now(timezone.utc))
        click.echo(f"Flow run '{look.name}' of '{start.flow}', version {flow.version}, is {look.state}.")
        click.echo(f"  id {run_id}")
        if flow.link_of(run_id):
            click.echo(f"  {flow.link_of(run_id)}")
        if not watch:
            _say_who_takes_it(runs, look, alone)
            return True
        return Watch(runs, run_id, look.name).to_the_end()


def _embedded_runs(project: OpenProject) -> bool:
    from kedro_prefect_hooks.embedded import location

    return location.running(project.path) is not None


def _say_who_takes_it(runs: FlowRuns, look: Look, alone: bool) -> None:
    if alone:
        click.echo("Next: kedro prefect up. The run waits until it is started.")
        return
    agents = runs.agents_for(look.labels)
    if agents:
        click.echo(f"Agent '{agents[0]}' takes it. To follow a run to its end, add --watch.")
    else:
        click.echo(f"Next: {_start_an_agent(look.labels)} The run waits for it.")


def _start_an_agent(labels: tuple[str, ...]) -> str:
    wanted = (
        f"with the label{'s' if len(labels) > 1 else ''} {', '.join(labels)}" if labels else "without labels"
    )
    return f"no agent {wanted} is asking for work; start one with `kedro prefect agent`."


class Watch:
    """Shows the states and log lines of a flow run as they come.

    Args:
        runs: where the run is.
        run_id: its id.
        name: its name.
    """

    def __init__(self, runs: FlowRuns, run_id: str, name: str) -> None:
        self.runs = runs
        self.run_id = run_id
        self.name = name
        self._seen: set[str] = set()
        self._began = datetime.now(timezone.utc)
        self._newest = self._began - timedelta(minutes=5)
        self._warned = False

    def to_the_end(self) -> bool:
        """Returns whether the run ended in Success; False too when it was left running."""
        while True:
            try:
                look = self._follow()
                break
            except KeyboardInterrupt:
                if not self._interrupted():
                    return False
        for line in self._ending(look):
            click.echo(line)
        return look.state == "Success"

    def _follow(self) -> Look:
        while True:
            look = self._look()
            self._show(look)
            if look.is_finished:
                time.sleep(POLL_SECONDS)  # the last log lines may come just after the last state
                self._show(self._look())
                return look
            self._warn_if_nobody_takes_it(look)
            time.sleep(POLL_SECONDS)

    def _look(self) -> Look:
        """The run now, however long within reason the API takes to come back."""
        from kedro_prefect_hooks.api.flow_runs import LATE_SECONDS

        until = time.monotonic() + AWAY_SECONDS
        said = False
        while True:
            try:
                return self.runs.look(self.run_id, self._newest - timedelta(seconds=LATE_SECONDS))
            except ApiError as error:
                if time.monotonic() > until:
                    raise ApiError(
                        f"{self.runs.api.called} has not answered for {span(AWAY_SECONDS)}. The flow run "
                        f"'{self.name}' ({self.run_id}) may be going on."
                    ) from error
                if not said:
                    click.echo(
                        _line(datetime.now(timezone.utc), "WARNING", "The API is away; waiting for it.")
                    )
                said = True
                time.sleep(2 * POLL_SECONDS)

    def _show(self, look: Look) -> None:
        for line in look.lines:
            if line.key not in self._seen:
                self._seen.add(line.key)
                self._newest = max(self._newest, line.at)
                click.echo(_line(line.at, line.level, line.text))

    def _warn_if_nobody_takes_it(self, look: Look) -> None:
        waited = (datetime.now(timezone.utc) - self._began).total_seconds()
        if self._warned or waited < WARN_SECONDS or look.state not in states.WAITING:
            return
        self._warned = True
        if not self.runs.agents_for(look.labels):
            text = f"It has waited for {span(waited)}: {_start_an_agent(look.labels)}"
            click.echo(_line(datetime.now(timezone.utc), "WARNING", text))

    def _interrupted(self) -> bool:
        """Ask what Ctrl-C was meant to do; returns whether to go on watching."""
        click.echo("")
        try:
            answer = _asked()
        except (click.Abort, KeyboardInterrupt):
            answer = "d"
        if answer == "c":
            state = self.runs.cancel(self.run_id)
            click.echo(f"Asked to cancel; the run is {state}. It ends within some seconds.")
            return True
        if answer == "w":
            return True
        click.echo(f"Flow run '{self.name}' goes on without being watched.")
        return False

    def _ending(self, look: Look) -> Iterator[str]:
        run = self.runs.tasks(self.run_id)
        yield from _table(run)
        took = span(_seconds(run["start_time"], run["end_time"]))
        yield f"Flow run '{look.name}' ended in {look.state} after {took}."
        if look.state == "Success":
            return
        failed = [each for each in run["task_runs"] if each["state"] in ("Failed", "TimedOut")]
        for each in failed:
            yield f"  {each['task']['name']}: {each['state_message'] or each['state']}"
        if not failed and look.message:
            yield f"  {look.message}"


def _asked() -> str:
    """`c`, `d` or `w`; without a terminal there is nobody to ask, and the run is left alone."""
    if not sys.stdin.isatty():
        return "d"
    answer: str = click.prompt(
        "Cancel the flow run (c), detach and leave it running (d), or go on watching (w)?",
        type=click.Choice(["c", "d", "w"]),
        default="d",
        show_choices=False,
    )
    return answer


def _line(at: datetime, level: str, text: str) -> str:
    first, *rest = (text or "").splitlines() or [""]
    head = f"{at.astimezone():%H:%M:%S}  {level:<8}  "
    return "\n".join([head + first, *(" " * len(head) + line for line in rest)])


def _table(run: Mapping[str, Any]) -> Iterator[str]:
    """A line a task, in the order in which they began."""
    tasks = [each for each in run["task_runs"] if not str(each["task"]["type"]).endswith("Parameter")]
    tasks.sort(key=lambda each: (each["start_time"] is None, each["start_time"] or "", each["task"]["slug"]))
    name = max([4, *(len(each["task"]["name"]) for each in tasks)])
    state = max([5, *(len(each["state"] or "") for each in tasks)])
    yield ""
    yield f"  {'TASK':<{name}}  {'STATE':<{state}}  {'BEGAN':>9}  {'TOOK':>12}"
    for each in tasks:
        began = span(_seconds(run["start_time"], each["start_time"]))
        took = span(_seconds(each["start_time"], each["end_time"]))
        yield f"  {each['task']['name']:<{name}}  {each['state'] or '-':<{state}}  {began:>9}  {took:>12}"
    yield ""


def _seconds(start: str | None, end: str | None) -> float | None:
    from kedro_prefect_hooks.api.flow_runs import moment

    return None if start is None or end is None else (moment(end) - moment(start)).total_seconds()
