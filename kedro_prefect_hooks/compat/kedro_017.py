"""What Kedro 0.17.6 and 0.17.7 have in other places than all later versions. For the rest of `compat`.

There, hooks are one object for the whole process and not a session's, a session may be the "current" one,
where hooks look for it, a new config loader is made at each access and knows only its folders, and
contexts, not pipelines, filter.
"""

from __future__ import annotations

import importlib
from functools import reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.framework.session import KedroSession
    from kedro.pipeline import Pipeline
    from pluggy import PluginManager


def is_installed() -> bool:
    """Whether Kedro 0.17 is installed: since 0.18.0, hooks belong to the session."""
    return hasattr(importlib.import_module("kedro.framework.hooks"), "get_hook_manager")


def hook_manager() -> PluginManager:
    """The hooks of this process."""
    hooks: Any = importlib.import_module("kedro.framework.hooks")
    manager: PluginManager = hooks.get_hook_manager()
    return manager


def context_of_run(run_params: Mapping[str, Any]) -> KedroContext:
    """The context of the run that `before_pipeline_run` announces, made as `KedroSession` made its own.

    Not asked of the current session: a session that code runs without `with` is not current.
    """
    from kedro.framework import project

    context: KedroContext = project.settings.CONTEXT_CLASS(
        package_name=project.PACKAGE_NAME,
        project_path=run_params["project_path"],
        env=run_params["env"],
        extra_params=run_params.get("extra_params"),
    )
    return context


def make_current(session: KedroSession | None) -> None:
    """Let `get_current_session()` find this session in hooks and nodes, as it does in `kedro run`."""
    module: Any = importlib.import_module("kedro.framework.session.session")
    if session is None:
        module._deactivate_session()
    else:
        module._activate_session(session, force=True)


def configuration_folders(config_loader: Any) -> list[Path]:
    """The folders that the loader reads, in its order."""
    return [Path(str(folder)) for folder in config_loader.conf_paths]


def filter_pipeline(pipeline: Pipeline, **filters: Iterable[str]) -> Pipeline:
    """`Pipeline.filter` of Kedro 0.18.1: each filter applied to the whole, and what is in all of them.

    Raises:
        ValueError: a name does not exist or no node is left.
    """
    methods: dict[str, Callable[..., Pipeline]] = {
        "tags": pipeline.only_nodes_with_tags,
        "from_nodes": pipeline.from_nodes,
        "to_nodes": pipeline.to_nodes,
        "node_names": pipeline.only_nodes,
        "from_inputs": pipeline.from_inputs,
        "to_outputs": pipeline.to_outputs,
    }
    parts = [methods[name](*values) for name, values in filters.items()]
    left = reduce(and_, parts, pipeline)
    if not left.nodes:
        raise ValueError("no node is left")
    return left
