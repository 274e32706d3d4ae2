"""The desired state of a flow: everything that registering it would send to Prefect.

Plain data that never changes. Sends nothing, and knows nothing of what is already registered.
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


@dataclass(frozen=True)
class Wanted:
    """A flow as it should be registered.

    Args:
        flow: the flow; its storage is built only when it is registered.
        content: the serialized flow, with its storage not built.
        owner: the Kedro package and environment that it comes from.
        description: the flow's description, which Prefect stores apart from the serialized flow.
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
        """The number of tasks."""
        return len(self.content["tasks"])

    @property
    def edges(self) -> int:
        """The number of edges, as the API counts them: Prefect Server stores one per pair of tasks."""
        return len({edge_slugs(edge) for edge in self.content["edges"]})

    @property
    def has_schedule(self) -> bool:
        """Whether the flow has a schedule."""
        return self.content["schedule"] is not None

    @cached_property
    def digest(self) -> str:
        """The hash of everything that is sent to Prefect, except what differs at each registration."""
        content = dict(self.content)
        content["tasks"] = sorted(content["tasks"], key=lambda task: str(task["slug"]))
        content["edges"] = sorted(content["edges"], key=lambda edge: (*edge_slugs(edge), edge["key"] or ""))
        content["storage"] = comparable_storage(content["storage"])
        return digest_of([content, self.description])

    def built_content(self) -> Json:
        """Build the storage (upload, pickle, …) and return `content` with it.

        Raises:
            Exception: whatever the storage raises.
        """
        storage = copy.copy(self.flow.storage)
        if storage is None:
            return self.content
        storage.flows, storage._flows = {}, {}
        storage.add_flow(self.flow)
        if type(storage).build is not Storage.build:
            # The base method only warns, slowly, of tasks that have retries but no results; our tasks can
            # recreate their inputs.
            storage = storage.build()
        return {**self.content, "storage": serialized_storage(storage)}


def edge_slugs(edge: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """The slugs of the upstream and downstream task of a serialized edge."""
    return str(edge["upstream_task"]["slug"]), str(edge["downstream_task"]["slug"])


def comparable_storage(storage: Json | None) -> Json | None:
    """The part of a serialized storage that stays the same when the same flow is stored again.

    `flows` holds the location of each flow, to which `Local` and the cloud storages add a timestamp.
    """
    return None if storage is None else {name: value for name, value in storage.items() if name != "flows"}


def wanted_flow(flow: prefect.Flow, owner: str, description: str | None = None) -> Wanted:
    """Return the desired state of one flow, with the labels that its storage needs.

    Raises:
        ValueError: the flow has a cycle, or a value that cannot be serialized to JSON.
    """
    content = serialized(flow)
    labels = set(flow.storage.labels if flow.storage is not None else ())
    if content["run_config"] is not None and labels:
        # As `Flow.register` does: a flow that is stored on one machine must run there.
        run_config = dict(content["run_config"])
        run_config["labels"] = sorted(labels | set(run_config.get("labels") or ()))
        content["run_config"] = run_config
    return Wanted(flow, content, owner, description)


def wanted_flows(flows: ProjectFlows, only: Collection[str] | None = None) -> list[Wanted]:
    """Return the desired state of a project's flows, in the order of `prefect.yml`.

    Args:
        flows: the project's flows.
        only: names of the flows to return; all by default.

    Raises:
        ConfigError: a flow cannot be built.
    """
    owner = owner_of_flows(flows)
    return [
        wanted_flow(flows.build(name), owner, config.description)
        for name, config in flows.config.flows.items()
        if only is None or name in only
    ]


def owner_of_flows(flows: ProjectFlows) -> str:
    """The owner in the keys of a project's flows."""
    from kedro_prefect_hooks.compat import kedro_project, kedro_session

    # The default environment by its name: `kedro run` and `kedro run --env local` register the same flows.
    environment = kedro_session.environment(flows.context)
    return owner_of(kedro_project.package_name() or flows.path.name, environment)
