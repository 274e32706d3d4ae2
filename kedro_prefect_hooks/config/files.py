"""`prefect.yml` read through the project's own config loader, and which files it is made of.

Called on every plain `kedro run`, so it imports neither Prefect nor pydantic, and PyYAML only when something
is wrong or a message wants a file's name. Knows nothing of what stands in `prefect.yml`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro_prefect_hooks.compat import kedro_config

PATTERNS = ["prefect*", "prefect*/**", "**/prefect*"]
_SUFFIXES = (".yml", ".yaml", ".json")


class NoPrefectYml(FileNotFoundError):
    """The project has no `prefect.yml`, neither in the base environment nor in the one in use."""


class NoEnvironmentFolder(FileNotFoundError):
    """The folder of a configuration environment is missing; `environments` are those that exist."""

    def __init__(self, folder: Path, environments: list[str]) -> None:
        super().__init__(str(folder))
        self.folder = folder
        self.environments = environments


class BrokenPrefectYml(ValueError):
    """`prefect.yml` cannot be read: no YAML, an interpolation without a value, a key in two files, …

    Args:
        text: what is wrong, for a person.
        file: where, when that is known.
    """

    def __init__(self, text: str, file: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.file = file


# --- reading prefect.yml ---------------------------------------------------------------------------


def read_prefect_yml(config_loader: Any) -> dict[str, Any]:
    """What stands in `prefect.yml`, environments laid over each other as this loader does it.

    Raises:
        NoPrefectYml: there is none.
        NoEnvironmentFolder: the environment's folder is missing (Kedro raises the same for both).
        BrokenPrefectYml: there is one that cannot be read.
    """
    from kedro.config import MissingConfigException

    try:
        raw = kedro_config.read_configuration(config_loader, "prefect", PATTERNS)
    except MissingConfigException as error:
        _check_folders(config_loader)
        raise NoPrefectYml(str(error)) from None
    except Exception as error:  # loaders raise YAML's, OmegaConf's, anyconfig's and their own
        _check_folders(config_loader)
        _check_files(config_loader)
        text = str(error).strip() or type(error).__name__
        raise BrokenPrefectYml(text.splitlines()[0]) from error
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
            raise NoEnvironmentFolder(folder, environments)


def _check_files(config_loader: Any) -> None:
    """Finds the file that is no YAML mapping; loaders name neither always the file nor the right line."""
    import yaml

    for path in prefect_yml_paths(config_loader):
        shown = shown_path(config_loader, path)
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
            raise BrokenPrefectYml(f"{where}not valid YAML: {error.problem}", shown) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BrokenPrefectYml(f"not valid YAML: {error}".splitlines()[0], shown) from None
        if node is not None and not isinstance(node, yaml.MappingNode):
            kind = "a list" if isinstance(node, yaml.SequenceNode) else "a plain value"
            raise BrokenPrefectYml(f"found {kind}, expected a mapping with `flows:`", shown)


# --- where it stands -------------------------------------------------------------------------------


def prefect_yml_paths(config_loader: Any) -> list[Path]:
    """The files that make up `prefect.yml`, in the order in which they override each other.

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


def shown_path(config_loader: Any, path: Path) -> str:
    """A path as a person knows it: from the project's folder, such as ``conf/base/prefect.yml``."""
    source = Path(kedro_config.configuration_source(config_loader)).absolute()
    try:
        return path.absolute().relative_to(source.parent).as_posix()
    except ValueError:
        return path.as_posix()


def prefect_yml_keys(config_loader: Any) -> dict[str, str]:
    """Which file holds which top-level key, the overriding file for a key that stands in several; under
    ``""`` the file to name when none holds the key.
    """
    import yaml

    files: dict[str, str] = {}
    for path in prefect_yml_paths(config_loader):
        shown = shown_path(config_loader, path)
        files[""] = shown
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except (yaml.YAMLError, UnicodeDecodeError):
            continue
        if isinstance(node, yaml.MappingNode):
            files.update({str(key.value): shown for key, _ in node.value})
    if "" not in files:
        files[""] = f"{kedro_config.configuration_source(config_loader)}/…/prefect.yml"
    return files
