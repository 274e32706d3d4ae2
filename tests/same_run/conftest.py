"""One run of a small project on each executor, by `kedro run --runner` and as a flow of `prefect.yml`.

`start(project, …)` runs the project in the way and on the executor that the test is parametrised with; what
it left is compared with what a plain `kedro run` leaves. The executors:

- `local` and `threads`: everything happens in one process;
- `timeouts`: threads, and each node in the process of its timeout;
- `processes`: a pool of two processes;
- `dask`: two Dask workers that are started once, in another folder, and stay up.
"""

from __future__ import annotations

import copy
import os
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import pytest

from tests.dask.conftest import Cluster
from tests.scenarios.project_factory import Project, make_project

EVERY_EXECUTOR = os.environ.get("EVERY_EXECUTOR") == "1"
"""Whether to test a process for each task, too, which takes long: `make test-all` does."""

FLOWS_ELSEWHERE = (*(["flow-timeouts"] if EVERY_EXECUTOR else []), "flow-processes", "flow-dask")
"""Flows with nodes in other processes."""

ELSEWHERE = ("runner-timeouts", "runner-dask", *FLOWS_ELSEWHERE)
"""Ways and executors with nodes in other processes: the pool is the same for both ways."""

FLOWS = ("flow-local", "flow-threads", *FLOWS_ELSEWHERE)

ALL = ("runner-threads", "runner-dask", "flow-local", *FLOWS_ELSEWHERE)

TIMEOUT = 60

SETTINGS: dict[str, dict[str, Any]] = {
    "local": {"executor": {"type": "LocalExecutor"}},
    "threads": {"executor": {"type": "LocalDaskExecutor", "scheduler": "threads"}},
    "timeouts": {
        "executor": {"type": "LocalDaskExecutor", "scheduler": "threads"},
        "nodes": {"tag:node": {"timeout": TIMEOUT}},
    },
    "processes": {"executor": {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2}},
}

PREAMBLE = """
import os
import sys
import time
from pathlib import Path

from kedro.pipeline import Pipeline, node

PROJECT = Path(__file__).resolve().parents[2]


def same(x):
    return x

"""

REGISTER = """

def register_pipelines():
    return {"__default__": Pipeline(NODES, tags="node")}
"""

RUNNER = "kedro_prefect_hooks.PrefectRunner"


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Dask cluster of two worker processes."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "home").mkdir()
    cluster = Cluster(folder, folder / "home")
    try:
        cluster.start_scheduler()
        for name in ("a", "b"):
            cluster.start_worker(name)
        cluster.wait_for_workers()
        yield cluster.address
    finally:
        cluster.stop()


@pytest.fixture(params=ALL)
def place(request: pytest.FixtureRequest) -> str:
    """Way and executor, such as `flow-dask`; `on` chooses others than all of them."""
    return str(request.param)


@pytest.fixture
def way(place: str) -> str:
    """`runner`: `kedro run --runner …PrefectRunner`; `flow`: `kedro prefect run flow --local`."""
    return place.split("-", maxsplit=1)[0]


@pytest.fixture
def executor(place: str) -> str:
    """The executor's name."""
    return place.split("-")[1]


@pytest.fixture
def settings(executor: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What `prefect.yml` has under `defaults:` for the executor."""
    if executor == "dask":
        return {"executor": {"type": "DaskExecutor", "address": request.getfixturevalue("workers")}}
    return copy.deepcopy(SETTINGS[executor])


Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(kedro: Start, way: str, settings: dict[str, Any]) -> Start:
    """`start(project, runner=(…), flow=(…), defaults={…}, of_flow={…}, ok=True)` runs the project.

    `runner` and `flow` are the arguments of the one command or the other; `defaults` and `of_flow` are
    further settings of `prefect.yml`.
    """

    def run(
        project: Project,
        *,
        runner: tuple[str, ...] = (),
        flow: tuple[str, ...] = (),
        defaults: Mapping[str, Any] | None = None,
        of_flow: Mapping[str, Any] | None = None,
        ok: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        configure(project, settings, defaults, of_flow)
        if way == "runner":
            return kedro(project, "run", "--runner", RUNNER, *runner, ok=ok, env=env)
        return kedro(project, "prefect", "run", "flow", "--local", *flow, ok=ok, env=env)

    return run


def on(*places: str) -> pytest.MarkDecorator:
    """Run a test in these ways and on these executors."""
    return pytest.mark.parametrize("place", places, indirect=True)


def configure(
    project: Project,
    settings: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    of_flow: Mapping[str, Any] | None = None,
) -> None:
    """Write `prefect.yml`: one flow, named `flow`."""
    merged = {**settings, **(defaults or {})}
    nodes = {**settings.get("nodes", {}), **(defaults or {}).get("nodes", {})}
    if nodes:
        merged["nodes"] = nodes
    project.write_conf("base", "prefect", {"defaults": merged, "flows": {"flow": dict(of_flow or {})}})


def nodes_project(path: Path, source: str, *, hooks: str = "", **options: Any) -> Project:
    """A project whose registry is `source`, which defines functions and the list `NODES`.

    Args:
        path: the project's folder.
        source: of the registry; `PREAMBLE` comes before it.
        hooks: source of a module that defines a class of hooks, `Own`.
        options: those of `make_project`.
    """
    files = dict(options.pop("files", {}))
    settings = options.pop("settings", "")
    package = package_at(path)
    if hooks:
        files["own.py"] = (
            "import os\nfrom pathlib import Path\n\nfrom kedro.framework.hooks import hook_impl\n\n"
            "from .hooks import add_to_catalog\n\nPROJECT = Path(__file__).resolve().parents[2]\n" + hooks
        )
        settings += f"\nfrom {package}.own import Own\n\nHOOKS = (*HOOKS, Own())\n"
    if "def register_pipelines" not in source:
        source += REGISTER
    return make_project(
        path, pipelines=PREAMBLE + source, files=files, settings=settings, package=package, **options
    )


def package_at(path: Path) -> str:
    """The package's name of a project in this folder, one name for each folder."""
    return "project_" + sha256(str(path.resolve()).encode()).hexdigest()[:8]


def saved(name: str, **options: Any) -> dict[str, Any]:
    """A catalog entry for a JSON file in `data`."""
    return {"type": "JsonDataset", "filepath": f"data/{name}.json", **options}


def saved_all(names: str) -> dict[str, Any]:
    """Catalog entries for JSON files of these names."""
    return {name: saved(name) for name in names.split()}


def versioned(name: str) -> dict[str, Any]:
    """A catalog entry for a versioned JSON file in `data`."""
    return {"type": "VersionedDataset", "filepath": f"data/{name}.json", "versioned": True}


def write_version(project: Project, name: str, version: str, content: str) -> None:
    """Write a version of a `versioned` dataset."""
    project.write(f"data/{name}.json/{version}/{name}.json", content)


def said(result: subprocess.CompletedProcess[str]) -> str:
    """What a command printed, as one line."""
    return " ".join(result.stdout.split())
