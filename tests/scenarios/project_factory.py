"""Creates real Kedro projects on disk, for any installed Kedro (0.17.6 to 1.x).

`make_project` writes a project from the source of its modules and from dictionaries of configuration. The
results of its runs are read from its files: `collect_outputs` for data, `hook_calls` for hooks. Ready-made
projects are in `scenarios`; the files that are copied into every project are in `sources`. This module knows
nothing of Prefect except the two lines that a user adds to `settings.py`.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Mapping

import yaml
from kedro import __version__ as kedro_version
from kedro.framework.startup import ProjectMetadata

from tests.scenarios import command_server

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent / "sources"
KEDRO: tuple[int, ...] = tuple(int(part) for part in re.findall(r"\d+", kedro_version)[:3])
HAS_FACTORIES = KEDRO >= (0, 18, 12)
HAS_GENERATORS = KEDRO >= (0, 18, 5)

_VERSION_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}T[\d.]+Z")


@dataclass(frozen=True)
class Project:
    """A Kedro project on disk."""

    path: Path
    package: str

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def source(self) -> Path:
        return self.path / "src" / self.package

    @property
    def hook_log(self) -> Path:
        return self.path / "hook_calls.jsonl"

    def write(self, path: str, content: str) -> Path:
        """Write a file; the path is relative to the project."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def write_conf(self, environment: str, name: str, content: Mapping[str, Any]) -> Path:
        """Write `conf/<environment>/<name>.yml`."""
        text = yaml.safe_dump(dict(content), sort_keys=False)
        return self.write(f"conf/{environment}/{name}.yml", text)

    def clean(self) -> None:
        """Delete what runs have written: hook calls, and all of `data` except inputs."""
        for file in self.data.rglob("*"):
            if file.is_file() and (not file.name.startswith("input") or file.suffix == ".confirmed"):
                file.unlink()
        for folder in sorted(self.data.rglob("*"), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        if self.hook_log.exists():
            self.hook_log.unlink()

    def break_node(self, name: str) -> None:
        """Make a node of the `failing` scenario raise an exception until `fix_node`."""
        self.write(f"broken/{name}", "")

    def fix_node(self, name: str) -> None:
        (self.path / "broken" / name).unlink()


def make_project(  # each argument is one file of the project
    path: Path,
    *,
    pipelines: str,
    files: Mapping[str, str] | None = None,
    catalog: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    prefect: Mapping[str, Any] | None = None,
    prefect_environment: str = "base",
    prefect_hooks: bool = True,
    settings: str = "",
    package: str | None = None,
) -> Project:
    """Write a Kedro project to the folder `path`, which is created if missing.

    Args:
        path: The project's folder.
        pipelines: Source of `pipeline_registry.py`, which must define `register_pipelines`.
        files: Source of further modules of the package, by name (`nodes.py`).
        catalog: `conf/base/catalog.yml`. A dataset's type may be the bare name of a class in
            `sources/datasets.py`; `MemoryDataset` and `CachedDataset` get the spelling that the installed
            Kedro requires. Patterns (`{name}_x`) need Kedro 0.18.12.
        parameters: `conf/base/parameters.yml`.
        credentials: `conf/base/credentials.yml` (in base, so that every environment has them).
        prefect: `prefect.yml`, in `conf/<prefect_environment>`; none is written for None.
        prefect_hooks: Whether `settings.py` has `PrefectHooks()` after `ProjectHooks()`.
        settings: Source to append to `settings.py`.
        package: The package's name; by default it depends on the path, so that one process can import several
            projects.

    Returns:
        The project.
    """
    path.mkdir(parents=True, exist_ok=True)
    path = path.resolve()
    package = package or "project_" + sha256(str(path).encode()).hexdigest()[:8]
    project = Project(path, package)

    project.write("pyproject.toml", _pyproject(package))
    project.write(".telemetry", "consent: false\n")
    for environment in ("base", "local", "deploy"):
        project.write(f"conf/{environment}/.gitkeep", "")
    project.write_conf("base", "catalog", _catalog(catalog or {}, package))
    project.write_conf("base", "parameters", parameters or {})
    project.write_conf("base", "credentials", credentials or {})
    if KEDRO < (0, 18, 2):
        project.write_conf("base", "logging", _LOGGING)
    if prefect is not None:
        project.write_conf(prefect_environment, "prefect", prefect)
    project.data.mkdir(exist_ok=True)

    project.write(f"src/{package}/__init__.py", '"""A test project."""\n')
    project.write(f"src/{package}/settings.py", _settings(package, prefect_hooks) + settings)
    project.write(f"src/{package}/pipeline_registry.py", pipelines)
    for name in ("hooks.py", "datasets.py"):
        shutil.copy(str(SOURCES / name), str(project.source / name))
    for name, content in (files or {}).items():
        project.write(f"src/{package}/{name}", content)
    return project


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """The environment for a child process: ours, without the settings of Prefect and Kedro.

    The home folder is `home`, so that `~/.prefect` is neither read nor written.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PREFECT_", "KEDRO_")) and key not in {"HOOK_LOG", "PYTHONPATH"}
    }
    return {
        **kept,
        "HOME": str(home),
        "DO_NOT_TRACK": "1",
        "KEDRO_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONIOENCODING": "utf-8",
        # rich wraps Kedro's log lines at the terminal's width, which hides words from tests
        "COLUMNS": "200",
        **extra,
    }


def run_kedro(
    project: Project,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
    timeout: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Run `kedro …` in the project, in a process of its own; return when it has exited, with any exit code.

    Args:
        project: Where to run.
        arguments: What follows `kedro` on the command line.
        env: Variables to add to `clean_environment`.
        home: The process's home folder; `<project>/home` by default.
        timeout: Seconds after which the process is killed and `subprocess.TimeoutExpired` raised.
    """
    home = home or project.path / "home"
    home.mkdir(exist_ok=True)
    environment = clean_environment(home, HOOK_LOG=str(project.hook_log), **(env or {}))
    return command_server.run(arguments, cwd=project.path, env=environment, timeout=timeout)


def run_code(project: Project, home: Path, code: str) -> str:
    """Run Python code in the project's folder, check that it succeeds, and return its output."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(home, PYTHONPATH=os.pathsep.join(sys.path)),
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    return result.stdout


def collect_outputs(project: Project) -> dict[str, Any]:
    """Everything that runs left in `data`, as values that can be compared between runs and projects.

    Keys are paths relative to `data`. JSON and pickle files are given as what they hold, others as text. Of
    a versioned file only the newest version counts; its key is the file's own path.
    """
    outputs: dict[str, Any] = {}
    for file in sorted(project.data.rglob("*")):
        if not file.is_file() or file.name.startswith("."):
            continue
        # versions sort by time, so that a later one overwrites an earlier one here
        key_path = file.parent.parent if _VERSION_FOLDER.match(file.parent.name) else file
        outputs[key_path.relative_to(project.data).as_posix()] = _read(file)
    return outputs


def versions(project: Project, path: str) -> list[str]:
    """The versions saved of a versioned file, oldest first."""
    return sorted(folder.name for folder in (project.data / path).iterdir())


def hook_calls(project: Project, *names: str) -> list[dict[str, Any]]:
    """The project's hook calls in the order they were written, all or those with one of `names`."""
    if not project.hook_log.exists():
        return []
    calls = [json.loads(line) for line in project.hook_log.read_text(encoding="utf-8").splitlines()]
    return [call for call in calls if not names or call["hook"] in names]


def hook_counts(project: Project) -> Counter[tuple[str, str]]:
    """How often each pipeline, node and dataset hook was called for which node or dataset.

    `after_context_created` and `after_catalog_created` are not counted: Kedro calls them once per context and
    per access to its catalog, so their number depends on the runner and not on the pipeline.
    """
    return Counter(
        (call["hook"], call.get("dataset") or call.get("node") or "")
        for call in hook_calls(project)
        if call["hook"] not in {"after_context_created", "after_catalog_created"}
    )


def check_hook_order(calls: list[dict[str, Any]]) -> None:
    """Assert that the hooks of one finished run were called in an order that Kedro's own runners produce.

    The pipeline's hooks enclose all others; a node's hooks are called in Kedro's order; a dataset is not
    loaded before the run has saved it.
    """
    calls = [c for c in calls if c["hook"] not in {"after_context_created", "after_catalog_created"}]
    assert calls[0]["hook"] == "before_pipeline_run", calls[0]
    assert calls[-1]["hook"] in {"after_pipeline_run", "on_pipeline_error"}, calls[-1]
    inner = [call["hook"] for call in calls[1:-1]]
    assert not {"before_pipeline_run", "after_pipeline_run", "on_pipeline_error"} & set(inner)

    position: dict[tuple[str, str], list[int]] = {}
    for index, call in enumerate(calls):
        if "dataset" in call:
            position.setdefault((call["hook"], call["dataset"].split("@")[0]), []).append(index)
    for (hook, dataset), indexes in position.items():
        if hook == "before_dataset_loaded" and ("after_dataset_saved", dataset) in position:
            assert position["after_dataset_saved", dataset][-1] < indexes[0], f"{dataset} loaded before saved"

    stages = ["before_dataset_loaded", "before_node_run", "after_node_run", "before_dataset_saved"]
    for node in {call["node"] for call in calls if "node" in call}:
        hooks = [call["hook"] for call in calls if call.get("node") == node and call["hook"] in stages]
        assert [stages.index(hook) for hook in hooks] == sorted(stages.index(hook) for hook in hooks), node


def _read(file: Path) -> Any:
    if file.suffix == ".json":
        return json.loads(file.read_text(encoding="utf-8"))
    if file.suffix == ".pkl":
        return pickle.loads(file.read_bytes())
    return file.read_text(encoding="utf-8")


def _pyproject(package: str) -> str:
    key = "kedro_init_version" if "kedro_init_version" in ProjectMetadata._fields else "project_version"
    return (
        "[tool.kedro]\n"
        f'package_name = "{package}"\n'
        f'project_name = "{package}"\n'
        f'{key} = "{kedro_version}"\n'
        'source_dir = "src"\n'
    )


def _settings(package: str, prefect_hooks: bool) -> str:
    imports = f"from {package}.hooks import ProjectHooks\n"
    hooks = "ProjectHooks(),"
    if prefect_hooks:
        imports = f"from kedro_prefect_hooks import PrefectHooks\n\n{imports}"
        hooks += " PrefectHooks()"
    return f'"""Settings of a test project."""\n\n{imports}\nHOOKS = ({hooks})\n'


def _catalog(catalog: Mapping[str, Any], package: str) -> dict[str, Any]:
    return {name: _dataset(config, package) for name, config in catalog.items()}


def _dataset(config: Any, package: str) -> Any:
    if not isinstance(config, Mapping):
        return config
    config = {key: _dataset(value, package) for key, value in config.items()}
    kind = config.get("type", "")
    if kind in {"MemoryDataset", "CachedDataset"}:
        config["type"] = kind if HAS_FACTORIES else kind.replace("Dataset", "DataSet")
    elif kind and "." not in kind:
        config["type"] = f"{package}.datasets.{kind}"
    return config


_LOGGING = {  # Kedro before 0.18.2 has no default logging configuration; this is its template's, shortened
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"simple": {"format": "%(asctime)s - %(name)s - %(levelname)s - %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "level": "INFO", "formatter": "simple"},
    },
    "loggers": {
        name: {"level": "INFO", "handlers": ["console"], "propagate": False}
        for name in ("kedro.io", "kedro.pipeline")
    },
    "root": {"level": "INFO", "handlers": ["console"]},
}
