"""What registration asks of a Prefect API, in the words of Prefect Server.

Knows the queries and mutations; neither how they are sent nor what is to be registered.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Callable, Iterator, Mapping, Sequence

from prefect.utilities.graphql import compress

from kedro_prefect_hooks.api.key import Key
from kedro_prefect_hooks.api.registered import Json, Registered, Snapshot, Stored
from kedro_prefect_hooks.api.transport import Refusal, Transport
from kedro_prefect_hooks.errors import ApiError

BATCH = 500
"""Tasks or edges in one request, as Prefect's client sends them; Prefect Server inserts so many at once."""

BATCH_BYTES = 1_000_000
"""Of JSON in one request: Prefect Server takes bodies of 5 MB, and quoting makes them longer."""

SNAPSHOT = """
query($project: String!) {
    project(where: {name: {_eq: $project}}) { id }
    tenant { id slug }
    flow(where: {project: {name: {_eq: $project}}, archived: {_eq: false}}) {
        id
        name
        version
        is_schedule_active
        schedule
        flow_group { id settings schedule }
        tasks_aggregate { aggregate { count } }
        edges_aggregate { aggregate { count } }
    }
}"""

STORED = """
query($id: uuid!) {
    flow_by_pk(id: $id) {
        description
        serialized_flow
        tasks { slug name tags max_retries type }
        edges { upstream_task { slug } downstream_task { slug } }
    }
}"""

Link = Callable[[str, "str | None"], "str | None"]


class Api:
    """A Prefect API.

    Args:
        transport: the way to it.
        called: how messages name it.
        link: from a flow group's id and the tenant's slug to the flow's address in a browser.
        next_step: what a person can do to see the flows, where there is no such address.
        batch: how many tasks or edges it takes in one request; `BATCH` when not given.
    """

    def __init__(
        self, transport: Transport, called: str, link: Link, next_step: str = "", batch: int | None = None
    ) -> None:
        self.transport = transport
        self.called = called
        self.link = link
        self.next_step = next_step
        self.batch = BATCH if batch is None else batch

    def snapshot(self, project: str) -> Snapshot:
        """The project and its live flows, by one query."""
        data = self.transport.graphql(SNAPSHOT, {"project": project})
        try:
            projects, tenants = data["project"], data["tenant"]
            return Snapshot(
                project_id=str(projects[0]["id"]) if projects else None,
                tenant_id=str(tenants[0]["id"]) if tenants else None,
                tenant_slug=str(tenants[0]["slug"]) if tenants else None,
                flows=tuple(Registered.from_answer(flow) for flow in data["flow"]),
            )
        except (KeyError, TypeError):
            raise self.transport.no_prefect("data of another kind") from None

    def stored(self, flow: Registered) -> Stored:
        """All that the API has of a flow.

        Raises:
            ApiError: it is gone.
        """
        found = self.transport.graphql(STORED, {"id": flow.id})["flow_by_pk"]
        if found is None:
            raise ApiError(f"Flow '{flow.name}' was deleted in Prefect just now. Register again.")
        return Stored.from_answer(found)

    def create_project(self, name: str, tenant_id: str | None) -> str:
        """Make a project; returns its id. One that somebody else makes at the same moment is as good."""
        try:
            return str(self._mutate("create_project", {"name": name, "tenant_id": tenant_id}, "id"))
        except Refusal as refusal:
            if not any("Uniqueness violation" in reason for reason in refusal.reasons):
                raise
        found = self.snapshot(name).project_id
        if found is None:
            raise ApiError(
                f"The Prefect API has a project '{name}' that it does not show: is it another tenant's?"
            )
        return found

    def create_flow(
        self, project_id: str, content: Json, key: Key, *, description: str | None, start: bool
    ) -> str:
        """Make a version of a flow; returns its id.

        The API gives back the version it has when its last key is the same.

        Args:
            project_id: where it belongs.
            content: the serialised flow; its tasks and edges may come later.
            key: what it is registered with.
            description: for people.
            start: whether to start the schedule.
        """
        given = {
            "project_id": project_id,
            "serialized_flow": compress(content),
            "set_schedule_active": start,
            "version_group_id": None,
            "idempotency_key": str(key),
        }
        if description is not None:
            given["description"] = description
        return str(self._mutate("create_flow_from_compressed_string", given, "id"))

    def register_tasks(self, flow_id: str, tasks: Sequence[Json]) -> None:
        """Add tasks to a flow; those that it has stay as they are."""
        self._mutate("register_tasks", {"flow_id": flow_id, "serialized_tasks": list(tasks)})

    def register_edges(self, flow_id: str, edges: Sequence[Json]) -> None:
        """Add edges between a flow's tasks; those that it has stay as they are."""
        self._mutate("register_edges", {"flow_id": flow_id, "serialized_edges": list(edges)})

    def start_schedule(self, flow_id: str) -> None:
        """Let the API make runs from the flow's schedule."""
        self._mutate("set_schedule_active", {"flow_id": flow_id})

    def archive(self, flow_id: str) -> None:
        """Archive a version of a flow: it stays to be read, and no longer runs."""
        self._mutate("archive_flow", {"flow_id": flow_id})

    def _mutate(self, name: str, given: Mapping[str, Any], returned: str = "success") -> object:
        document = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {returned} }} }}"
        try:
            answer = self.transport.graphql(document, {"input": given})[name]
        except Refusal:
            raise
        except ApiError as error:
            stopped = "The registration stopped half way; the next one goes on from there."
            raise ApiError(f"{error} {stopped}") from None
        return answer[returned] if answer else None


def batches(items: Sequence[Json], size: int) -> Iterator[list[Json]]:
    """Parts of `items`, at most `size` each and no longer than one request may be; none for nothing."""
    part: list[Json] = []
    weight = 0
    for item in items:
        length = len(json.dumps(item))
        if part and (len(part) >= size or weight + length > BATCH_BYTES):
            yield part
            part, weight = [], 0
        part.append(item)
        weight += length
    if part:
        yield part


@contextlib.contextmanager
def connected(api: Api) -> Iterator[Api]:
    """An API for as long as it is needed."""
    try:
        yield api
    finally:
        api.transport.close()
