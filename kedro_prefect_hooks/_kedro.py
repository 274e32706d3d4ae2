"""Every difference between the Kedro versions that we support, 0.17.6 to 1.x, and nothing else.

The rest of the package speaks one Kedro: `bootstrap`, `open_session`, `build_catalog`, `run_node` …
Differences are told apart by what Kedro has, not by its version number, wherever that is possible. What
only 0.17 does is in `_kedro_017`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Mapping, NamedTuple

from kedro import __version__ as KEDRO_VERSION

from kedro_prefect_hooks import _kedro_017

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext
    from kedro.framework.session import KedroSession
    from kedro.pipeline import Pipeline
    from kedro.pipeline.node import Node
    from pluggy import PluginManager

__all__ = ["KEDRO_VERSION"]

# 0.18.13 renamed MemoryDataSet; 0.19 dropped the old name.
_io: Any = importlib.import_module("kedro.io")
MemoryDataset: type = getattr(_io, "MemoryDataset", None) or _io.MemoryDataSet

Catalog = Any  # DataCatalog, KedroDataCatalog (0.19.9 to 0.19.15), or a class of the user's own


def _version() -> tuple[int, ...]:
    return tuple(int(part) for part in KEDRO_VERSION.split(".")[:2])


# --- the project -----------------------------------------------------------------------------------


def bootstrap(project_path: Path, package: str | None) -> str:
    """Make the project's code and settings ready in this process; returns the package's name.

    A project folder is bootstrapped as `kedro run` does, which also puts its `src/` on `sys.path`. Where
    there is none (a cluster's worker with the packaged project installed), `package` is configured.
    """
    from kedro.framework import project
    from kedro.framework.startup import bootstrap_project

    if (project_path / "pyproject.toml").is_file():
        return str(bootstrap_project(project_path).package_name)
    if package is None:
        raise FileNotFoundError(f"there is no Kedro project at {project_path}")
    importlib.import_module(package)
    project.configure_project(package)
    return package


def package_name() -> str | None:
    """The package of the project that this process has bootstrapped, if any."""
    from kedro.framework import project

    return project.PACKAGE_NAME


def all_pipelines() -> dict[str, Pipeline]:
    """All registered pipelines.

    Kedro 1.7's `kedro run --pipeline x` lets the registry load `x` alone (`set_requested`); we need all,
    and leave the choice as we found it.
    """
    from kedro.framework.project import pipelines

    requested = getattr(pipelines, "_requested_pipelines", None)
    if requested is None:
        return dict(pipelines)
    pipelines.set_requested(None)
    try:
        return dict(pipelines)
    finally:
        pipelines.set_requested(requested)


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


def begin_session(session: KedroSession, session_id: str) -> None:
    """Give a session the id of its flow run, which Kedro would draw from the clock.

    In Kedro 0.17 it becomes the current one too, as in `kedro run`.
    """
    session.session_id = session_id
    session._store["session_id"] = session_id
    if _kedro_017.is_installed():
        _kedro_017.make_current(session)


def end_session() -> None:
    """The flow run that a session was begun for is over in this process."""
    if _kedro_017.is_installed():
        _kedro_017.make_current(None)


def hook_manager(session: KedroSession) -> PluginManager:
    """The session's hooks."""
    return _kedro_017.hook_manager() if _kedro_017.is_installed() else session._hook_manager


def untold_context(run_params: Mapping[str, Any]) -> KedroContext | None:
    """The context of the run that `before_pipeline_run` announces, if no `after_context_created` has told it.

    Which is so in Kedro 0.17 alone.
    """
    return _kedro_017.context_of_run(run_params) if _kedro_017.is_installed() else None


def build_catalog(context: KedroContext, save_version: str) -> Catalog:
    """A new catalog from the configuration, as `KedroSession.run` makes it; fires `after_catalog_created`."""
    arguments: dict[str, Any] = {"save_version": save_version, "load_versions": None}
    if "catalog_class" in inspect.signature(context._get_catalog).parameters:
        from kedro.framework.project import settings

        arguments["catalog_class"] = settings.DATA_CATALOG_CLASS
    return context._get_catalog(**arguments)


def environment(context: KedroContext) -> str | None:
    """The environment of a context, also where it is the default one that nobody has named."""
    default = getattr(context.config_loader, "default_run_env", "local")
    return context.env or default or None


def config_loader(session: KedroSession) -> Any:
    """The config loader of a session, without a context where making one would fire a hook."""
    if _kedro_017.is_installed():
        return session.load_context().config_loader
    return session._get_config_loader()


def runtime_params(context: KedroContext) -> dict[str, Any]:
    """The parameters given to this run, `kedro run --params …`."""
    for name in ("_runtime_params", "_extra_params"):
        if hasattr(context, name):
            return dict(getattr(context, name) or {})
    return {}


def configuration(context: KedroContext, what: str) -> dict[str, Any]:
    """The merged configuration `what` ("parameters", "catalog"), unvalidated; empty where there is none."""
    from kedro.config import MissingConfigException

    patterns = [f"{what}*", f"{what}*/**", f"**/{what}*"]
    try:
        return dict(read_configuration(context.config_loader, what, patterns))
    except MissingConfigException:
        return {}


def read_configuration(config_loader: Any, name: str, patterns: list[str]) -> Any:
    """What the project's config loader has under a name, for files of these patterns.

    Kedro 0.18.1 and 0.18.2 have no `config_patterns`, and their loaders are no mappings.
    """
    known = getattr(config_loader, "config_patterns", None)
    if known is None:
        return config_loader.get(*patterns)
    known.setdefault(name, patterns)
    return config_loader[name]


def configuration_folders(config_loader: Any) -> list[Path]:
    """The folders that the loader reads, in its order: the base environment's, then the one's in use."""
    if _kedro_017.is_installed():
        return _kedro_017.configuration_folders(config_loader)
    source = Path(configuration_source(config_loader))
    base = getattr(config_loader, "base_env", None) or ""
    environment = config_loader.env or getattr(config_loader, "default_run_env", None) or ""
    return list(dict.fromkeys([source / base, source / environment]))


def configuration_source(config_loader: Any) -> str:
    """The folder that has the environments' folders; it may be in an archive or remote."""
    if _kedro_017.is_installed():
        return str(_kedro_017.configuration_folders(config_loader)[0].parent)
    return str(config_loader.conf_source)


def project_source(project_path: Path) -> Path:
    """A project's configuration folder, as its settings say; the setting was CONF_ROOT in Kedro 0.17."""
    from kedro.framework.project import settings

    return project_path / str(getattr(settings, "CONF_SOURCE", None) or settings.CONF_ROOT)


# --- the pipeline ----------------------------------------------------------------------------------


def dataset_names(pipeline: Pipeline) -> set[str]:
    """All datasets that the pipeline's nodes name."""
    either: Any = pipeline
    return set((either.datasets if hasattr(either, "datasets") else either.data_sets)())


def in_memory_names(names: Iterable[str], catalog_configuration: Mapping[str, Any]) -> set[str]:
    """Those of `names` that the configuration does not persist: not declared, or declared as memory.

    Parameters are neither: they come from the configuration in each process.
    """
    patterns = [name for name in catalog_configuration if "{" in name]

    def entry(name: str) -> Any:
        if name in catalog_configuration or not patterns:
            return catalog_configuration.get(name)
        from parse import parse  # type: ignore[import-untyped]  # comes with the Kedro versions that have dataset factories

        return next((catalog_configuration[p] for p in patterns if parse(p, name)), None)

    def persisted(name: str) -> bool:
        found = entry(name)
        return isinstance(found, Mapping) and not str(found.get("type", "")).lower().endswith("memorydataset")

    return {name for name in names if not is_parameter(name) and not persisted(name)}


def is_parameter(name: str) -> bool:
    """Whether a dataset's name means parameters."""
    return name == "parameters" or name.startswith("params:")


def filter_pipeline(pipeline: Pipeline, filters: Mapping[str, Iterable[str]]) -> Pipeline:
    """The part of a pipeline that `kedro run` would run with these filters.

    Args:
        pipeline: the whole.
        filters: `tags`, `from_nodes`, `to_nodes`, `node_names`, `from_inputs`, `to_outputs` and
            `namespaces`; empty ones filter nothing.

    Raises:
        ValueError: Kedro's own, when a name does not exist or no node is left.
    """
    given = {name: list(values) for name, values in filters.items() if values}
    if not given and pipeline.nodes:
        return pipeline
    namespaces = given.pop("namespaces", [])
    of_pipeline: Callable[..., Pipeline] | None = getattr(pipeline, "filter", None)
    apply = of_pipeline or partial(_kedro_017.filter_pipeline, pipeline)
    if not namespaces:
        return apply(**given)
    if "node_namespaces" in inspect.signature(apply).parameters:  # Kedro 1.0
        return apply(**given, node_namespaces=namespaces)
    # Before, one namespace at a time; filters intersect.
    old_pipeline: Any = pipeline  # has a method that Kedro 1.0 dropped
    parts = [old_pipeline.only_nodes_with_namespace(namespace) for namespace in namespaces]
    left: Pipeline = apply(**given) & sum(parts[1:], parts[0])
    if not left.nodes:
        raise ValueError("no node is left")
    return left


# --- the catalog -----------------------------------------------------------------------------------


def dataset(catalog: Catalog, name: str) -> Any:
    """The dataset of that name; one that the catalog does not know becomes a memory dataset of its own."""
    if name not in (catalog if hasattr(catalog, "__contains__") else catalog.list()):
        if hasattr(catalog, "__setitem__"):
            catalog[name] = MemoryDataset()
        else:
            catalog.add(name, MemoryDataset())
    getter = getattr(catalog, "_get_dataset", None) or catalog.get
    return getter(name)


def knows(catalog: Catalog, name: str) -> bool:
    """Whether the catalog has `name`, by itself or through a dataset factory."""
    return name in (catalog if hasattr(catalog, "__contains__") else catalog.list())


def is_memory(dataset: Any) -> bool:
    """Whether the dataset lives in this process's memory alone."""
    return isinstance(dataset, MemoryDataset)


def memory_value(dataset: Any) -> Any:
    """The very object that a memory dataset holds, not a copy of it.

    Raises:
        LookupError: the dataset is empty. Kedro's "empty" marker loses its identity when it is pickled,
            so it must never leave here as if it were a value.
    """
    if not dataset._exists():
        raise LookupError("empty")
    return dataset._data


def fill(dataset: Any, value: Any) -> None:
    """Put a value into a memory dataset as it is: the copies its mode asks for are made when it is loaded."""
    dataset._data = value


def empty(dataset: Any) -> None:
    """Let go of a memory dataset's value."""
    dataset.release()


def pin_version(dataset: Any) -> None:
    """Make a versioned dataset load what this flow run saves.

    Kedro loads the newest version there is, which is another run's when two run side by side.
    """
    inner = getattr(dataset, "_dataset", dataset)  # CachedDataset wraps the one that is versioned
    version = getattr(inner, "_version", None)
    if version is not None and version.save is not None and version.load is None:
        inner._version = type(version)(version.save, version.save)


def is_versioned(dataset: Any) -> bool:
    """Whether saving makes a new version, which can be done once only for one session id."""
    version = getattr(getattr(dataset, "_dataset", dataset), "_version", None)
    return version is not None and version.save is not None


def unsatisfied_inputs(pipeline: Pipeline, catalog: Catalog) -> set[str]:
    """Free inputs of the pipeline that the catalog does not know."""
    return {name for name in pipeline.inputs() if not knows(catalog, name)}


def run_result(pipeline: Pipeline, catalog: Catalog) -> dict[str, Any]:
    """What Kedro's runners return: since 1.0 all outputs' datasets, before the in-memory ones' values."""
    outputs = {name: dataset(catalog, name) for name in sorted(pipeline.outputs())}
    if _version() >= (1, 0):
        return outputs
    return {name: found.load() for name, found in outputs.items() if is_memory(found)}


# --- running ---------------------------------------------------------------------------------------


def run_node(node: Node, catalog: Catalog, hooks: PluginManager, is_async: bool, run_id: str | None) -> None:
    """Run one node with its hooks, loads, saves and confirmations, by Kedro's own code."""
    task = _task_class()
    if task is None:
        runner: Any = importlib.import_module("kedro.runner")
        if _kedro_017.is_installed():
            runner.run_node(node, catalog, is_async, run_id)  # whose hooks are the process's
        else:
            runner.run_node(node, catalog, hooks, is_async, run_id)
        return
    id_name = "run_id" if _version() >= (1, 0) else "session_id"
    task(node=node, catalog=catalog, is_async=is_async, hook_manager=hooks, **{id_name: run_id}).execute()


@lru_cache(maxsize=None)
def _task_class() -> Any:
    """Kedro's `Task`, which took the place of `run_node` in 0.19.10; None before."""
    if importlib.util.find_spec("kedro.runner.task") is None:
        return None
    return importlib.import_module("kedro.runner.task").Task


class RunParams(NamedTuple):
    """What `run_params` of the pipeline hooks says, in our words."""

    session_id: str
    project_path: Path
    env: str | None
    runner: str
    pipeline: str
    runtime_params: Dict[str, Any]
    filters: Dict[str, Any]


def run_params(run: RunParams) -> dict[str, Any]:
    """The `run_params` dictionary of the pipeline hooks, with the keys of the installed Kedro."""
    version = _version()
    params: dict[str, Any] = {
        "session_id" if (0, 18) <= version < (1, 2) else "run_id": run.session_id,
        "project_path": run.project_path.as_posix(),
        "env": run.env,
        "kedro_version": KEDRO_VERSION,
        "load_versions": None,
        "runtime_params" if version >= (1, 0) else "extra_params": run.runtime_params,
    }
    for name in ("tags", "from_nodes", "to_nodes", "node_names", "from_inputs", "to_outputs"):
        params[name] = run.filters.get(name)
    if version >= (1, 2):
        params["pipeline_names"] = [run.pipeline]
    else:
        params["pipeline_name"] = run.pipeline
    if version >= (0, 18):
        params["runner"] = run.runner
    namespaces = run.filters.get("namespaces")
    if version >= (1, 0):
        params["namespaces"] = namespaces
        params["only_missing_outputs"] = False
    elif version >= (0, 18):
        params["namespace"] = namespaces[0] if namespaces else None
    return params


def given_run(params: Mapping[str, Any]) -> RunParams:
    """`run_params` of any Kedro read back: what `kedro run` was given."""
    names = params.get("pipeline_names") or [params.get("pipeline_name")]
    return RunParams(
        session_id=str(params.get("run_id") or params.get("session_id")),
        project_path=Path(str(params["project_path"])),
        env=params.get("env"),
        runner=str(params.get("runner")),
        pipeline=",".join(name or "__default__" for name in names),
        runtime_params=dict(params.get("runtime_params") or params.get("extra_params") or {}),
        filters={},
    )


def hooks_and_id(*given: Any) -> tuple[PluginManager, str | None]:
    """What Kedro gives a runner's `_run` after pipeline and catalog: the hooks and the run's id.

    Always by position: the id's name has changed twice. Kedro 0.17 gives the id alone.
    """
    hooks, run_id = (_kedro_017.hook_manager(), *given) if _kedro_017.is_installed() else given
    return hooks, run_id


def runner_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `AbstractRunner` is built with: in 0.19 also the pattern for datasets not in the catalog."""
    from kedro.runner import AbstractRunner

    accepted = inspect.signature(AbstractRunner.__init__).parameters
    arguments = dict(given)
    if "extra_dataset_patterns" in accepted:
        arguments.setdefault("extra_dataset_patterns", {"{default}": {"type": "MemoryDataset"}})
    return arguments


def chosen_source(context: KedroContext) -> str | None:
    """The configuration source of a context when it is not the one of the project's settings.

    `kedro run --conf-source`, since Kedro 0.18.3. Absolute, since other processes work in other folders.
    """
    from kedro.framework.project import settings

    source = getattr(context.config_loader, "conf_source", None)
    if source is None:
        return None
    own = Path(str(context.project_path)) / settings.CONF_SOURCE
    given = str(source)
    if "://" in given:
        return given
    return None if Path(given).resolve() == own.resolve() else str(Path(given).absolute())
