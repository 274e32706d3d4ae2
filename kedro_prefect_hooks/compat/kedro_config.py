"""A project's configuration: where it is, and what its config loader has under a name."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from kedro_prefect_hooks.compat import kedro_017
from kedro_prefect_hooks.compat.kedro_params import nested

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext


def configuration(context: KedroContext, what: str) -> dict[str, Any]:
    """The merged configuration `what` ("parameters", "catalog"), unvalidated; empty where there is none.

    Without the parameters of one run, `kedro run --params`: it describes the project. An interpolation
    `${runtime_params:x}` that has no default gets a placeholder.
    """
    with _resolvers_kept(context):
        loader = _without_runtime_params(context)
        try:
            return _configuration(loader, what)
        except Exception:  # OmegaConf's own errors; loaders of the user's own raise others
            placeholders = _placeholders(loader)
            if not placeholders:
                raise
            found = _configuration(_loader(context, nested(placeholders)), what)
            return found if what != "parameters" else _without(found, placeholders)


def missing_runtime_params(context: KedroContext) -> dict[str, str]:
    """Each `${runtime_params:x}` without a default that this run was not given, and a placeholder."""
    given: Any = getattr(context.config_loader, "runtime_params", None)
    if given is None:
        return {}
    return {
        name: mark for name, mark in _placeholders(context.config_loader).items() if not _has(given, name)
    }


def catalog_with_placeholders(context: KedroContext, placeholders: dict[str, str]) -> dict[str, Any]:
    """The catalog's configuration for this run, with placeholders for missing runtime parameters."""
    given = dict(getattr(context.config_loader, "runtime_params", None) or {})
    with _resolvers_kept(context):
        return _configuration(_loader(context, _over(nested(placeholders), given)), "catalog")


def _placeholders(loader: Any) -> dict[str, str]:
    used = runtime_params_used(loader)
    return {name: f"<runtime parameter {name}>" for name, default in used.items() if default is None}


def _has(values: Any, name: str) -> bool:
    for part in name.split("."):
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _configuration(loader: Any, what: str) -> dict[str, Any]:
    from kedro.config import MissingConfigException

    patterns = [f"{what}*", f"{what}*/**", f"**/{what}*"]
    try:
        return dict(read_configuration(loader, what, patterns))
    except MissingConfigException:
        return {}


def _without_runtime_params(context: KedroContext) -> Any:
    loader = context.config_loader
    return _loader(context, None) if getattr(loader, "runtime_params", None) else loader


@contextlib.contextmanager
def _resolvers_kept(context: KedroContext) -> Iterator[None]:
    """Make other config loaders, and leave OmegaConf with the resolvers of the context's own.

    `globals` and `runtime_params` are resolvers of the whole process, and each new OmegaConfigLoader replaces
    them: without this, the run's own configuration would be read with the values of another loader.
    """
    try:
        yield
    finally:
        for name in ("_register_globals_resolver", "_register_runtime_params_resolver"):
            register = getattr(context.config_loader, name, None)
            if register is not None:
                register()


def _loader(context: KedroContext, runtime_params: dict[str, Any] | None) -> Any:
    """Another config loader of the same project."""
    from kedro.framework.project import settings

    loader: Any = context.config_loader
    arguments = dict(settings.CONFIG_LOADER_ARGS)
    return type(loader)(
        conf_source=loader.conf_source, env=loader.env, runtime_params=runtime_params, **arguments
    )


_RUNTIME_PARAM = re.compile(r"\$\{runtime_params:\s*([\w.-]+)\s*(?:,\s*([^}]*))?\}")


def runtime_params_used(loader: Any) -> dict[str, str | None]:
    """The names in `${runtime_params:…}` of the configuration files, with their defaults as written."""
    found: dict[str, str | None] = {}
    if not _is_omega(loader):
        return found  # other loaders resolve nothing of the kind
    for folder in configuration_folders(loader):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.suffix in (".yml", ".yaml", ".json") and path.is_file():
                text = path.read_text(encoding="utf-8", errors="replace")
                for name, default in _RUNTIME_PARAM.findall(text):
                    found[name] = default.strip() or found.get(name)
    return found


def _without(parameters: dict[str, Any], placeholders: dict[str, Any]) -> dict[str, Any]:
    """Parameters without those that are there only because a placeholder was given."""
    return {
        name: value
        for name, value in parameters.items()
        if not (name in placeholders and value == placeholders[name])
    }


def read_configuration(config_loader: Any, name: str, patterns: list[str]) -> Any:
    """What the project's config loader has under a name, for files of these patterns.

    Kedro 0.18.1 and 0.18.2 have no `config_patterns`, and their loaders are not mappings.
    """
    known = getattr(config_loader, "config_patterns", None)
    if known is None and isinstance(config_loader, Mapping):
        from kedro.config import MissingConfigException

        try:  # a loader of the user's own, which has what it has by name
            return config_loader[name]
        except KeyError:
            raise MissingConfigException(f"the config loader has no {name!r}") from None
    if known is None:
        return config_loader.get(*patterns)
    known.setdefault(name, patterns)
    return config_loader[name]


