"""All flows that a project's `prefect.yml` declares, built: what registering and running both start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Iterable

from kedro_prefect_hooks.compat import kedro_config, kedro_pipeline, kedro_project, kedro_session
from kedro_prefect_hooks.compat.kedro_factories import in_memory_names, partitioned_names
from kedro_prefect_hooks.config import check, load_config
from kedro_prefect_hooks.errors import ConfigError, did_you_mean
from kedro_prefect_hooks.flows.builder import build_flow
from kedro_prefect_hooks.flows.mapping import DatasetKinds
from kedro_prefect_hooks.flows.parameters import with_runtime_only
from kedro_prefect_hooks.garbage import no_collection
from kedro_prefect_hooks.runs.spec import ProjectRef, RunSpec

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

    from kedro_prefect_hooks.config.models import PrefectConfig
    from kedro_prefect_hooks.flows.flow import KedroFlow


class ProjectFlows:
    """The flows of a project, as its configuration and code say now.

    Args:
        context: the project's context.
        conf_source: configuration source of the flow runs, when it is not the context's own.
        only: the one flow that will be built; what is wrong with others does not keep it from running.

    Raises:
        ConfigError: `prefect.yml` is missing, wrong, or does not fit the project.
    """

    def __init__(
        self, context: KedroContext, conf_source: str | None = None, only: str | None = None
    ) -> None:
        self.context = context
        self.conf_source = conf_source or kedro_config.chosen_source(context)
        with no_collection():
            self.config: PrefectConfig = load_config(
                context.config_loader, project_path=Path(str(context.project_path))
            )
            self.pipelines = kedro_project.all_pipelines()
            self.parameters = with_runtime_only(
                kedro_config.configuration(context, "parameters"),
                kedro_config.runtime_params_used(context.config_loader),
            )
            self.catalog = kedro_config.configuration(context, "catalog")
            self.parts = check(self.config, pipelines=self.pipelines, parameters=self.parameters, only=only)

    @property
    def path(self) -> Path:
        """The project's folder."""
        return Path(str(self.context.project_path))

    @property
    def project_name(self) -> str:
        """The Prefect project: the configured one, or the Kedro package's name."""
        return self.config.project or kedro_project.package_name() or self.path.name

    def check_declared(self, names: Iterable[str]) -> None:
        """Raise ConfigError, with the nearest right name, for a name that `prefect.yml` does not declare."""
        declared = self.config.flows
        for name in names:
            if name not in declared:
                raise ConfigError(
                    f"There is no flow '{name}' in prefect.yml.{did_you_mean(name, declared)} "
                    f"It has: {', '.join(declared)}."
                )

    def build(self, name: str) -> KedroFlow:
        """One flow of `prefect.yml`.

        Raises:
            KeyError: no flow has that name.
            ConfigError: it cannot be built.
        """
        config = self.config.flows[name]
        pipeline = self.parts[name]
        project = ProjectRef(
            path=str(self.path),
            package=kedro_project.package_name(),
            env=kedro_session.environment(self.context),
            conf_source=self.conf_source,
        )
        spec = RunSpec(project, "", "", pipeline=config.pipeline, is_async=config.is_async)
        names = kedro_pipeline.dataset_names(pipeline)
        kinds = DatasetKinds(in_memory_names(names, self.catalog), partitioned_names(names, self.catalog))
        return build_flow(name, config, pipeline, spec, parameters=self.parameters, kinds=kinds)

    def all(self) -> list[KedroFlow]:
        """All flows, in the order of `prefect.yml`."""
        return [self.build(name) for name in self.config.flows]
