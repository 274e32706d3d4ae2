"""Flow runs in a Prefect API: creating, reading and cancelling them. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any, Mapping

from kedro_prefect_hooks import states
from kedro_prefect_hooks.api import task_times
from kedro_prefect_hooks.api.client import Api
from kedro_prefect_hooks.api.task_times import parse_time
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError, RegistrationError
from kedro_prefect_hooks.labels import SILENT_AFTER_SECONDS, LabelledAgent

LATE_SECONDS = 60
"""How long after newer log lines an older one can arrive: each process sends its lines in batches."""

FLOW = """
query($project: String!, $name: String!) {
    tenant { id slug }
    flow(
        where: {project: {name: {_eq: $project}}, name: {_eq: $name}, archived: {_eq: false}}
        order_by: {created: desc}
    ) { id version tenant_id flow_group { id } }
}"""

CREATE = """
mutation($input: create_flow_run_input!) {
    create_flow_run(input: $input) { id }
}"""

CANCEL = """
mutation($input: cancel_flow_run_input!) {
    cancel_flow_run(input: $input) { state }
}"""

VIEW = """
query($id: uuid!, $since: timestamptz!) {
    flow_run_by_pk(id: $id) {
        name
        state
        state_message
        labels
        run_config
        states(order_by: {timestamp: asc}) { id timestamp state message }
        logs(where: {timestamp: {_gte: $since}}, order_by: {timestamp: asc}) {
            id
            timestamp
            level
            message
        }
    }
}"""

TASKS = f"""
query($id: uuid!) {{
    flow_run_by_pk(id: $id) {{
        start_time
        end_time
        task_runs {{
            name map_index state state_message start_time end_time
            task {{ slug name type }}
            {task_times.SELECTION}
        }}
    }}
}}"""

AGENTS = "query { tenant { id slug } agent { name type labels last_queried tenant_id } }"


@dataclass(frozen=True)
class RegisteredFlow:
    """A flow that the API has: its id and version, and the URL of its page, if there is one."""

    id: str
    version: int
    link: str | None

    def link_of(self, run_id: str) -> str | None:
        """The URL of a flow run's page, or None."""
        return None if self.link is None else f"{self.link.rsplit('/flow/', 1)[0]}/flow-run/{run_id}"


@dataclass(frozen=True)
class Event:
    """Something that happened in a flow run: a state, or a log line.

    Args:
        key: identifies the event when it is read again.
        at: the time of the event.
        level: the level of a log line; `STATE` for a state.
        text: the log message, or the state and its message.
    """

    key: str
    at: datetime
    level: str
    text: str


@dataclass(frozen=True)
class FlowRunView:
    """A flow run at one moment, with its states so far and its latest log lines."""

    name: str
    state: str
    message: str
    labels: tuple[str, ...]
    run_config: str | None
    events: tuple[Event, ...]

    @property
    def is_finished(self) -> bool:
        """Whether its state is final."""
        return self.state in states.FINISHED


