"""A Kedro session and its context: opening one, its id, its hooks, and what the pipeline hooks are given."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, NamedTuple, Optional

from kedro_prefect_hooks.compat import kedro_017
from kedro_prefect_hooks.compat.kedro_version import KEDRO_VERSION, version

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.framework.session import KedroSession
    from pluggy import PluginManager


def open_session(
    project_path: Path,
    package: str | None,
    env: str | None,
    conf_source: str | None,
    runtime_params: Mapping[str, Any] | None,
) -> KedroSession:
    """A new session; it leaves no file behind. The project must be bootstrapped."""
    from kedro.framework.session import KedroSession

    accepted = inspect.signature(KedroSession.create).parameters
    arguments: dict[str, Any] = {"project_path": project_path, "env": env, "save_on_close": False}
    if runtime_params:
        arguments["runtime_params" if "runtime_params" in accepted else "extra_params"] = dict(runtime_params)
    if conf_source is not None and "conf_source" in accepted:
        arguments["conf_source"] = conf_source
    if package is not None and "package_name" in accepted:
        arguments["package_name"] = package
    return KedroSession.create(**arguments)


def accepts_conf_source() -> bool:
    """Whether this version of Kedro can be given a configuration source, as 0.18.3 and later can."""
    from kedro.framework.session import KedroSession

    return "conf_source" in inspect.signature(KedroSession.create).parameters


def begin_session(session: KedroSession, session_id: str) -> None:
    """Give a session the id of its flow run, in place of the current time that Kedro uses.

    In Kedro 0.17 it becomes the current one too, as in `kedro run`.
    """
    session.session_id = session_id
    session._store["session_id"] = session_id
    if kedro_017.is_installed():
        kedro_017.make_current(session)


def end_session() -> None:
    """The flow run that a session was begun for is over in this process."""
    if kedro_017.is_installed():
        kedro_017.make_current(None)


def hook_manager(session: KedroSession) -> PluginManager:
    """The session's hooks."""
    return kedro_017.hook_manager() if kedro_017.is_installed() else session._hook_manager


def context_without_hook(run_params: Mapping[str, Any]) -> KedroContext | None:
    """The context of the run that `before_pipeline_run` announces, if `after_context_created` was not called.

    This is the case in Kedro 0.17 only.
    """
    return kedro_017.context_of_run(run_params) if kedro_017.is_installed() else None


def config_loader(session: KedroSession) -> Any:
    """The config loader of a session, without a context where making one would fire a hook."""
    if kedro_017.is_installed():
        return session.load_context().config_loader
    return session._get_config_loader()


def validate_only(context: KedroContext, pipelines: list[str]) -> None:
    """Let Kedro validate typed parameters for these pipelines alone, as `kedro run` does (since 1.7)."""
    if hasattr(type(context), "_pipelines_to_validate") or hasattr(context, "_pipelines_to_validate"):
        either: Any = context
        either._pipelines_to_validate = None if "__default__" in pipelines else list(pipelines)


def environment(context: KedroContext) -> str | None:
    """The environment of a context, also if it is the default one."""
    default = getattr(context.config_loader, "default_run_env", "local")
    return context.env or default or None


def runtime_params(context: KedroContext) -> dict[str, Any]:
    """The parameters given to this run, `kedro run --params …`."""
    for name in ("_runtime_params", "_extra_params"):
        if hasattr(context, name):
            return dict(getattr(context, name) or {})
    return {}


class RunParams(NamedTuple):
    """What the `run_params` of the pipeline hooks contain, under the same names for every Kedro."""

    session_id: str
    project_path: Path
    env: str | None
    runner: str
    pipeline: str
    runtime_params: Dict[str, Any]
    filters: Dict[str, Any]
    load_versions: Optional[Dict[str, str]] = None


def run_params(run: RunParams) -> dict[str, Any]:
    """The `run_params` dictionary of the pipeline hooks, with the keys of the installed Kedro."""
    installed = version()
    params: dict[str, Any] = {
        "session_id" if (0, 18) <= installed < (1, 2) else "run_id": run.session_id,
        "project_path": run.project_path.as_posix(),
        "env": run.env,
        "kedro_version": KEDRO_VERSION,
        "load_versions": run.load_versions,
        "runtime_params" if installed >= (1, 0) else "extra_params": run.runtime_params,
    }
    for name in ("tags", "from_nodes", "to_nodes", "node_names", "from_inputs", "to_outputs"):
        params[name] = run.filters.get(name)
    if installed >= (1, 2):
        params["pipeline_names"] = run.pipeline.split(",")
    else:
        params["pipeline_name"] = run.pipeline
    if installed >= (0, 18):
        params["runner"] = run.runner
    namespaces = run.filters.get("namespaces")
    if installed >= (1, 0):
        params["namespaces"] = namespaces
        params["only_missing_outputs"] = False
    elif installed >= (0, 18):
        params["namespace"] = namespaces[0] if namespaces else None
    return params


def given_run(params: Mapping[str, Any]) -> RunParams:
    """What `kedro run` was given, from the `run_params` of any Kedro."""
    names = params.get("pipeline_names") or [params.get("pipeline_name")]
    return RunParams(
        session_id=str(params.get("run_id") or params.get("session_id")),
        project_path=Path(str(params["project_path"])),
        env=params.get("env"),
        runner=str(params.get("runner")),
        pipeline=",".join(name or "__default__" for name in names),
        runtime_params=dict(params.get("runtime_params") or params.get("extra_params") or {}),
        filters={},
        load_versions=dict(params.get("load_versions") or {}) or None,
    )
