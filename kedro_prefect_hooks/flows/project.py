"""All flows that a project's `prefect.yml` declares, built: what registering and running both start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kedro_prefect_hooks import _kedro
from kedro_prefect_hooks.config import check, load_config
from kedro_prefect_hooks.flows.builder import build_flow
from kedro_prefect_hooks.flows.parameters import configured_values
from kedro_prefect_hooks.session import ProjectRef

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
        self.conf_source = conf_source or _kedro.chosen_source(context)
        self.config: PrefectConfig = load_config(
            context.config_loader, project_path=Path(str(context.project_path))
        )
        self.pipelines = _kedro.all_pipelines()
        self.parameters = _kedro.configuration(context, "parameters")
        self._catalog = _kedro.configuration(context, "catalog")
        self._parts = check(self.config, pipelines=self.pipelines, parameters=self.parameters, only=only)

    @property
    def path(self) -> Path:
        """The project's folder."""
        return Path(str(self.context.project_path))

    @property
    def project_name(self) -> str:
        """The Prefect project: the configured one, or the Kedro package's name."""
        return self.config.project or _kedro.package_name() or self.path.name

    def build(self, name: str) -> KedroFlow:
        """One flow of `prefect.yml`.

        Raises:
            KeyError: no flow has that name.
            ConfigError: it cannot be built.
        """
        config = self.config.flows[name]
        pipeline = self._parts[name]
        ref = ProjectRef(
            path=str(self.path),
            package=_kedro.package_name(),
            env=_kedro.environment(self.context),
            conf_source=self.conf_source,
            pipeline=config.pipeline,
            parameters=configured_values(config.parameters, self.parameters),
            trees={
                top: self.parameters[top]
                for top in (name.split(".")[0] for name in config.parameters if "." in name)
            },
        )
        in_memory = _kedro.in_memory_names(_kedro.dataset_names(pipeline), self._catalog)
        return build_flow(name, config, pipeline, ref, parameters=self.parameters, in_memory=in_memory)

    def all(self) -> list[KedroFlow]:
        """All flows, in the order of `prefect.yml`."""
        return [self.build(name) for name in self.config.flows]
