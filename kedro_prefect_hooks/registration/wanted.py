"""From a flow to a description of all that Prefect would be told of it.

The description is plain data, made once, that neither changes nor sends anything. Nothing here knows what is
already registered.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Collection, Mapping

from prefect.storage import Storage

from kedro_prefect_hooks.api.key import digest_of, owner_of
from kedro_prefect_hooks.api.registered import Json
from kedro_prefect_hooks.registration.serialized import serialized, serialized_storage

if TYPE_CHECKING:
    import prefect

    from kedro_prefect_hooks.flows.project_flows import ProjectFlows

PARAMETER = "prefect.core.parameter.Parameter"


@dataclass(frozen=True)
class Wanted:
    """A flow as Prefect shall know it.

    Args:
        flow: what is to be registered; used to build its storage when it comes to that.
        content: the flow serialised, storage not built.
        description: for people; Prefect keeps it beside the serialised flow.
        owner: the Kedro package and environment that it comes from.
    """

    flow: prefect.Flow
    content: Json
    owner: str
    description: str | None = None

    @property
    def name(self) -> str:
        """The flow's name in Prefect."""
        return str(self.content["name"])

    @property
    def tasks(self) -> int:
        """How many tasks Prefect will count."""
        return len(self.content["tasks"])

    @property
    def edges(self) -> int:
        """How many edges Prefect will count: Prefect Server keeps one between the same two tasks."""
        return len({ends(edge) for edge in self.content["edges"]})

    @property
    def has_schedule(self) -> bool:
        """Whether the flow runs by itself."""
        return self.content["schedule"] is not None

    @cached_property
    def digest(self) -> str:
        """Of all that Prefect would be told, but for what differs at each registration."""
        content = dict(self.content)
        content["tasks"] = sorted(content["tasks"], key=lambda task: str(task["slug"]))
        content["edges"] = sorted(content["edges"], key=lambda edge: (*ends(edge), edge["key"] or ""))
        content["storage"] = lasting(content["storage"])
        return digest_of([content, self.description])

    def built(self) -> Json:
        """The content to send: as `content`, with its storage built (uploaded, pickled, …).

        Raises:
            Exception: whatever the storage raises.
        """
        storage = copy.copy(self.flow.storage)
        if storage is None:
            return self.content
        storage.flows, storage._flows = {}, {}
        storage.add_flow(self.flow)
        if type(storage).build is not Storage.build:
            # Prefect's own only looks for retries without results, slowly, and warns of them; our tasks can
            # make their inputs again.
            storage = storage.build()
        return {**self.content, "storage": serialized_storage(storage)}


def ends(edge: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """The slugs of the two tasks of a serialised edge."""
    return str(edge["upstream_task"]["slug"]), str(edge["downstream_task"]["slug"])


def lasting(storage: Json | None) -> Json | None:
    """What of a serialised storage stays the same when the same flow is stored again.

    `flows` holds where each flow was put: `Local` and the cloud storages put a time stamp into it.
    """
    return None if storage is None else {name: value for name, value in storage.items() if name != "flows"}


def wanted(flow: prefect.Flow, owner: str, description: str | None = None) -> Wanted:
    """The description of one flow, with the labels that its storage needs.

    Raises:
        ValueError: the flow has a cycle, or a value that is not JSON.
    """
    content = serialized(flow)
    labels = set(flow.storage.labels if flow.storage is not None else ())
    if content["run_config"] is not None and labels:
        # As `Flow.register` does: a flow that lies on one machine must run there.
        run_config = dict(content["run_config"])
        run_config["labels"] = sorted(labels | set(run_config.get("labels") or ()))
        content["run_config"] = run_config
    return Wanted(flow, content, owner, description)


def wanted_flows(flows: ProjectFlows, only: Collection[str] | None = None) -> list[Wanted]:
    """The descriptions of a project's flows, in the order of `prefect.yml`.

    Args:
        flows: the project's.
        only: names to take; all by default.

    Raises:
        ConfigError: a flow cannot be built.
    """
    owner = owner_of_flows(flows)
    return [
        wanted(flows.build(name), owner, config.description)
        for name, config in flows.config.flows.items()
        if only is None or name in only
    ]


def owner_of_flows(flows: ProjectFlows) -> str:
    """Who registers a project's flows, as it stands in their keys."""
    from kedro_prefect_hooks.compat import kedro_project

    return owner_of(kedro_project.package_name() or flows.path.name, flows.context.env)
