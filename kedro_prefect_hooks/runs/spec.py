"""The description of one Kedro run: everything that `kedro run` can be given, and which run it is.

A `RunSpec` is complete, immutable and picklable. `runs.session` opens a run from it, in any process;
there is no other way to obtain a session, a catalog or a parameter. Knows neither Kedro nor Prefect.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Mapping

from kedro_prefect_hooks import env_vars

DEFAULT_PIPELINE = "__default__"


@dataclass(frozen=True)
class ProjectRef:
    """Where a process finds a Kedro project.

    Attributes:
        path: the project's folder.
        package: the project's package, sufficient where it is installed and the folder is missing.
        env: Kedro environment.
        conf_source: configuration source, unless it is that of the project's settings.
        relocatable: whether `KEDRO_PREFECT_PROJECT` and `KEDRO_PREFECT_CONF_SOURCE` in a process's own
            environment say where the project is there. True for registered flows. A `kedro run` is always
            of the project that it was called in; there they count only for what does not exist on a
            worker's machine.
    """

    path: str
    package: str | None = None
    env: str | None = None
    conf_source: str | None = None
    relocatable: bool = True

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return Path(self.path)

    def on_this_machine(self) -> ProjectRef:
        """The same project where this process's environment says that it is."""
        if not self.relocatable:
            return self._where_it_is_missing()
        path = os.environ.get(env_vars.PROJECT) or self.path
        if not Path(path).is_dir():  # a pickled flow has the folder of the machine that registered it
            path = str(nearest_project(Path.cwd(), self.package) or path)
        return replace(self, path=path, conf_source=os.environ.get(env_vars.CONF_SOURCE) or self.conf_source)

    def _where_it_is_missing(self) -> ProjectRef:
        """The project of a `kedro run`, with what is not on this machine from this process's environment."""
        has_folder = (self.folder / "pyproject.toml").is_file()
        if self.conf_source is not None:
            has_conf = "://" in self.conf_source or Path(self.conf_source).exists()
        else:
            has_conf = has_folder or (self.folder / "conf").is_dir()
        path = self.path if self.folder.is_dir() else os.environ.get(env_vars.PROJECT) or self.path
        conf_source = self.conf_source if has_conf else os.environ.get(env_vars.CONF_SOURCE)
        return replace(self, path=path, conf_source=conf_source or self.conf_source)


def nearest_project(folder: Path, package: str | None = None) -> Path | None:
    """The project that a folder is in: an image need only have it as its working directory.

    Args:
        folder: where to begin.
        package: the project's package; None for any project.
    """
    for candidate in (folder, *folder.parents):
        pyproject = candidate / "pyproject.toml"
        if not pyproject.is_file():
            continue
        text = pyproject.read_text(encoding="utf-8")
        name = re.search(r"^package_name\s*=\s*[\"']([^\"']*)", text, re.MULTILINE)
        if "[tool.kedro]" in text and (package is None or (name is not None and name[1] == package)):
            return candidate
    return None


@dataclass(frozen=True, repr=False)
class MemoryEntry:
    """A value that a hook put into the catalog of the flow run's own process.

    Attributes:
        pickled: the value, pickled by cloudpickle.
        copy_mode: of its memory dataset.
    """

    pickled: bytes
    copy_mode: str | None = None


@dataclass(frozen=True, repr=False)
class RunSpec:
    """One Kedro run, the same in every process that takes part in it.

    Attributes:
        project: where the project is.
        run_id: the flow run's id.
        session_id: Kedro's id of the run, which is also the version that it saves.
        attempt: unique to each process that runs the flow, so that a restart opens new sessions everywhere.
        pipeline: name of the registered pipeline; several, separated by commas, are combined.
        nodes: names of the nodes that the filters left; None for the whole pipeline.
        runtime_params: exactly as given, nested: what `kedro run --params` makes of its argument.
        load_versions: dataset → version to load, as given.
        input_versions: dataset → version to load of each versioned free input, the newest when the run began.
        is_async: load and save with threads, `kedro run --async`.
        pin_versions: load the versions that this run saved. Not for a `kedro run`, which loads the newest.
        owns_version: no other run can have saved the version `session_id`, so an earlier try did.
        memory: what hooks put into the catalog, by dataset.
        partitions: dataset → partitions to load, where a node may confirm it before another one loads it.
        done_before: nodes that an earlier attempt of the flow run has finished, or may have; only for a
            pipeline that confirms partitions.
        stop_file: once this file exists, a node has failed and no other is to start; None to go on.
    """

    project: ProjectRef
    run_id: str
    session_id: str
    attempt: str = ""
    pipeline: str = DEFAULT_PIPELINE
    nodes: tuple[str, ...] | None = None
    runtime_params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    load_versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    input_versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_async: bool = False
    pin_versions: bool = True
    owns_version: bool = True
    memory: Mapping[str, MemoryEntry] = field(default_factory=dict, hash=False)
    partitions: Mapping[str, Any] = field(default_factory=dict, hash=False)
    done_before: frozenset[str] = frozenset()
    stop_file: str | None = None

    def __repr__(self) -> str:
        # Dask logs the arguments of a task that fails, and a parameter or a value may be a secret.
        return f"<RunSpec of pipeline {self.pipeline}, flow run {self.run_id}>"

    @property
    def key(self) -> str:
        """The key under which a process keeps the run's session."""
        return f"{self.run_id}/{self.attempt}"

    @property
    def pipeline_names(self) -> list[str]:
        """The registered pipelines."""
        return self.pipeline.split(",")


def session_id_of(run_id: str, scheduled: datetime | None) -> str:
    """Kedro's session id and save version for a flow run: when it was due, as Kedro writes it, and its id.

    The time makes versions sort by when they were due; the id (64 bits of a random UUID) keeps two runs
    apart that were due at the same moment. Both remain the same when the flow run is restarted.
    """
    due = scheduled or datetime.now(timezone.utc)
    if due.tzinfo is not None:
        due = due.astimezone(timezone.utc)
    tail = "".join(character for character in run_id if character.isalnum())[-16:].lower()
    return f"{due:%Y-%m-%dT%H.%M.%S}.{due.microsecond // 1000:03d}Z-{tail or 'local'}"
