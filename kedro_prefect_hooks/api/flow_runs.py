"""Flow runs in a Prefect API: created, looked at and cancelled. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping

from kedro_prefect_hooks import states
from kedro_prefect_hooks.api.client import Api
from kedro_prefect_hooks.errors import RegistrationError
from kedro_prefect_hooks.labels import agent_takes

LATE_SECONDS = 60
"""How much later than newer ones a log line can come: processes send theirs by the batch."""

FLOW = """
query($project: String!, $name: String!) {
    tenant { slug }
    flow(
        where: {project: {name: {_eq: $project}}, name: {_eq: $name}, archived: {_eq: false}}
        order_by: {version: desc}
        limit: 1
    ) { id version flow_group { id } }
}"""

CREATE = """
mutation($input: create_flow_run_input!) {
    create_flow_run(input: $input) { id }
}"""

CANCEL = """
mutation($input: cancel_flow_run_input!) {
    cancel_flow_run(input: $input) { state }
}"""

LOOK = """
query($id: uuid!, $since: timestamptz!) {
    flow_run_by_pk(id: $id) {
        name
        state
        state_message
        labels
        states(order_by: {timestamp: asc}) { id timestamp state message }
        logs(where: {timestamp: {_gte: $since}}, order_by: {timestamp: asc}) {
            id
            timestamp
            level
            message
        }
    }
}"""

TASKS = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) {
        start_time
        end_time
        task_runs { state state_message start_time end_time task { slug name type } }
    }
}"""

AGENTS = "query { agent { name type labels last_queried } }"


@dataclass(frozen=True)
class RegisteredFlow:
    """A flow as the API has it: its id and version, and the address of its page, if it has one."""

    id: str
    version: int
    link: str | None

    def link_of(self, run_id: str) -> str | None:
        """The address of a flow run's page."""
        return None if self.link is None else f"{self.link.rsplit('/flow/', 1)[0]}/flow-run/{run_id}"


@dataclass(frozen=True)
class Line:
    """Something that happened in a flow run: a state, or a log line.

    Args:
        key: the same for the same event, however often it is read.
        at: when.
        level: of a log line; `STATE` for a state.
        text: what there is to say.
    """

    key: str
    at: datetime
    level: str
    text: str


@dataclass(frozen=True)
class Look:
    """A flow run at one moment, with its states so far and its latest log lines."""

    name: str
    state: str
    message: str
    labels: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens."""
        return self.state in states.FINISHED


class FlowRuns:
    """The flow runs of one Prefect project.

    Args:
        api: where they are.
        project: the Prefect project's name.
    """

    def __init__(self, api: Api, project: str) -> None:
        self.api = api
        self.project = project

    def flow(self, name: str) -> RegisteredFlow:
        """A registered flow.

        Raises:
            RegistrationError: the API has none of that name in the project.
            ApiError: the API is away; so for all methods.
        """
        data = self.api.transport.graphql(FLOW, {"project": self.project, "name": name})
        if not data["flow"]:
            raise RegistrationError(
                f"Flow '{name}' is not registered in Prefect project '{self.project}' ({self.api.called}). "
                "Register it first: kedro prefect register"
            )
        found = data["flow"][0]
        slug = str(data["tenant"][0]["slug"]) if data["tenant"] else None
        link = self.api.link(str(found["flow_group"]["id"]), slug)
        return RegisteredFlow(str(found["id"]), int(found["version"]), link)

    def create(
        self, flow_id: str, parameters: Mapping[str, Any], labels: list[str] | None, name: str | None
    ) -> str:
        """Create a run that is due at once; returns its id."""
        given: dict[str, Any] = {"flow_id": flow_id}
        if parameters:
            given["parameters"] = dict(parameters)
        if labels is not None:
            given["labels"] = labels
        if name is not None:
            given["flow_run_name"] = name
        return str(self.api.transport.graphql(CREATE, {"input": given})["create_flow_run"]["id"])

    def cancel(self, run_id: str) -> str:
        """Ask for a run to be cancelled; returns its state: it takes its process up to 15 s to notice."""
        answer = self.api.transport.graphql(CANCEL, {"input": {"flow_run_id": run_id}})
        return str(answer["cancel_flow_run"]["state"])

    def look(self, run_id: str, since: datetime) -> Look:
        """The run now; of its log lines those since a moment."""
        variables = {"id": run_id, "since": since.isoformat()}
        run = self.api.transport.graphql(LOOK, variables)["flow_run_by_pk"]
        if run is None:
            raise RegistrationError(f"Flow run {run_id} is no longer in Prefect: somebody has deleted it.")
        lines = [
            Line(f"state {each['id']}", moment(each["timestamp"]), "STATE", _state(each))
            for each in run["states"]
        ]
        lines += [
            Line(
                f"log {each['id']}", moment(each["timestamp"]), each["level"] or "INFO", each["message"] or ""
            )
            for each in run["logs"]
        ]
        return Look(
            name=str(run["name"]),
            state=str(run["state"]),
            message=str(run["state_message"] or ""),
            labels=tuple(run["labels"] or ()),
            lines=tuple(sorted(lines, key=lambda line: line.at)),
        )

    def tasks(self, run_id: str) -> dict[str, Any]:
        """When the run began and ended, and what became of its tasks, as the API says it."""
        run: dict[str, Any] = self.api.transport.graphql(TASKS, {"id": run_id})["flow_run_by_pk"]
        return run

    def agents_for(self, labels: tuple[str, ...]) -> list[str]:
        """Names of agents that asked for work within a minute and may take a run with these labels."""
        recently = datetime.now(timezone.utc) - timedelta(minutes=1)
        return [
            str(agent["name"])
            for agent in self.api.transport.graphql(AGENTS)["agent"]
            if agent["last_queried"] and moment(agent["last_queried"]) > recently
            if agent_takes(str(agent["type"]), agent["labels"] or (), labels)
        ]


def _state(state: Mapping[str, Any]) -> str:
    message = str(state["message"] or "")
    return f"{state['state']}: {message}" if message else str(state["state"])


def moment(text: str) -> datetime:
    """A time of the API, which always says its offset."""
    import pendulum

    parsed: datetime = getattr(pendulum, "parse")(text)  # noqa: B009 - pendulum 2 does not declare its names
    return parsed
