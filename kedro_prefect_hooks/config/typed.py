"""Models of the Prefect objects that `prefect.yml` names by `type`: storage, run config, executor, result.

Knows nothing of which classes and arguments exist: see `prefect.objects`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Optional

from kedro_prefect_hooks.compat.pydantic_models import ConfigDict, Field, model_validator
from kedro_prefect_hooks.config.fields import Model

DEPLOYED_FLOWS = "kedro_prefect_hooks.flows.deployed:load"
"""The module that `Module` storage loads by default: it rebuilds the flow from the project."""

SAME_MACHINE_RUN_CONFIGS = ("LocalRun", "UniversalRun")
"""Run configs whose flow runs see this machine's folders. An image or a pod has the project elsewhere."""


class TypedConfig(Model):
    """A Prefect class and its arguments.

    ``type`` is the name of one of Prefect's classes, or the dotted path of your own. All other keys are the
    class's arguments, checked against its signature. A type without arguments needs no mapping:
    ``executor: LocalExecutor``.
    """

    model_config = ConfigDict(extra="allow")

    kind: ClassVar[str] = ""
    default_type: ClassVar[Optional[str]] = None
    default_arguments: ClassVar[Dict[str, Dict[str, Any]]] = {}

    type: Optional[str] = Field(None, description="A Prefect class, or the dotted path of your own class.")

    @model_validator(mode="before")
    @classmethod
    def _from_type_name(cls, value: object) -> object:
        return {"type": value} if isinstance(value, str) else value

    @property
    def type_name(self) -> str | None:
        """The type, or the default type when the file names none."""
        return self.type or self.default_type

    @property
    def arguments(self) -> dict[str, Any]:
        """The class's arguments: all keys except ``type``, over the defaults of the type."""
        given = {str(name): value for name, value in (self.model_extra or {}).items()}
        return {**self.default_arguments.get(self.type_name or "", {}), **given}


class StorageConfig(TypedConfig):
    """Where Prefect finds the flow to run.

    The default type is ``Module``. ``Module`` without a module loads this plugin's own, which rebuilds the
    flow from the project's code and configuration: nothing is pickled.

    Example:
        ```yaml
        storage:
          type: S3
          bucket: flows
        ```
    """

    kind: ClassVar[str] = "storage"
    default_type: ClassVar[Optional[str]] = "Module"
    default_arguments: ClassVar[Dict[str, Dict[str, Any]]] = {"Module": {"module": DEPLOYED_FLOWS}}


class RunConfigConfig(TypedConfig):
    """Where an agent starts a flow run, and with which environment. The default type is ``LocalRun``.

    The Prefect API stores ``env`` in plain text, so keep secrets out of it.

    Example:
        ```yaml
        run_config:
          type: DockerRun
          image: registry.example.com/flights:1.2
          env: {OMP_NUM_THREADS: "2"}
          labels: [docker]
        ```
    """

    kind: ClassVar[str] = "run_config"
    default_type: ClassVar[Optional[str]] = "LocalRun"


class ExecutorConfig(TypedConfig):
    """What runs the tasks of a flow run. The default type is ``LocalExecutor``: one task after another.

    Example:
        ```yaml
        executor:
          type: LocalDaskExecutor
          scheduler: threads
          num_workers: 4
        ```
    """

    kind: ClassVar[str] = "executor"
    default_type: ClassVar[Optional[str]] = "LocalExecutor"


class ResultConfig(TypedConfig):
    """Where in-memory outputs are stored, so that a failed flow run can be restarted from where it failed.

    Without it nothing is stored: a restart recomputes what it needs.

    Example:
        ```yaml
        result:
          type: LocalResult
          dir: data/prefect-results
        ```
    """

    kind: ClassVar[str] = "result"
