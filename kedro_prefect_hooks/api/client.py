"""The queries and mutations of a Prefect API that registration needs.

Knows nothing of how they are sent, nor of what is to be registered.
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
"""Tasks or edges per request, the same number as Prefect's client sends."""

BATCH_BYTES = 1_000_000
"""Bytes of JSON per request: Prefect Server accepts bodies of 5 MB, and quoting makes them longer."""

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
        transport: sends the requests.
        display_name: its name in messages.
        link: maps a flow group's id and the tenant's slug to the URL of the flow's page, or to None.
        next_step: how to see the flows, where they have no such URL.
        batch: how many tasks or edges it accepts per request. Default: `BATCH`.
        is_served: whether others can reach it too: not if it is the embedded one within this process.
    """

    def __init__(
        self,
        transport: Transport,
        display_name: str,
        link: Link,
        next_step: str = "",
        batch: int | None = None,
        *,
        is_served: bool = True,
    ) -> None:
        self.transport = transport
        self.display_name = display_name
        self.link = link
        self.next_step = next_step
        self.batch = BATCH if batch is None else batch
        self.is_served = is_served

    def snapshot(self, project: str) -> Snapshot:
        """Return the project and its live flows, with one query."""
        data = self.transport.graphql(SNAPSHOT, {"project": project})
        try:
            projects, tenants = data["project"], data["tenant"]
            return Snapshot(
                project_id=str(projects[0]["id"]) if projects else None,
                tenant_id=str(tenants[0]["id"]) if tenants else None,
                tenant_slug=str(tenants[0]["slug"]) if tenants else None,
                flows=tuple(Registered.from_response(flow) for flow in data["flow"]),
            )
        except (KeyError, TypeError):
            raise self.transport.unexpected_response("data of another kind") from None

    def stored(self, flow: Registered) -> Stored:
        """Return everything that the API has of a flow.

        Raises:
            ApiError: the flow has been deleted.
        """
        found = self.transport.graphql(STORED, {"id": flow.id})["flow_by_pk"]
        if found is None:
            raise ApiError(f"Flow '{flow.name}' has just been deleted in Prefect. Register again.")
        return Stored.from_response(found)

    def create_project(self, name: str, tenant_id: str | None) -> str:
        """Create a project and return its id, also when somebody else creates it at the same moment."""
        try:
            return str(self._mutate("create_project", {"name": name, "tenant_id": tenant_id}, "id"))
        except Refusal as refusal:
            if not any("Uniqueness violation" in reason for reason in refusal.reasons):
                raise
        found = self.snapshot(name).project_id
        if found is None:
            raise ApiError(
                f"The Prefect API has a project '{name}' but does not return it: "
                "does it belong to another tenant?"
            )
        return found

    def create_flow(
        self, project_id: str, content: Json, key: Key, *, description: str | None, start: bool
    ) -> str:
        """Create a version of a flow and return its id.

        The API returns the existing version if that has the same key.

        Args:
            project_id: the Prefect project's id.
            content: the serialized flow; its tasks and edges may follow later.
            key: the idempotency key.
            description: the flow's description.
            start: whether to start the schedule.
        """
        arguments = {
            "project_id": project_id,
            "serialized_flow": compress(content),
            "set_schedule_active": start,
            "version_group_id": None,
            "idempotency_key": str(key),
        }
        if description is not None:
            arguments["description"] = description
        return str(self._mutate("create_flow_from_compressed_string", arguments, "id"))

    def register_tasks(self, flow_id: str, tasks: Sequence[Json]) -> None:
        """Add tasks to a flow; existing ones are not changed."""
        self._mutate("register_tasks", {"flow_id": flow_id, "serialized_tasks": list(tasks)})

    def register_edges(self, flow_id: str, edges: Sequence[Json]) -> None:
        """Add edges between a flow's tasks; existing ones are not changed."""
        self._mutate("register_edges", {"flow_id": flow_id, "serialized_edges": list(edges)})

    def start_schedule(self, flow_id: str) -> None:
        """Start the flow's schedule."""
        self._mutate("set_schedule_active", {"flow_id": flow_id})

    def archive(self, flow_id: str) -> None:
        """Archive a version of a flow: it can still be viewed, but no longer runs."""
        self._mutate("archive_flow", {"flow_id": flow_id})

    def _mutate(self, name: str, arguments: Mapping[str, Any], returned: str = "success") -> object:
        document = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {returned} }} }}"
        try:
            answer = self.transport.graphql(document, {"input": arguments})[name]
        except Refusal:
            raise
        except ApiError as error:
            raise ApiError(f"{error} The registration is incomplete; the next one completes it.") from None
        return answer[returned] if answer else None


def batches(items: Sequence[Json], size: int) -> Iterator[list[Json]]:
    """Split `items` into batches of at most `size` items and `BATCH_BYTES` of JSON; none of them is empty."""
    batch: list[Json] = []
    total = 0
    for item in items:
        length = len(json.dumps(item))
        if batch and (len(batch) >= size or total + length > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += length
    if batch:
        yield batch


@contextlib.contextmanager
def connected(api: Api) -> Iterator[Api]:
    """Yield the API, and close its connection afterwards."""
    try:
        yield api
    finally:
        api.transport.close()
