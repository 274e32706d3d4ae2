"""All of `prefect.yml`, one model a concept. Each docstring holds an example.

Says what may stand in the file by itself. Whether it fits the project (its pipelines, nodes, parameters) is
for `check`, and what Prefect makes of it for `prefect_types` and `schedules`, which import Prefect; this
module must not, so that the file can be read without it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterable, List, Optional

from pydantic import Field, PrivateAttr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Literal

from kedro_prefect_hooks.config.fields import Model, Names, Seconds
from kedro_prefect_hooks.config.layers import laid_under
from kedro_prefect_hooks.config.messages import Place, unknown
from kedro_prefect_hooks.config.node_settings import NodeConfig, NodeSettings, RetriesConfig, node_settings
from kedro_prefect_hooks.config.notify import NotifyConfig, SlackConfig
from kedro_prefect_hooks.config.schedule import ClockConfig, ScheduleConfig
from kedro_prefect_hooks.config.typed import (
    ExecutorConfig,
    ResultConfig,
    RunConfigConfig,
    StorageConfig,
    TypedConfig,
)

if TYPE_CHECKING:
    import prefect

__all__ = [
    "ClockConfig",
    "ExecutorConfig",
    "FlowConfig",
    "FlowSettings",
    "NodeConfig",
    "NodeSettings",
    "NotifyConfig",
    "PrefectConfig",
    "RegisterConfig",
    "ResultConfig",
    "RetriesConfig",
    "RunConfigConfig",
    "ScheduleConfig",
    "SlackConfig",
    "StorageConfig",
    "TypedConfig",
]

GROUPINGS = ("none", "namespace", "memory")


class RegisterConfig(Model):
    """When and how `kedro run` registers the flows.

    Example:
        ```yaml
        register:
          environments: [deploy, prod]
          on_error: warn
          timeout: 5
        ```
    """

    environments: Names = Field(
        default_factory=lambda: ["deploy"], description="The `--env` values of `kedro run` that register."
    )
    on_error: Literal["raise", "warn"] = Field(
        "raise", description="What a failed registration does: `raise` ends the run, `warn` lets it go on."
    )
    timeout: Seconds = Field(10.0, description="How long the API may take for its first answer, in seconds.")


class FlowSettings(Model):
    """What `defaults:` may say for every flow, and a flow for itself.

    A flow's mappings (`retries`, `nodes`, `notify`, and objects of the same `type`) are laid over those of
    `defaults` key by key; its lists, its schedule, and objects of another `type` replace them; `null`
    takes them away.

    Example:
        ```yaml
        defaults:
          executor: {type: LocalDaskExecutor, scheduler: threads}
          retries: {max_retries: 1}
        ```
    """

    schedule: Optional[ScheduleConfig] = Field(None, description="When the flow runs by itself.")
    parameters: Names = Field(
        default_factory=list,
        description="Kedro parameters to offer in Prefect, dotted; the configuration has their defaults.",
    )
    storage: StorageConfig = Field(
        default_factory=StorageConfig, description="Where Prefect finds the flow when it is to run."
    )
    run_config: RunConfigConfig = Field(
        default_factory=RunConfigConfig, description="Where an agent starts a flow run."
    )
    executor: ExecutorConfig = Field(
        default_factory=ExecutorConfig, description="What runs the tasks of a flow run."
    )
    result: Optional[ResultConfig] = Field(
        None, description="Where in-memory outputs are kept for a restart from failure."
    )
    labels: Names = Field(
        default_factory=list, description="Labels that an agent must have, added to those of run_config."
    )
    group_by: str = Field(
        "none",
        description="Which nodes share one task: none, namespace, memory (those joined by in-memory "
        "datasets), or a prefix of tags (nodes with the same tag of that prefix).",
    )
    retries: RetriesConfig = Field(
        default_factory=RetriesConfig, description="How often a failed node is tried again."
    )
    nodes: Dict[str, NodeConfig] = Field(
        default_factory=dict, description="Other settings for single nodes, by name, or by tag as `tag:…`."
    )
    state_handlers: Names = Field(
        default_factory=list,
        description="Dotted paths of functions (flow, old_state, new_state) called at each state.",
    )
    notify: Optional[NotifyConfig] = Field(None, description="Who is told when the flow fails.")

    @field_validator("storage", "run_config", "executor", "retries", "nodes", mode="before")
    @classmethod
    def _nothing_means_defaults(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("nodes", mode="before")
    @classmethod
    def _no_node_without_settings(cls, value: object) -> object:
        if isinstance(value, dict):
            return {name: {} if settings is None else settings for name, settings in value.items()}
        return value

    @field_validator("group_by", mode="before")
    @classmethod
    def _no_grouping(cls, value: object) -> object:
        return "none" if value in (None, False, "") else value


class FlowConfig(FlowSettings):
    """One Prefect flow: a Kedro pipeline, or the part of it that `kedro run`'s filters leave.

    Nothing at all (``my-flow:``) means all defaults: the whole of `__default__`.

    Example:
        ```yaml
        flows:
          flight-delays:
            pipeline: __default__
            tags: [nightly]
            schedule: {cron: "0 6 * * *", timezone: Europe/Paris}
            parameters: [model.test_size]
            retries: {max_retries: 2, retry_delay: 60}
        ```
    """

    pipeline: str = Field("__default__", description="A registered pipeline of the project.")
    description: Optional[str] = Field(None, description="What the flow does, for people.")
    tags: Names = Field(default_factory=list, description="Only nodes with any of these tags.")
    from_nodes: Names = Field(default_factory=list, description="Only these nodes and those after them.")
    to_nodes: Names = Field(default_factory=list, description="Only these nodes and those before them.")
    node_names: Names = Field(default_factory=list, description="Only these nodes.")
    from_inputs: Names = Field(default_factory=list, description="Only nodes that need these datasets.")
    to_outputs: Names = Field(default_factory=list, description="Only nodes that these datasets need.")
    namespaces: Names = Field(default_factory=list, description="Only nodes in these namespaces.")

    _name: str = PrivateAttr("")
    _place: Place = PrivateAttr(default_factory=Place)
    _from_defaults: FrozenSet[str] = PrivateAttr(default=frozenset())
    _project_path: Optional[Path] = PrivateAttr(None)

    @field_validator("pipeline", mode="before")
    @classmethod
    def _default_pipeline(cls, value: object) -> object:
        return "__default__" if value is None else value

    @property
    def name(self) -> str:
        """The flow's name in Prefect: its key under `flows:`."""
        return self._name

    def place(self, *key: str | int) -> Place:
        """Where a key of this flow stands: with the flow, or in `defaults` when only there."""
        if key and key[0] in self._from_defaults:
            return self._place.top("defaults", *key)
        return self._place.at(*key)

    def node_settings(self, name: str, tags: Iterable[str] = ()) -> NodeSettings:
        """The settings for a node of this flow; see `nodes.node_settings`."""
        return node_settings(self.retries, self.nodes, name, tags)

    def build_storage(self) -> prefect.storage.Storage:
        """Prefect's storage for this flow.

        Raises:
            ConfigError: the type or an argument is not right; so for all `build_…` functions.
        """
        from kedro_prefect_hooks.config.prefect.objects import build

        storage: prefect.storage.Storage = build(self.storage, self.place("storage"))
        return storage

    def build_run_config(self) -> prefect.run_configs.RunConfig:
        """Prefect's run config for this flow, with the labels of both `run_config` and the flow."""
        from kedro_prefect_hooks.config.prefect.objects import build

        run_config: prefect.run_configs.RunConfig = build(self.run_config, self.place("run_config"))
        if self.labels:
            run_config.labels = {*(run_config.labels or ()), *self.labels}
        return run_config

    def build_executor(self) -> prefect.executors.Executor:
        """Prefect's executor for this flow."""
        from kedro_prefect_hooks.config.prefect.objects import build

        executor: prefect.executors.Executor = build(self.executor, self.place("executor"))
        return executor

    def build_result(self) -> prefect.engine.result.Result | None:
        """Prefect's result for this flow, or None when nothing is to be kept."""
        from kedro_prefect_hooks.config.prefect.objects import build

        if self.result is None:
            return None
        result: prefect.engine.result.Result = build(
            self.result, self.place("result"), project_path=self._project_path
        )
        return result

    def build_schedule(self) -> prefect.schedules.Schedule | None:
        """Prefect's schedule for this flow, or None when it runs only when told to."""
        from kedro_prefect_hooks.config.prefect.schedules import build_schedule

        return None if self.schedule is None else build_schedule(self.schedule, self.place("schedule"))

    def build_state_handlers(self) -> List[Callable[..., Any]]:
        """The flow's state handlers: the project's own, then the notifiers."""
        from kedro_prefect_hooks.config.prefect.state_handlers import build_state_handlers

        return build_state_handlers(self.state_handlers, self.notify, self.place)


