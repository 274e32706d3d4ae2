"""What the Prefect API has: plain data, as its answers say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping

from kedro_prefect_hooks.api.key import Key, parse

Json = Dict[str, Any]
"""What Prefect serialises a flow, a task or an edge to."""


@dataclass(frozen=True)
class Registered:
    """One live flow.

    Args:
        id: of this version of the flow.
        group_id: of all its versions; the one in the UI's links.
        name: its name.
        version: counted by the API, from 1.
        key: what this plugin registered it with; None for a flow that came otherwise.
        schedule_active: whether the API makes runs from its schedule.
        has_schedule: whether it has one of its own.
        has_group_schedule: whether somebody gave its group one in the UI, which goes first.
        tasks: how many tasks the API has of it.
        edges: how many edges.
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

    @property
    def is_incomplete(self) -> bool:
        """Whether tasks or edges that this plugin meant to send never arrived."""
        return self.key is not None and (self.tasks < self.key.tasks or self.edges < self.key.edges)

    @classmethod
    def from_answer(cls, flow: Mapping[str, Any]) -> Registered:
        """From one element of the API's `flow` list."""
        group = flow["flow_group"] or {}
        return cls(
            id=str(flow["id"]),
            group_id=str(group.get("id")),
            name=str(flow["name"]),
            version=int(flow["version"]),
            key=parse((group.get("settings") or {}).get("idempotency_key")),
            schedule_active=bool(flow["is_schedule_active"]),
            has_schedule=flow["schedule"] is not None,
            has_group_schedule=group.get("schedule") is not None,
            tasks=int(flow["tasks_aggregate"]["aggregate"]["count"]),
            edges=int(flow["edges_aggregate"]["aggregate"]["count"]),
        )


@dataclass(frozen=True)
class Snapshot:
    """A Prefect project and its live flows at one moment.

    Args:
        project_id: None when there is no such project yet.
        tenant_id: whose projects they are.
        tenant_slug: the same in the UI's links.
        flows: all live flows of the project, whoever registered them.
    """

    project_id: str | None
    tenant_id: str | None
    tenant_slug: str | None
    flows: tuple[Registered, ...] = ()


@dataclass(frozen=True)
class Stored:
    """All that the API has of one version of a flow, to compare with or to complete.

    Args:
        content: the flow as it was sent, with the tasks that arrived.
        edges: upstream slug and downstream slug of the edges that arrived.
        slugs: of the tasks that arrived.
        description: for people.
    """

    content: Json
    edges: frozenset[tuple[str, str]] = frozenset()
    slugs: frozenset[str] = frozenset()
    description: str | None = None
    tasks: Mapping[str, Json] = field(default_factory=dict)

    @classmethod
    def from_answer(cls, flow: Mapping[str, Any]) -> Stored:
        """From the API's `flow_by_pk`."""
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
            # The tasks' own table has less of each, and serves where the flow's JSON was sent without.
            tasks={str(task["slug"]): sent.get(str(task["slug"]), task) for task in flow["tasks"]},
        )
