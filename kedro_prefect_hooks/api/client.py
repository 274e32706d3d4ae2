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
    project(where: {name: {_eq: $project}}) { id tenant_id }
    tenant { id slug }
    flow(where: {project: {name: {_eq: $project}}, archived: {_eq: false}}) {
        id
        name
        version
        created
        project_id
        version_group_id
        is_schedule_active
        schedule
        flow_group { id settings schedule }
        tasks_aggregate { aggregate { count } }
        edges_aggregate { aggregate { count } }
    }
}"""

PROJECT = """
query($project: String!) {
    project(where: {name: {_eq: $project}}) { id tenant_id }
    tenant { id slug }
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

VERSION = "query($id: uuid!) { flow_by_pk(id: $id) { version } }"

NEWEST = """
query($project_id: uuid!, $name: String!) {
    flow(
        where: {project_id: {_eq: $project_id}, name: {_eq: $name}}
        order_by: [{created: desc}, {id: desc}]
        limit: 1
    ) { id }
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
        tenant_id: the tenant that Prefect is configured for; None for the API's first.
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
        tenant_id: str | None = None,
    ) -> None:
        self.transport = transport
        self.display_name = display_name
        self.link = link
        self.next_step = next_step
        self.batch = BATCH if batch is None else batch
        self.is_served = is_served
        self.tenant_id = tenant_id

    def snapshot(self, project: str) -> Snapshot:
        """Return the project and its live flows, with one query."""
        data = self.transport.graphql(SNAPSHOT, {"project": project})
        try:
            tenant = self.tenant(data["tenant"])
            project_id = _id_of_tenant(data["project"], tenant)
            return Snapshot(
                project_id=project_id,
                tenant_id=str(tenant["id"]) if tenant else None,
                tenant_slug=str(tenant["slug"]) if tenant else None,
                flows=tuple(
                    Registered.from_response(flow)
                    for flow in data["flow"]
                    if flow["project_id"] == project_id
                ),
            )
        except (KeyError, TypeError):
            raise self.transport.unexpected_response("data of another kind") from None

    def project_id(self, project: str) -> str | None:
        """Return the id of a project, with one query; None if the tenant to use has none of this name."""
        data = self.transport.graphql(PROJECT, {"project": project})
        return _id_of_tenant(data["project"], self.tenant(data["tenant"]))

    def tenant(self, tenants: Sequence[Json]) -> Json | None:
        """The tenant to use, chosen as Prefect's client does: the configured one, or else the first.

        Raises:
            ApiError: the API does not have the configured one.
        """
        if self.tenant_id is None or not tenants:
            return tenants[0] if tenants else None
        found = next((each for each in tenants if each["id"] == self.tenant_id), None)
        if found is None:
            raise self.transport.failure(
                f"has no tenant {self.tenant_id}, which Prefect is configured for; its tenants are "
                + ", ".join(f"{each['slug']} ({each['id']})" for each in tenants)
            )
        return found

    def version(self, flow_id: str) -> int | None:
        """The version number of a flow, which may be archived; None if it has been deleted."""
        found = self.transport.graphql(VERSION, {"id": flow_id})["flow_by_pk"]
        return None if found is None else int(found["version"])

    def newest(self, project_id: str, name: str) -> str | None:
        """The id of the flow of a name that was created last, which may be archived; None without any."""
        found = self.transport.graphql(NEWEST, {"project_id": project_id, "name": name})["flow"]
        return str(found[0]["id"]) if found else None

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
        """Create a project and return its id, also when somebody else creates it at the same moment.

        Raises:
            ApiError: the API has no tenant to create it in, or does not return it.
        """
        if tenant_id is None:
            raise self.transport.failure(
                "has no tenant yet. Create one: prefect server create-tenant --name default --slug default"
            )
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
        self,
        project_id: str,
        content: Json,
        key: Key,
        *,
        description: str | None,
        start: bool,
        version_group_id: str | None = None,
    ) -> str:
        """Create a version of a flow and return its id.

        The API returns the existing version if that has the same key.

        Args:
            project_id: the Prefect project's id.
            content: the serialized flow; its tasks and edges may follow later.
            key: the idempotency key.
            description: the flow's description.
            start: whether to start the schedule.
            version_group_id: the versions that this one follows; None to let the API look for a flow of the
                same name. It takes the one that was created last, even if that has been archived.
        """
        arguments = {
            "project_id": project_id,
            "serialized_flow": compress(content),
            "set_schedule_active": start,
            "version_group_id": version_group_id,
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


def _id_of_tenant(projects: Sequence[Json], tenant: Json | None) -> str | None:
    """Which project is the tenant's: another's may have the same name, and the API returns those of all."""
    own = [each for each in projects if tenant and each["tenant_id"] in (tenant["id"], None)]
    return str(own[0]["id"]) if own else None


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
