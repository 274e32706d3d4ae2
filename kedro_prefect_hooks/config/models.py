"""All of `prefect.yml`, one model per concept. Each docstring holds an example.

Knows what the file may contain. `project_check` checks it against the project. `config.prefect` builds the
Prefect objects; it imports Prefect, which this module must not, so that the file can be read without it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterable, List, Optional

from typing_extensions import Literal

from kedro_prefect_hooks.compat.pydantic_models import (
    Field,
    PrivateAttr,
    PydanticCustomError,
    field_validator,
    model_validator,
)
from kedro_prefect_hooks.config.defaults import merge_defaults
from kedro_prefect_hooks.config.fields import Model, Name, Names, Seconds
from kedro_prefect_hooks.config.messages import Place, unknown_name
from kedro_prefect_hooks.config.node_settings import NodeConfig, NodeSettings, RetriesConfig, node_settings
from kedro_prefect_hooks.config.notify import NotifyConfig
from kedro_prefect_hooks.config.schedule import ScheduleConfig
from kedro_prefect_hooks.config.typed import (
    ExecutorConfig,
    ResultConfig,
    RunConfigConfig,
    StorageConfig,
)

if TYPE_CHECKING:
    import prefect

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
        "raise",
        description="When registration fails: `raise` stops the run, `warn` logs a warning.",
    )
    timeout: Seconds = Field(10.0, description="How long to wait for the API's first response, in seconds.")


class FlowSettings(Model):
    """Settings for every flow, under `defaults`, or for one flow.

    A flow's mappings (`retries`, `nodes`, `notify`, and objects of the same `type`) are merged with those of
    `defaults` key by key. Its lists, its schedule, and objects of another `type` replace them. `null` removes
    them.

    Example:
        ```yaml
        defaults:
          executor: {type: LocalDaskExecutor, scheduler: threads}
          retries: {max_retries: 1}
        ```
    """

    schedule: Optional[ScheduleConfig] = Field(None, description="When the flow runs automatically.")
    parameters: Names = Field(
        default_factory=list,
        description="Kedro parameters that become Prefect parameters, in dotted form. Their defaults are the "
        "values in the configuration.",
    )
    storage: StorageConfig = Field(
        default_factory=StorageConfig, description="Where Prefect finds the flow to run."
    )
    run_config: RunConfigConfig = Field(
        default_factory=RunConfigConfig, description="Where an agent starts a flow run."
    )
    executor: ExecutorConfig = Field(
        default_factory=ExecutorConfig, description="What runs the tasks of a flow run."
    )
    result: Optional[ResultConfig] = Field(
        None, description="Where in-memory outputs are stored, so that a failed flow run can be restarted."
    )
    labels: Names = Field(
        default_factory=list,
        description="Labels that an agent must have, in addition to those of `run_config`.",
    )
    group_by: Name = Field(
        "none",
        description="Which nodes share one task: none, namespace, memory (nodes connected by in-memory "
        "datasets), or a tag prefix (nodes with the same tag of that prefix).",
    )
    is_async: bool = Field(False, description="Load and save datasets with threads, as `kedro run --async`.")
    run_name: Optional[Name] = Field(
        None,
        description="Template of the names of flow runs, from {flow_name}, {flow_run_id}, {date}, "
        "{scheduled_start_time} and {parameters[NAME]}. Runs that are started with a name keep it.",
        examples=["{flow_name} {scheduled_start_time:%Y-%m-%d} {parameters[model.test_size]}"],
    )
    log_stdout: bool = Field(False, description="Log what nodes print, and send it to the Prefect API.")
    extra_loggers: Names = Field(
        default_factory=list,
        description="Loggers whose lines are sent to the Prefect API, in addition to those of Kedro, the "
        "project and PREFECT__LOGGING__EXTRA_LOGGERS.",
    )
    report: Literal["batches", "each"] = Field(
        "batches",
        description="How task states are reported to the API: in batches, up to 0.25 s later, or each one "
        "before its task continues.",
    )
    artifacts: bool = Field(
        True,
        description="Whether each task creates an artifact that lists the datasets it read and wrote, with "
        "previews of tables, JSON and pictures where the dataset has one.",
    )
    on_drift: Literal["fail", "warn"] = Field(
        "warn",
        description="What a flow run does if its settings (retries, timeouts, executor, result, schedule, "
        "defaults of parameters) are not those that were registered: `warn` logs a warning and uses the "
        "settings that it has found, `fail` ends the flow run. Other nodes or edges always end it.",
    )
    retries: RetriesConfig = Field(
        default_factory=RetriesConfig, description="How often a failed node is retried."
    )
    nodes: Dict[str, NodeConfig] = Field(
        default_factory=dict,
        description="Settings for nodes: by name, by tag (`tag:…`) or by namespace (`namespace:…`).",
    )
    state_handlers: Names = Field(
        default_factory=list,
        description="Dotted paths of functions `(flow, old_state, new_state)`, called at each new state.",
    )
    notify: Optional[NotifyConfig] = Field(None, description="Who is notified when the flow fails.")

    @model_validator(mode="before")
    @classmethod
    def _null_means_default(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        fields = cls.model_fields
        return {
            name: fields[name].get_default(call_default_factory=True)
            if each is None and name in fields
            else each
            for name, each in value.items()
        }

    @field_validator("nodes", mode="before")
    @classmethod
    def _empty_nodes(cls, value: object) -> object:
        if isinstance(value, dict):
            return {name: {} if settings is None else settings for name, settings in value.items()}
        return value

    @field_validator("group_by", mode="before")
    @classmethod
    def _no_groups(cls, value: object) -> object:
        return "none" if value in (False, "") else value  # YAML's `no`


class FlowConfig(FlowSettings):
    """One Prefect flow: a Kedro pipeline, or the part of it that the filters of `kedro run` select.

    An empty entry (``my-flow:``) means all defaults: the whole `__default__` pipeline.

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

    pipeline: Name = Field("__default__", description="A registered pipeline of the project.")
    description: Optional[str] = Field(None, description="What the flow does.")
    tags: Names = Field(default_factory=list, description="Only nodes with at least one of these tags.")
    from_nodes: Names = Field(
        default_factory=list, description="Only these nodes and those downstream of them."
    )
    to_nodes: Names = Field(default_factory=list, description="Only these nodes and those upstream of them.")
    node_names: Names = Field(default_factory=list, description="Only these nodes.")
    from_inputs: Names = Field(default_factory=list, description="Only nodes that depend on these datasets.")
    to_outputs: Names = Field(
        default_factory=list,
        description="Only nodes that are needed to create these datasets.",
    )
    namespaces: Names = Field(default_factory=list, description="Only nodes in these namespaces.")

    _name: str = PrivateAttr("")
    _place: Place = PrivateAttr(default_factory=Place)
    _from_defaults: FrozenSet[str] = PrivateAttr(default=frozenset())
    _project_path: Optional[Path] = PrivateAttr(None)

    @property
    def name(self) -> str:
        """The flow's name in Prefect: its key under `flows:`."""
        return self._name

    def place(self, *key: str | int) -> Place:
        """The place of a key of this flow: under the flow, or under `defaults` when it is set only there."""
        if key and key[0] in self._from_defaults:
            return self._place.top("defaults", *key)
        return self._place.at(*key)

    def node_settings(
        self, name: str, tags: Iterable[str] = (), namespace: Optional[str] = None
    ) -> NodeSettings:
        """The settings for a node of this flow; see `node_settings.node_settings`."""
        return node_settings(self.retries, self.nodes, name, tags, namespace)

    def build_storage(self) -> prefect.storage.Storage:
        """Prefect's storage for this flow.

        Raises:
            ConfigError: the type or an argument is invalid; the same applies to all `build_…` methods.
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
        """Prefect's result for this flow, or None when nothing is stored."""
        from kedro_prefect_hooks.config.prefect.objects import build

        if self.result is None:
            return None
        result: prefect.engine.result.Result = build(
            self.result, self.place("result"), project_path=self._project_path
        )
        return result

    def build_schedule(self) -> prefect.schedules.Schedule | None:
        """Prefect's schedule for this flow, or None."""
        from kedro_prefect_hooks.config.prefect.schedules import build_schedule

        return None if self.schedule is None else build_schedule(self.schedule, self.place("schedule"))

    def build_state_handlers(self) -> List[Callable[..., Any]]:
        """The flow's state handlers: the project's own, then the notifiers."""
        from kedro_prefect_hooks.config.prefect.state_handlers import build_state_handlers

        return build_state_handlers(self.state_handlers, self.notify, self.place)

    def check_node_state_handlers(self) -> None:
        """Check the state handlers of single nodes, which are imported where their tasks run."""
        from kedro_prefect_hooks.config.prefect.state_handlers import check_node_state_handlers

        for key, settings in self.nodes.items():
            check_node_state_handlers(settings.state_handlers, self.place("nodes", key, "state_handlers"))


