"""What the API is told when the process of a flow run has ended without having reported a final state.

The states, and which task is retried, are those of Prefect's zombie killer, which would only notice after the
heartbeat timeout. Knows nothing of processes, except how one has ended.
"""

from __future__ import annotations

import contextlib
import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pendulum
from prefect.client import Client
from prefect.engine.state import Cancelled, Failed, Pending, Retrying, State

from kedro_prefect_hooks import states

_QUERY = """
query($id: uuid!, $task_states: [String!]) {
    flow_run_by_pk(id: $id) {
        name state
        states(where: {state: {_eq: "Submitted"}}) {version}
        task_runs(where: {state: {_in: $task_states}}) {
            id name state
            task {name max_retries retry_delay}
            states(where: {state: {_eq: "Retrying"}}) {id}
        }
    }
}
"""

_STARTED = ("Running", "Submitted")
"""States of the task runs that a process leaves behind."""


class RunEnd(NamedTuple):
    """How the process of a flow run has ended, in the eyes of the API."""

    state: str
    """The state of the flow run afterwards."""
    is_orderly: bool
    """Whether the process had done all that the API expects of it, and whatever it has left may go on."""
    text: str
    """What to report."""


class RunEnds:
    """Reports the ends of processes to the API.

    Args:
        client: Prefect's client.
        name: the agent's, in the logs of the flow runs.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name

    def states(self, flow_run_ids: list[str]) -> dict[str, str]:
        """The states of flow runs, in one request."""
        query = "query($ids: [uuid!]) {flow_run(where: {id: {_in: $ids}}) {id state}}"
        found = self._client.graphql(query, variables={"ids": flow_run_ids}).data.flow_run
        return {str(run.id): str(run.state) for run in found}

    def look(self, flow_run_id: str, code: int, submissions: tuple[int, int]) -> RunEnd | None:
        """What the API knows of a flow run whose process has ended; None if it needs to be told.

        Args:
            flow_run_id: the flow run.
            code: the exit code of its process.
            submissions: the version that the flow run had before this agent accepted it, and how often this
                agent has set it to Submitted since.
        """
        run = self._read(flow_run_id)
        if run is None:
            return RunEnd("deleted", False, "has been deleted")
        state = str(run["state"])
        before, own = submissions
        if len([each for each in run["states"] if each["version"] > before]) > own:
            return RunEnd(state, False, "has been started again by another agent")
        if state in states.FINISHED:
            is_cancelled = state == "Cancelled"
            return RunEnd(state, not is_cancelled, "was cancelled" if is_cancelled else "has finished")
        if state in states.SCHEDULED and not any(t["state"] in _STARTED for t in run["task_runs"]):
            return RunEnd(state, code == 0, f"is {state}")
        if state == "Running" and code == 0 and any(t["state"] in states.SCHEDULED for t in run["task_runs"]):
            return RunEnd(state, True, "waits for a retry, or for somebody to resume it")
        return None

    def report(
        self,
        flow_run_id: str,
        how: str,
        output: Path,
        *,
        stopped: str | None = None,
        api: str | None = None,
    ) -> RunEnd:
        """Set the final states of a flow run whose process has ended without doing so, task runs first.

        Args:
            flow_run_id: the flow run.
            how: how the process has ended, in words.
            output: the file that has its output.
            stopped: why the agent itself has ended it, if it has.
            api: the URL of the API in its container; None if it was not in one.
        """
        run = self._read(flow_run_id)
        if run is None:
            return RunEnd("deleted", False, "has been deleted")
        if stopped or run["state"] == "Cancelling":
            message = stopped or f"Flow run is cancelled: its process {how}."
            return self._cancel(flow_run_id, message)
        if run["state"] in states.SCHEDULED:
            return self._begin_again(run)
        message = (
            f"The process of the flow run {how}, and has not reported how the flow run ended. "
            f"Its output is in {output} on {socket.gethostname()}."
        )
        if api is not None:
            message = message.replace("The process", "The container", 1)
            if run["state"] == "Submitted":
                message += f" It has never reached the API, for which it had the address {api}."
            message += _last_line(output)
        self._log(flow_run_id, message)
        waits_for = [each for each in run["task_runs"] if self._end_task_run(flow_run_id, each, how)]
        if waits_for:
            return RunEnd(str(run["state"]), False, f"will be retried: its process {how}. Output: {output}")
        self._client.set_flow_run_state(flow_run_id, state=Failed(message=message))
        return RunEnd("Failed", False, f"has failed: its process {how}. Output: {output}")

    def warn(self, flow_run_id: str, message: str) -> None:
        """Add a warning to the log of a flow run, if the API responds."""
        with contextlib.suppress(Exception):
            self._log(flow_run_id, message, "WARNING")

    def _read(self, flow_run_id: str) -> dict[str, Any] | None:
        task_states = [*_STARTED, *sorted(states.SCHEDULED)]
        variables: dict[str, Any] = {"id": flow_run_id, "task_states": task_states}
        answer: dict[str, Any] = self._client.graphql(_QUERY, variables=variables).to_dict()
        found: dict[str, Any] | None = answer["data"]["flow_run_by_pk"]
        return found

    def _cancel(self, flow_run_id: str, message: str) -> RunEnd:
        self._log(flow_run_id, message, "WARNING")
        self._client.set_flow_run_state(flow_run_id, state=Cancelled(message=message))
        return RunEnd("Cancelled", False, "was cancelled")

    def _begin_again(self, run: dict[str, Any]) -> RunEnd:
        """Let the next process of a flow run that is due again run the task runs that this one began."""
        for task_run in run["task_runs"]:
            if task_run["state"] in _STARTED:
                state = Pending(message="The process that ran it has ended, and the flow run starts again.")
                self._client.set_task_run_state(task_run["id"], state=state)
        return RunEnd(str(run["state"]), False, f"is {run['state']}")

    def _end_task_run(self, flow_run_id: str, task_run: dict[str, Any], how: str) -> bool:
        """Fail a task run that was running, or retry it; return whether the flow run still waits for it."""
        if task_run["state"] not in _STARTED:
            return True
        task = task_run["task"]
        attempt = len(task_run["states"]) + 1
        retries = task["max_retries"] or 0
        is_retried = task_run["state"] == "Running" and attempt <= retries
        name = task_run["name"] or task["name"]
        if is_retried:
            message = (
                f"The process of the flow run {how}; retrying the task run {name!r} ({attempt} of {retries})."
            )
            due = pendulum.now("utc") + _delay(task["retry_delay"])
            state: State = Retrying(message=message, run_count=attempt, start_time=due)
        else:
            message = f"The process of the flow run {how}; marking the task run {name!r} as failed."
            state = Failed(message=message)
        self._client.set_task_run_state(task_run["id"], state=state)
        self._log(flow_run_id, message, task_run_id=task_run["id"])
        return is_retried

    def _log(self, flow_run_id: str, message: str, level: str = "ERROR", **more: str) -> None:
        line = {"flow_run_id": flow_run_id, "name": self._name, "message": message, "level": level, **more}
        self._client.write_run_logs([line])


def _last_line(output: Path) -> str:
    lines = (
        output.read_text(encoding="utf-8", errors="replace").strip().splitlines() if output.exists() else []
    )
    return f" Its last line: {lines[-1].strip()[:300]}" if lines else ""


def _delay(interval: str | None) -> timedelta:
    """A retry delay, from PostgreSQL's form: ``00:01:00``, ``1 day 02:00:00``."""
    found = re.fullmatch(r"(?:(\d+) days? ?)?(?:(\d+):(\d\d):(\d\d(?:\.\d+)?))?", interval or "")
    days, hours, minutes, seconds = found.groups() if found else (None,) * 4
    return timedelta(int(days or 0), float(seconds or 0), minutes=int(minutes or 0), hours=int(hours or 0))
