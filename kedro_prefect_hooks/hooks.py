"""The hook that registers a project's flows on `kedro run --env deploy`, and its guards; nothing else.

`after_context_created` fires at every `load_context`: also for `kedro catalog list`, `%reload_kedro`, and
inside the flow runs themselves. So the guards come first, the cheapest at the top, and a run that does not
register imports neither prefect nor pydantic.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro.framework.hooks import hook_impl

from kedro_prefect_hooks import command_lines, env_vars, terminal
from kedro_prefect_hooks.compat import kedro_project, kedro_session
from kedro_prefect_hooks.errors import ConfigError, KedroPrefectError

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

    from kedro_prefect_hooks.runs.travel import CatalogState

logger = logging.getLogger(__name__)


class PrefectHooks:
    """Kedro hooks that keep a project's flows registered with Prefect.

    Add them in the project's `settings.py`::

        from kedro_prefect_hooks import PrefectHooks

        HOOKS = (PrefectHooks(),)
    """

    def __init__(self) -> None:
        self.context: KedroContext | None = None
        self.registered: KedroContext | None = None
        self.run_params: dict[str, Any] | None = None
        self.catalog_before: CatalogState | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> PrefectHooks:
        """A hook that has not seen a run yet.

        With some versions of dynaconf Kedro copies all of its settings, hooks included, to open a session; a
        context, which holds a whole run, cannot be copied.
        """
        return PrefectHooks()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Register the flows of `prefect.yml` if this is a run in one of its environments.

        Raises:
            KedroPrefectError: the configuration is not right, or (unless `register.on_error` is `warn`) the
                registration failed.
        """
        self.context = context
        if _is_run():
            self._register_once(context)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any], catalog: Any) -> None:
        """Note what `kedro run` was given, for a `PrefectRunner` whose tasks run in other processes.

        Called first, so that what other hooks do to the catalog can be detected. This is also where commands
        of the project's own register, which may create a context without a run, and all commands where Kedro
        has no `after_context_created`.
        """
        self.run_params = run_params
        if "PrefectRunner" in str(run_params.get("runner", "PrefectRunner")):  # Kedro 0.17 does not say
            from kedro_prefect_hooks.runs.travel import CatalogState

            self.catalog_before = CatalogState(catalog)
        self.context = kedro_session.context_without_hook(run_params) or self.context
        if self.context is not None:
            self._register_once(self.context)

    def _register_once(self, context: KedroContext) -> None:
        if self.registered is context or _switched_off() or _in_flow_run() or _is_command_of_ours():
            return
        self.registered = context
        if not _listed(context):
            _warn_of_missing_folders(context)
            return
        _name_packaged_project(context)
        if _is_interactive() or multiprocessing.parent_process() is not None:
            where = "an interactive session" if _is_interactive() else "a child process"
            terminal.echo_quietly(
                f"The flows of prefect.yml were not registered: this is {where}. To register them: "
                + command_lines.typed(f"kedro prefect register --env {kedro_session.environment(context)}")
            )
        else:
            _register(context)


def _switched_off() -> bool:
    return os.environ.get(env_vars.DISABLE, "").strip().lower() not in ("", "0", "false", "no")


def _in_flow_run() -> bool:
    """Whether this is a flow run, a task, or a thread or process that one has started."""
    # Prefect's agents set the other one
    if os.environ.get(env_vars.IN_FLOW_RUN) or os.environ.get("PREFECT__CONTEXT__FLOW_RUN_ID"):
        return True
    prefect = sys.modules.get("prefect")  # not imported: then no Prefect context can be open here
    context = getattr(prefect, "context", None)
    return bool(context is not None and (context.get("flow_run_id") or context.get("task_run_id")))


def _is_run() -> bool:
    """Whether the command is `kedro run` (or a packaged project's own), or code that started a session.

    A child of multiprocessing has no command of its own. Its parent has one, or is a notebook: `kedro viz run
    --include-hooks` loads the project in such a child to draw it. Whether any other command is a run is known
    only in `before_pipeline_run`.
    """
    command = click.get_current_context(silent=True)
    if command is None:
        return multiprocessing.parent_process() is None and not _is_interactive()
    outer = command.parent
    return command.command.name == "run" and (outer is None or outer.parent is None)


def _is_command_of_ours() -> bool:
    """Whether this is `kedro prefect …`, which registers on its own or not at all."""
    command = click.get_current_context(silent=True)
    while command is not None:
        if type(command.command).__module__.split(".")[0] == __package__:
            return True
        command = command.parent
    return False


def _is_interactive() -> bool:
    """Whether this is IPython, where `%reload_kedro` creates a context too, without a run."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _listed(context: KedroContext) -> bool:
    """Whether `prefect.yml` lists this run's environment, `register.environments`."""
    from kedro_prefect_hooks.config import listed_environments

    return kedro_session.environment(context) in listed_environments(context.config_loader)


def _warn_of_missing_folders(context: KedroContext) -> None:
    """Say why a run in an environment of its own does not register, if a misspelling may be the reason."""
    from kedro_prefect_hooks.config.environments import missing_environments

    if not context.env:
        return  # a plain `kedro run`: nobody expects it to register
    for text in missing_environments(context.config_loader):
        logger.warning("The flows were not registered in the environment %s. %s", context.env, text)


def _name_packaged_project(context: KedroContext) -> None:
    """Let messages name the package where this is a packaged project's own command."""
    package = kedro_project.package_name()
    if package and not (Path(str(context.project_path)) / "pyproject.toml").is_file():
        from kedro_prefect_hooks.compat import kedro_config

        source = kedro_config.chosen_source(context)
        command_lines.name_packaged_project(package, kedro_session.environment(context), source)


def _register(context: KedroContext) -> None:
    from kedro_prefect_hooks.flows.project_flows import ProjectFlows
    from kedro_prefect_hooks.registration import register_project

    flows = ProjectFlows(context)
    try:
        register_project(flows, echo=terminal.echo_quietly)
    except Exception as error:
        if isinstance(error, ConfigError) or flows.config.registration.on_error == "raise":
            raise
        text = str(error) if isinstance(error, KedroPrefectError) else f"{type(error).__name__}: {error}"
        logger.warning("The flows were not registered, and the run continues: %s", text)