def reads_files_only(config_loader: Any, name: str, patterns: list[str]) -> bool:
    """Whether what the loader has under a name is in the files of these patterns, as they are written.

    Of Kedro's loaders, OmegaConfigLoader changes nothing but interpolations. A class of the user's own may do
    anything, and a value may have been set on the loader.
    """
    if type(config_loader).__name__ != "OmegaConfigLoader" or not _is_of_kedro(type(config_loader)):
        return False
    set_by_hand = name in config_loader.data  # a `UserDict`: what is read from files is not kept there
    return not set_by_hand and config_loader.config_patterns.get(name, patterns) == patterns


def is_kedros(config_loader: Any) -> bool:
    """Whether the loader reads files as Kedro's do: it is one of them, or a class derived from one."""
    names = ("ConfigLoader", "TemplatedConfigLoader", "OmegaConfigLoader")
    return any(each.__name__ in names and _is_of_kedro(each) for each in type(config_loader).__mro__)


def interpolates(config_loader: Any) -> bool:
    """Whether the loader resolves `${…}`, as far as is known: Kedro's plain ConfigLoader does not."""
    kind = type(config_loader)
    return not (kind.__name__ == "ConfigLoader" and _is_of_kedro(kind))


def merges_deeply(config_loader: Any, name: str) -> bool:
    """Whether an environment's file is merged into that of the base environment key by key."""
    strategy = getattr(config_loader, "merge_strategy", None)
    return isinstance(strategy, Mapping) and strategy.get(name) == "soft"


def _is_of_kedro(kind: type) -> bool:
    return kind.__module__.split(".")[0] == "kedro"


def configuration_folders(config_loader: Any) -> list[Path]:
    """The folders that the loader reads, in its order: the base environment's, then the one's in use."""
    if kedro_017.is_installed():
        return kedro_017.configuration_folders(config_loader)
    source = Path(configuration_source(config_loader))
    base = getattr(config_loader, "base_env", None)
    if base is None:  # a loader of the user's own
        base = "base" if (source / "base").is_dir() else ""
    environment = getattr(config_loader, "env", None) or getattr(config_loader, "default_run_env", None) or ""
    return list(dict.fromkeys([source / base, source / environment]))


def configuration_source(config_loader: Any) -> str:
    """The folder that has the environments' folders; it may be in an archive or remote."""
    if kedro_017.is_installed():
        return str(kedro_017.configuration_folders(config_loader)[0].parent)
    return str(getattr(config_loader, "conf_source", "conf"))


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


def keep_siblings(context: KedroContext, given: dict[str, Any]) -> None:
    """Let nested runtime parameters leave their siblings alone.

    OmegaConfigLoader adds runtime parameters to each environment's parameters before it merges the two by
    their top-level keys. So where the environment has parameters of its own, but none in `model`,
    `{model: {size: 1}}` would replace the whole `model` of the base environment.

    Args:
        context: the run's.
        given: its runtime parameters.
    """
    loader: Any = context.config_loader
    trees = [name for name, value in given.items() if isinstance(value, dict)]
    folders = configuration_folders(loader) if trees and _is_omega(loader) else []
    if len(folders) < 2:
        return
    own = _parameters_in(folders[-1])
    lost = [name for name in trees if name not in own]
    if not lost:
        return
    from kedro.framework.project import settings

    with _resolvers_kept(context):
        of_base: Any = type(loader)(
            conf_source=loader.conf_source,
            env=loader.base_env,
            runtime_params=given,
            **{name: value for name, value in settings.CONFIG_LOADER_ARGS.items() if name != "base_env"},
            base_env=loader.base_env,
        )
        base = _configuration(of_base, "parameters")
    found = {**loader["parameters"], **{name: base[name] for name in lost if name in base}}
    loader["parameters"] = found
    either: Any = context
    if hasattr(either, "_validated_params_cache"):  # a hook may have read them already
        either._validated_params_cache = None


def _parameters_in(folder: Path) -> set[str]:
    """The top-level keys of the parameters in an environment's folder."""
    from omegaconf import OmegaConf

    found: set[str] = set()
    paths = {*folder.glob("**/parameters*"), *folder.glob("parameters*/**/*")}
    for path in paths:
        if path.is_file() and path.suffix in (".yml", ".yaml", ".json"):
            found.update(str(key) for key in OmegaConf.load(path))
    return found


def _is_omega(loader: Any) -> bool:
    return any(base.__name__ == "OmegaConfigLoader" for base in type(loader).__mro__)


def _over(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{name: _over(below.get(name), value) for name, value in above.items()}}


def secrets(context: KedroContext) -> set[str]:
    """The values of the project's credentials, as strings."""
    either: Any = context
    found: set[str] = set()
    todo = [either._get_config_credentials()]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, (list, tuple)):
            todo += value
        elif isinstance(value, str):
            found.add(value)
    return found