class PrefectConfig(Model):
    """The content of `prefect.yml`.

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
        description="The Prefect API: embedded (this plugin's own), prefect (the one that Prefect is "
        "configured for), or a URL.",
        examples=["embedded", "prefect", "http://prefect.example.com:4200"],
    )
    project: Optional[Name] = Field(
        None, description="The Prefect project. Default: the name of the Kedro package."
    )
    retention: Optional[Seconds] = Field(
        90 * 86_400.0,
        description="How long the embedded API keeps finished flow runs, such as 30d. null: forever.",
        examples=["30d", 7776000],
    )
    # Not named `register`: pydantic's models inherit a `register` method from `abc`.
    registration: RegisterConfig = Field(
        default_factory=RegisterConfig, alias="register", description="When and how flows are registered."
    )
    defaults: FlowSettings = Field(
        default_factory=FlowSettings, description="Default settings for every flow."
    )
    flows: Dict[Name, FlowConfig] = Field(description="The flows, by name.")
    not_secrets: Names = Field(
        default_factory=list,
        description="Key paths of values that only look like secrets, such as `run_config.env.API_KEY`.",
    )

    _place: Place = PrivateAttr(default_factory=Place)

    @field_validator("registration", "defaults", mode="before")
    @classmethod
    def _empty_means_defaults(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("api", mode="before")
    @classmethod
    def _known_api_or_url(cls, value: object) -> object:
        if value is None:
            return "embedded"
        if isinstance(value, str) and value not in ("embedded", "prefect"):
            if re.match(r"https?://[^/]*@", value):
                raise PydanticCustomError(
                    "literal_secret", "the file must not contain a URL with a user or password"
                )
            if not re.match(r"https?://[^/\s:]+(:\d+)?(/\S*)?$", value):
                text = unknown_name("API", value, ["embedded", "prefect", "http://host:4200"])
                raise PydanticCustomError("api", "{text}", {"text": text})
        return value

    @field_validator("flows", mode="before")
    @classmethod
    def _at_least_one_flow(cls, value: object) -> object:
        if value is None or value == {}:
            raise PydanticCustomError("no_flows", "found no flows, expected at least one, such as `my-flow:`")
        if isinstance(value, dict):
            return {name: {} if flow is None else flow for name, flow in value.items()}
        return value

    @model_validator(mode="after")
    def _merge_defaults_into_flows(self) -> PrefectConfig:
        defaults = self.defaults.model_dump(exclude_unset=True)
        for name, flow in self.flows.items():
            own = flow.model_dump(exclude_unset=True)
            merged = FlowConfig.model_validate(merge_defaults(defaults, own))
            merged._name = name
            merged._from_defaults = frozenset(defaults) - frozenset(own)
            self.flows[name] = merged
        self.set_place(Place())
        return self

    def set_place(self, place: Place, project_path: Optional[Path] = None) -> None:
        """Set where the file and the project are.

        Later errors name the file, and relative paths in it are relative to the project's folder.
        """
        self._place = place
        for name, flow in self.flows.items():
            flow._place = place.at("flows", name)
            flow._project_path = project_path

    def place(self, *key: str | int) -> Place:
        """The place of a key, from the top of the file."""
        return self._place.at(*key)
