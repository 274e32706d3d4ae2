"""Reads `prefect.yml` through the project's own config loader, before any model.

The hook calls this on every plain `kedro run`, so it imports neither Prefect nor pydantic. Apart from
`register.environments`, it knows nothing of what `prefect.yml` may contain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.compat import kedro_config
from kedro_prefect_hooks.config import yaml_file
from kedro_prefect_hooks.config.interpolation import interpolation_problem, uninterpolated
from kedro_prefect_hooks.config.messages import (
    InvalidConfigError,
    Place,
    Problem,
    format_names,
    format_value,
    redacted,
)
from kedro_prefect_hooks.errors import ConfigError, did_you_mean

DEFAULT_ENVIRONMENTS = ("deploy",)

PATTERNS = ["prefect*", "prefect*/**", "**/prefect*"]
_SUFFIXES = (".yml", ".yaml", ".json")

ONE_FLOW = "flows."
"""A top-level key such as ``flows.train`` is one flow. Loaders refuse the key `flows` in two files."""


class NoPrefectYmlError(ConfigError):
    """The project has no `prefect.yml`: an error for a command, nothing to do for the hook."""


# --- reading prefect.yml ---------------------------------------------------------------------------


def read_prefect_yml(config_loader: Any) -> dict[str, Any]:
    """Return the content of `prefect.yml`, its environments merged by the config loader, unchecked.

    Raises:
        NoPrefectYmlError: neither the base environment nor the current one has a `prefect.yml`.
        ConfigError: it cannot be read, or the environment's folder is missing (Kedro raises the same error
            for a missing file and a missing folder).
    """
    from kedro.config import MissingConfigException

    # Before the loader, which would expand aliases for ever. A loader of the user's own may read other files.
    nodes = composed_files(config_loader) if kedro_config.is_kedros(config_loader) else {}
    try:
        raw = kedro_config.read_configuration(config_loader, "prefect", PATTERNS)
    except MissingConfigException:
        _check_folders(config_loader)
        folders = dict.fromkeys(
            display_path(config_loader, folder)
            for folder in kedro_config.configuration_folders(config_loader)
        )
        raise NoPrefectYmlError(
            f"There is no prefect.yml in {' or '.join(folders)}: create one with "
            f"`{typed('kedro prefect init')}`."
        ) from None
    except ConfigError:
        raise
    except Exception as error:  # loaders raise YAML's, OmegaConf's, anyconfig's and their own
        _check_folders(config_loader)
        raise _explained(error, config_loader) from error
    if not isinstance(raw, Mapping):
        raise ConfigError(
            f"{' and '.join(nodes) or 'prefect.yml'}: found {format_value(raw)}, expected a mapping with "
            "`flows:`"
        )
    problems = [problem for name, node in nodes.items() for problem in _hidden_problems(name, node)]
    if nodes and not kedro_config.interpolates(config_loader):
        place = Place((), files_by_key(config_loader))
        problems += uninterpolated(raw, place, type(config_loader).__name__)
    if problems:
        raise InvalidConfigError(problems)
    return dict(raw)


def _hidden_problems(name: str, node: Any) -> list[Problem]:
    return [] if node is None else list(yaml_file.hidden_problems(node, Place((), {"": name})))


def _explained(error: Exception, config_loader: Any) -> ConfigError:
    """The error of a config loader, with the file and the place; loaders do not always name them."""
    nodes = composed_files(config_loader)
    problems: list[Problem] = []
    for name, node in nodes.items():
        if node is not None:
            problems += yaml_file.unreadable_problems(node, Place((), {"": name}))
            problems += yaml_file.hidden_problems(node, Place((), {"": name}))
    if problems:
        return InvalidConfigError(problems)
    for folder in kedro_config.configuration_folders(config_loader):
        inside = {
            display_path(config_loader, path): nodes.get(display_path(config_loader, path))
            for path in paths_in(folder)
        }
        for message in yaml_file.keys_in_two_files(inside):
            return ConfigError(message)
    for path in prefect_yml_paths(config_loader):
        try:
            yaml_file.composed(path, display_path(config_loader, path), slowly=True)
        except ConfigError as unreadable:
            return unreadable
    problem = interpolation_problem(error, config_loader, nodes)
    if problem is not None:
        return InvalidConfigError([problem])
    text = str(error).strip() or type(error).__name__
    key = getattr(error, "full_key", None)
    where = f", {key}" if key else ""
    return ConfigError(f"{' and '.join(nodes) or 'prefect.yml'}{where}: {redacted(text.splitlines()[0])}")


def _check_folders(config_loader: Any) -> None:
    source = Path(kedro_config.configuration_source(config_loader))
    if not source.is_dir() or not kedro_config.is_kedros(config_loader):
        return  # an archive, a remote folder, or a loader of the user's own: Kedro's message must do
    for folder in kedro_config.configuration_folders(config_loader):
        if not folder.is_dir():
            environments = existing_environments(config_loader)
            raise ConfigError(
                f"The configuration folder {display_path(config_loader, folder)} does not exist."
                f"{did_you_mean(folder.name, environments)} "
                f"Existing environments: {format_names(environments)}. "
                "Create the folder, or name another environment with `--env`."
            )


def existing_environments(config_loader: Any) -> list[str]:
    """The names of the environments' folders; empty for configuration in an archive or a remote folder."""
    source = Path(kedro_config.configuration_source(config_loader))
    if not source.is_dir():
        return []
    return sorted(each.name for each in source.iterdir() if each.is_dir() and each.name[0] not in "._")


