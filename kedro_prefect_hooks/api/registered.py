"""Registered flows, parsed from responses of the Prefect API: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Dict, Mapping, Sequence

from kedro_prefect_hooks.api.key import Key, parse_key

Json = Dict[str, Any]
"""A flow, a task or an edge, as Prefect serializes it."""


@dataclass(frozen=True)
class Registered:
    """One live flow.

    Args:
        id: the id of this version of the flow.
        group_id: the id shared by all its versions; the UI's links contain it.
        name: its name.
        version: counted by the API, from 1.
        key: its key; None when this plugin did not register it.
        schedule_active: whether the API creates runs from its schedule.
        has_schedule: whether it has a schedule of its own.
        has_group_schedule: whether its flow group has a schedule, set in the UI, which takes precedence.
        tasks: how many of its tasks the API has.
        edges: how many of its edges the API has.
        version_group_id: shared by all its versions, for a further one.
        created: when this version was created, as the API sends it.
    """

    id: str
    group_id: str
    name: str
    version: int
    key: Key | None = None
    schedule_active: bool = False
    has_schedule: bool = False
    has_group_schedule: bool = False
    tasks: int = 0
    edges: int = 0
    version_group_id: str | None = None
    created: str = ""

    @property
    def is_incomplete(self) -> bool:
        """Whether the API lacks tasks or edges that this plugin registered."""
        return self.key is not None and (self.tasks < self.key.tasks or self.edges < self.key.edges)

    @classmethod
    def from_response(cls, flow: Mapping[str, Any]) -> Registered:
        """Parse one element of the API's `flow` list."""
        group = flow["flow_group"] or {}
        return cls(
            id=str(flow["id"]),
            group_id=str(group.get("id")),
            name=str(flow["name"]),
            version=int(flow["version"]),
            key=parse_key((group.get("settings") or {}).get("idempotency_key")),
            schedule_active=bool(flow["is_schedule_active"]),
            has_schedule=flow["schedule"] is not None,
            has_group_schedule=group.get("schedule") is not None,
            tasks=int(flow["tasks_aggregate"]["aggregate"]["count"]),
            edges=int(flow["edges_aggregate"]["aggregate"]["count"]),
            version_group_id=flow["version_group_id"],
            created=str(flow["created"]),
        )


@dataclass(frozen=True)
class Snapshot:
    """A Prefect project and its live flows at one moment.

    Args:
        project_id: None when the project does not exist yet.
        tenant_id: the id of the tenant that the project belongs to.
        tenant_slug: the tenant's name in the UI's links.
        flows: all live flows of the project, whoever registered them.
    """

    project_id: str | None
    tenant_id: str | None
    tenant_slug: str | None
    flows: tuple[Registered, ...] = ()

    def named(self, name: str) -> Sequence[Registered]:
        """The live flows of a name: several only if two processes registered it at the same moment."""
        return self._by_name.get(name, ())

    @cached_property
    def _by_name(self) -> Mapping[str, list[Registered]]:
        found: dict[str, list[Registered]] = {}
        for flow in self.flows:
            found.setdefault(flow.name, []).append(flow)
        return found


@dataclass(frozen=True)
class Stored:
    """Everything that the API has of one version of a flow, to compare it or to complete it.

    Args:
        content: the serialized flow as it was sent.
        edges: the upstream and downstream slugs of the edges that the API has.
        slugs: the slugs of the tasks that the API has.
        description: the flow's description.
        tasks: the serialized tasks that the API has, by slug.
    """

    content: Json
    edges: frozenset[tuple[str, str]] = frozenset()
    slugs: frozenset[str] = frozenset()
    description: str | None = None
    tasks: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def from_response(cls, flow: Mapping[str, Any]) -> Stored:
        """Parse the API's `flow_by_pk`."""
        content = dict(flow["serialized_flow"] or {})
        sent = {str(task["slug"]): task for task in content.get("tasks") or ()}
        return cls(
            content=content,
            edges=frozenset(
                (str(edge["upstream_task"]["slug"]), str(edge["downstream_task"]["slug"]))
                for edge in flow["edges"]
            ),
            slugs=frozenset(str(task["slug"]) for task in flow["tasks"]),
            description=flow["description"],
            # The table of tasks has fewer fields; it serves where the flow was sent without its tasks.
            tasks={str(task["slug"]): sent.get(str(task["slug"]), task) for task in flow["tasks"]},
        )
