"""Reads `prefect.yml` through the project's own config loader, before any model.

The hook calls this on every plain `kedro run`, so it imports neither Prefect nor pydantic. Apart from
`register.environments`, it knows nothing of what `prefect.yml` may contain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from kedro_prefect_hooks.compat import kedro_config
from kedro_prefect_hooks.config.messages import format_names
from kedro_prefect_hooks.errors import ConfigError, did_you_mean

DEFAULT_ENVIRONMENTS = ("deploy",)

PATTERNS = ["prefect*", "prefect*/**", "**/prefect*"]
_SUFFIXES = (".yml", ".yaml", ".json")


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

    try:
        raw = kedro_config.read_configuration(config_loader, "prefect", PATTERNS)
    except MissingConfigException:
        _check_folders(config_loader)
        folders = dict.fromkeys(
            display_path(config_loader, folder)
            for folder in kedro_config.configuration_folders(config_loader)
        )
        raise NoPrefectYmlError(
            f"There is no prefect.yml in {' or '.join(folders)}: create one with `kedro prefect init`."
        ) from None
    except Exception as error:  # loaders raise YAML's, OmegaConf's, anyconfig's and their own
        _check_folders(config_loader)
        _check_files(config_loader)
        text = str(error).strip() or type(error).__name__
        raise ConfigError(f"prefect.yml: {text.splitlines()[0]}") from error
    return raw if isinstance(raw, dict) else dict(raw)


def _check_folders(config_loader: Any) -> None:
    source = Path(kedro_config.configuration_source(config_loader))
    if not source.is_dir():
        return  # an archive or a remote folder: Kedro's message must do
    for folder in kedro_config.configuration_folders(config_loader):
        if not folder.is_dir():
            environments = sorted(
                each.name for each in source.iterdir() if each.is_dir() and each.name[0] not in "._"
            )
            raise ConfigError(
                f"The configuration folder {display_path(config_loader, folder)} does not exist."
                f"{did_you_mean(folder.name, environments)} "
                f"Existing environments: {format_names(environments)}. "
                "Create the folder, or name another environment with `--env`."
            )


def _check_files(config_loader: Any) -> None:
    """Find the file that is not a YAML mapping; loaders do not always name the file and the right line."""
    import yaml

    for path in prefect_yml_paths(config_loader):
        name = display_path(config_loader, path)
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
            raise ConfigError(f"{name}: {where}not valid YAML: {error.problem}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: not valid YAML: {error}".splitlines()[0]) from None
        if node is not None and not isinstance(node, yaml.MappingNode):
            kind = "a list" if isinstance(node, yaml.SequenceNode) else "a plain value"
            raise ConfigError(f"{name}: found {kind}, expected a mapping with `flows:`")


def listed_environments(config_loader: Any) -> tuple[str, ...]:
    """Return the environments for which `kedro run` registers.

    A missing or broken file gives the default ones, so that a plain `kedro run` is not disturbed and
    `kedro run --env deploy`, which goes on to `load_config`, reports what is wrong.
    """
    written = _written_environments(config_loader)
    if written is not None:
        return written
    try:
        register = read_prefect_yml(config_loader).get("register")
    except ConfigError:
        return DEFAULT_ENVIRONMENTS
    if not isinstance(register, Mapping) or "environments" not in register:
        return DEFAULT_ENVIRONMENTS
    environments = register["environments"]
    if environments is None:
        return ()
    if isinstance(environments, str):
        return (environments,)
    return tuple(map(str, environments)) if isinstance(environments, list) else DEFAULT_ENVIRONMENTS


def _written_environments(config_loader: Any) -> tuple[str, ...] | None:
    """The listed environments as one file has them; None where only the config loader can say.

    Kedro's loader takes half a second for a thousand flows, which every `kedro run` would wait for.
    """
    if not kedro_config.reads_files_only(config_loader, "prefect", PATTERNS):
        return None
    pairs = [_top_level(path) for path in prefect_yml_paths(config_loader)]
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
    found: dict[Path, None] = {}
    for folder in kedro_config.configuration_folders(config_loader):
        for pattern in ("prefect*", "prefect*/**/*", "**/prefect*"):
            for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
                hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
                if path.is_file() and path.suffix in _SUFFIXES and not hidden:
                    found[path] = None
    return list(found)


def display_path(config_loader: Any, path: Path) -> str:
    """A path relative to the project's folder, such as ``conf/base/prefect.yml``."""
    source = Path(kedro_config.configuration_source(config_loader)).absolute()
    try:
        return path.absolute().relative_to(source.parent).as_posix()
    except ValueError:
        return path.as_posix()


def files_by_key(config_loader: Any) -> dict[str, str]:
    """Map each top-level key to the file that holds it: the overriding one for a key in several files.

    ``""`` maps to the file to name when none holds the key.
    """
    files: dict[str, str] = {}
    for path in prefect_yml_paths(config_loader):
        name = display_path(config_loader, path)
        files[""] = name
        files.update({key: name for key, _ in _top_level(path)})
    if "" not in files:
        files[""] = f"{kedro_config.configuration_source(config_loader)}/…/prefect.yml"
    return files


def _top_level(path: Path) -> list[tuple[str, Any]]:
    """The top-level keys of a file with their YAML nodes; none if it is empty or not a YAML mapping."""
    import yaml

    # libyaml's parser, where PyYAML has it, is ten times faster.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return []
    return (
        [(str(key.value), value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []
    )