def listed_environments(config_loader: Any) -> tuple[str, ...]:
    """Return the environments for which `kedro run` registers.

    A missing or broken file gives the default ones, so that a plain `kedro run` is not disturbed and
    `kedro run --env deploy`, which goes on to `load_config`, reports what is wrong.
    """
    found = written_environments(config_loader)
    return DEFAULT_ENVIRONMENTS if found is None else found


def written_environments(config_loader: Any) -> tuple[str, ...] | None:
    """As `listed_environments`; None if no file lists them, or none can be read."""
    try:
        written = _environments_of_files(config_loader)
        if written is not None:
            return None if written is DEFAULT_ENVIRONMENTS else written
        register = read_prefect_yml(config_loader).get("register")
    except Exception:  # whatever is wrong with the file, or with a loader of the user's own
        return None
    if not isinstance(register, Mapping) or "environments" not in register:
        return None
    environments = register["environments"]
    if environments is None:
        return ()
    if isinstance(environments, str):
        return (environments,)
    return tuple(map(str, environments)) if isinstance(environments, list) else None


def _environments_of_files(config_loader: Any) -> tuple[str, ...] | None:
    """The listed environments as one file has them; None where only the config loader can say.

    Kedro's loader takes half a second for a thousand flows, which every `kedro run` would wait for.

    Raises:
        ConfigError: a file cannot be read.
    """
    if not kedro_config.reads_files_only(config_loader, "prefect", PATTERNS):
        return None
    pairs = [yaml_file.top_level(node) for node in composed_files(config_loader).values()]
    found = [value for each in pairs for key, value in each if key == "register"]
    if not all(pairs) or len(found) > 1 or any(key == "<<" for each in pairs for key, _ in each):
        return None
    if not found:
        return DEFAULT_ENVIRONMENTS if pairs else None
    return _strings_at(found[0], "environments")


def _strings_at(node: Any, name: str) -> tuple[str, ...] | None:
    """The strings under a key of a YAML mapping; None if it may not be there, or anything else is."""
    if node.id != "mapping":
        return None
    found = [value for key, value in node.value if key.value == name]
    if len(found) != 1:
        return None
    items = found[0].value if found[0].id == "sequence" else found
    is_plain = all(item.tag == "tag:yaml.org,2002:str" and "${" not in item.value for item in items)
    return tuple(item.value for item in items) if is_plain else None


# --- its files -------------------------------------------------------------------------------------


def prefect_yml_paths(config_loader: Any) -> list[Path]:
    """Return the files that make up `prefect.yml`, in the order in which they override each other.

    Empty for configuration in an archive or a remote folder.
    """
    folders = kedro_config.configuration_folders(config_loader)
    return list(dict.fromkeys(path for folder in folders for path in paths_in(folder)))


def paths_in(folder: Path) -> list[Path]:
    """The files of one environment that make up `prefect.yml`, in the order of their names."""
    found: dict[Path, None] = {}
    for pattern in ("prefect*", "prefect*/**/*", "**/prefect*"):
        for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.is_file() and path.suffix in _SUFFIXES and not hidden:
                found[path] = None
    return list(found)


def composed_files(config_loader: Any) -> dict[str, Any]:
    """The YAML nodes of the files by their display names, in the order in which they override each other.

    Raises:
        ConfigError: a file cannot be read.
    """
    names = {display_path(config_loader, path): path for path in prefect_yml_paths(config_loader)}
    return {name: yaml_file.composed(path, name) for name, path in names.items()}


def display_path(config_loader: Any, path: Path) -> str:
    """A path relative to the project's folder, such as ``conf/base/prefect.yml``."""
    source = Path(kedro_config.configuration_source(config_loader)).absolute()
    try:
        return path.absolute().relative_to(source.parent).as_posix()
    except ValueError:
        return path.as_posix()


def files_by_key(config_loader: Any) -> dict[Any, str]:
    """Map each top-level key to the file that holds it: the overriding one for a key in several files.

    ``""`` maps to the file to name when none holds the key. Where the loader merges deeply, each key path
    maps to its file.
    """
    files: dict[Any, str] = {}
    try:
        nodes = composed_files(config_loader)
    except ConfigError:
        nodes = {}  # a loader of the user's own has read something else
    is_deep = kedro_config.merges_deeply(config_loader, "prefect")
    for name, node in nodes.items():
        files[""] = name
        keys = [key for key, _ in yaml_file.top_level(node)]
        files.update(dict.fromkeys(keys, name))
        files.update({("flows", key[len(ONE_FLOW) :]): name for key in keys if key.startswith(ONE_FLOW)})
        if is_deep and node is not None:
            files.update({each.key: name for each in yaml_file.walked(node) if each.key})
    if "" not in files:
        files[""] = f"{kedro_config.configuration_source(config_loader)}/…/prefect.yml"
    return files