class PrefectConfig(Model):
    """The whole of `prefect.yml`.

    Example:
        ```yaml
        api: embedded
        register: {environments: [deploy]}
        defaults:
          executor: LocalDaskExecutor
        flows:
          flight-delays:
            schedule: {cron: "0 6 * * *"}
        ```
    """

    api: str = Field(
        "embedded",
        description="The Prefect API: embedded (this plugin's own), prefect (what Prefect is "
        "configured for), or an URL.",
        examples=["embedded", "prefect", "http://prefect.example.com:4200"],
    )
    project: Optional[str] = Field(
        None, description="The Prefect project; the Kedro package's name when not given."
    )
    # Not called `register` in Python: a class's own `register` (of `abc`) has that name already.
    registration: RegisterConfig = Field(
        default_factory=RegisterConfig, alias="register", description="When and how flows are registered."
    )
    defaults: FlowSettings = Field(
        default_factory=FlowSettings, description="Settings laid under those of every flow."
    )
    flows: Dict[str, FlowConfig] = Field(description="The flows, by their names in Prefect.")

    _place: Place = PrivateAttr(default_factory=Place)

    @field_validator("registration", "defaults", mode="before")
    @classmethod
    def _nothing_means_defaults(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("api", mode="before")
    @classmethod
    def _api(cls, value: object) -> object:
        if value is None:
            return "embedded"
        if isinstance(value, str) and value not in ("embedded", "prefect"):
            if re.match(r"https?://[^/]*@", value):
                raise PydanticCustomError(
                    "literal_secret", "an URL with a user or password in it must not stand in the file"
                )
            if not re.match(r"https?://[^/\s:]+(:\d+)?(/\S*)?$", value):
                text = unknown("API", value, ["embedded", "prefect", "http://host:4200"])
                raise PydanticCustomError("api", "{text}", {"text": text})
        return value

    @field_validator("flows", mode="before")
    @classmethod
    def _some_flows(cls, value: object) -> object:
        if value is None or value == {}:
            raise PydanticCustomError("no_flows", "names no flow: expected at least one, such as `my-flow:`")
        if isinstance(value, dict):
            return {name: {} if flow is None else flow for name, flow in value.items()}
        return value

    @model_validator(mode="after")
    def _lay_defaults_under_flows(self) -> PrefectConfig:
        defaults = self.defaults.model_dump(exclude_unset=True)
        for name, flow in self.flows.items():
            own = flow.model_dump(exclude_unset=True)
            merged = FlowConfig.model_validate(laid_under(defaults, own))
            merged._name = name
            merged._from_defaults = frozenset(defaults) - frozenset(own)
            self.flows[name] = merged
        self._put_at(Place())
        return self

    def _put_at(self, place: Place, project_path: Optional[Path] = None) -> None:
        """Tells the configuration where it was read, so that later errors can name the file, and where the
        project is, so that relative paths in the file mean the same on every machine."""
        self._place = place
        for name, flow in self.flows.items():
            flow._place = place.at("flows", name)
            flow._project_path = project_path

    def place(self, *key: str | int) -> Place:
        """Where a key stands."""
        return self._place.at(*key)