class FlowRuns:
    """The flow runs of one Prefect project.

    Args:
        api: the API.
        project: the Prefect project's name.
    """

    def __init__(self, api: Api, project: str) -> None:
        self.api = api
        self.project = project

    @cached_property
    def project_id(self) -> str | None:
        """The Prefect project's id: projects of several tenants may have its name. None if there is none."""
        return self.api.project_id(self.project)

    def check_is_served(self) -> None:
        """Raise KedroPrefectError if the API is the embedded one, and is not running: nothing can happen."""
        if not self.api.is_served:
            raise KedroPrefectError(
                "The embedded API is not running, so no agent would run the flow. Start the API and an agent "
                f"in another terminal (`{typed('kedro prefect up')}`), or run the flow locally "
                f"(`{typed('kedro prefect run FLOW --local')}`)."
            )

    def flow(self, name: str) -> RegisteredFlow:
        """Return a registered flow.

        Raises:
            RegistrationError: the project has no flow of that name.
            ApiError: the API is unreachable; the same applies to all methods.
        """
        data = self.api.transport.graphql(FLOW, {"project": self.project, "name": name})
        tenant = self.api.tenant(data["tenant"])
        own = [each for each in data["flow"] if tenant and each["tenant_id"] in (tenant["id"], None)]
        if not own:
            raise RegistrationError(
                f"Flow '{name}' is not registered in Prefect project '{self.project}' "
                f"({self.api.display_name}). "
                f"Register it first: {typed('kedro prefect register')}"
            )
        found = own[0]
        link = self.api.link(str(found["flow_group"]["id"]), str(tenant["slug"]) if tenant else None)
        return RegisteredFlow(str(found["id"]), int(found["version"]), link)

    def create(
        self,
        flow_id: str,
        parameters: Mapping[str, Any],
        labels: list[str] | None,
        name: str | None,
        context: Mapping[str, Any],
    ) -> str:
        """Create a flow run that is due immediately and return its id.

        Args:
            flow_id: of the flow's version.
            parameters: those that differ from the defaults.
            labels: labels that replace the flow's; None to keep those.
            name: None for one that Prefect generates.
            context: added to Prefect's context in the flow run.
        """
        arguments: dict[str, Any] = {"flow_id": flow_id}
        if parameters:
            arguments["parameters"] = dict(parameters)
        if context:
            arguments["context"] = dict(context)
        if labels is not None:
            arguments["labels"] = labels
        if name is not None:
            arguments["flow_run_name"] = name
        return str(self.api.transport.graphql(CREATE, {"input": arguments})["create_flow_run"]["id"])

    def cancel(self, run_id: str) -> str:
        """Request cancellation and return the state: the flow run's process notices within 15 s."""
        answer = self.api.transport.graphql(CANCEL, {"input": {"flow_run_id": run_id}})
        return str(answer["cancel_flow_run"]["state"])

    def view(self, run_id: str, since: datetime) -> FlowRunView:
        """Return the flow run as it is now, with its log lines since a given time."""
        variables = {"id": run_id, "since": since.isoformat()}
        run = self.api.transport.graphql(VIEW, variables)["flow_run_by_pk"]
        if run is None:
            raise RegistrationError(f"Flow run {run_id} has been deleted from Prefect.")
        events = [*map(state_event, run["states"]), *map(log_event, run["logs"])]
        return FlowRunView(
            name=str(run["name"]),
            state=str(run["state"]),
            message=str(run["state_message"] or ""),
            labels=tuple(run["labels"] or ()),
            run_config=(run["run_config"] or {}).get("type"),
            events=tuple(sorted(events, key=lambda event: event.at)),
        )

    def tasks(self, run_id: str) -> dict[str, Any]:
        """Return the start and end of the flow run, and its task runs, as the API sends them.

        Only the times of the task runs are those that their processes have reported.
        """
        return task_times.with_reported_times(
            self.api.transport.graphql(TASKS, {"id": run_id})["flow_run_by_pk"]
        )

    def running_agents(self) -> list[tuple[str, LabelledAgent]]:
        """Return the names of the agents that have polled recently, and what each of them accepts."""
        recently = datetime.now(timezone.utc) - timedelta(seconds=SILENT_AFTER_SECONDS)
        data = self.api.transport.graphql(AGENTS)
        tenant = self.api.tenant(data["tenant"])
        return [
            (str(agent["name"]), LabelledAgent(str(agent["type"]), tuple(agent["labels"] or ())))
            for agent in data["agent"]
            if tenant and agent["tenant_id"] in (tenant["id"], None)
            if agent["last_queried"] and parse_time(agent["last_queried"]) > recently
        ]


def state_event(row: Mapping[str, Any]) -> Event:
    """A state of a flow run, as the API sends it."""
    message = str(row["message"] or "")
    text = f"{row['state']}: {message}" if message else str(row["state"])
    return Event(f"state {row['id']}", parse_time(row["timestamp"]), "STATE", text)


def log_event(row: Mapping[str, Any]) -> Event:
    """A log line, as the API sends it."""
    level, message = str(row["level"] or "INFO"), str(row["message"] or "")
    return Event(f"log {row['id']}", parse_time(row["timestamp"]), level, message)
