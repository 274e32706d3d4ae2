"""The six steps of docs/how-to/dask.md: a packaged project on a Dask cluster, as on three machines.

The machines are virtual environments, in which nothing but the wheels is installed. The worker does not see
the folder of the machine that runs the flow.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import processes
from tests.scenarios.project_factory import KEDRO, Project, clean_environment, make_project

pytestmark = [
    pytest.mark.places,
    pytest.mark.skipif(KEDRO < (0, 18, 3), reason="--conf-source came with Kedro 0.18.3"),
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
        reason="hiding a folder from a process needs root and unshare",
    ),
]

ROOT = Path(__file__).parents[2]
PIPELINES = """
import sys

from kedro.pipeline import node, pipeline


def pick(where):
    return [where]


def press(baskets, where):
    return [*baskets, where, sys.prefix]


def register_pipelines():
    return {"__default__": pipeline([
        node(pick, "params:where", "baskets", name="pick"),
        node(press, ["baskets", "params:where"], "juice", name="press"),
    ])}
"""
BUILD = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "orchard"
version = "0.1"

[tool.setuptools.packages.find]
where = ["src"]
"""
MAIN = """
from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project

configure_project("orchard")
find_run_command("orchard")()
"""


def documented_steps() -> list[str]:
    """The commands of the six steps."""
    page = (ROOT / "docs" / "how-to" / "dask.md").read_text(encoding="utf-8")
    section = page.split("### A packaged project in six steps", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```console\n\s*(.*?)\n\s*```", section)


def the_project(folder: Path, port: int) -> Project:
    executor = {"type": "DaskExecutor", "address": f"tcp://127.0.0.1:{port}"}
    project = make_project(
        folder,
        pipelines=PIPELINES,
        package="orchard",
        catalog={"juice": {"type": "JsonDataset", "filepath": str(folder.parent / "juice.json")}},
        parameters={"where": "here"},
        prefect={"defaults": {"executor": executor}, "flows": {"cider": {}}},
    )
    pyproject = (project.path / "pyproject.toml").read_text()
    project.write("pyproject.toml", BUILD + pyproject)
    project.write("src/orchard/__main__.py", MAIN)
    return project


def test_the_six_steps(tmp_path: Path, home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    package, install, unpack, scheduler, worker, run = documented_steps()
    project = the_project(tmp_path / "project", port)
    environment = clean_environment(home)
    environment.pop("PYTHONPATH")

    def command(text: str, machine: Path) -> list[str]:
        text = text.replace("10.0.0.5", "127.0.0.1").replace("8786", str(port))
        text = text.replace("/srv/orchard", str(machine / "srv"))
        return shlex.split(text)

    def done(words: list[str], folder: Path, **extra: str) -> str:
        result = subprocess.run(
            words,
            cwd=folder,
            env={**environment, **extra},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=280,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    def of_machine(machine: Path) -> str:
        return f"{machine / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"

    here = Path(sys.executable).parent
    done(
        shlex.split(package),
        project.path,
        PATH=f"{here}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(ROOT),
    )
    done([sys.executable, "-m", "uv", "build", "-q", "--wheel", "-o", str(tmp_path), str(ROOT)], tmp_path)
    (plugin,) = tmp_path.glob("kedro_prefect_hooks*.whl")
    machines = [tmp_path / name for name in ("flow", "worker")]
    for machine in machines:
        (machine / "srv").mkdir(parents=True)
        for file in (project.path / "dist").iterdir():
            shutil.copy(str(file), str(machine))
        uv = [sys.executable, "-m", "uv"]
        done([*uv, "venv", "-q", "--python", sys.executable, str(machine / "venv")], machine)
        # This version of the plugin, and this version of Kedro.
        words = [str(plugin) if word == "kedro-prefect-hooks" else word for word in command(install, machine)]
        words += [f"kedro=={'.'.join(map(str, KEDRO))}"]
        done([*uv, *words[1:], "--python", str(machine / "venv" / "bin" / "python")], machine)
        done(command(unpack, machine), machine)
    flow, other = machines
    (other / "srv" / "conf" / "base" / "parameters.yml").write_text("where: there\n")

    options = {
        "stderr": subprocess.STDOUT,
        "env": {**environment, "PATH": of_machine(other)},
        "cwd": str(other),
    }
    hidden = f'mount -t tmpfs none {flow} && exec env "$@"'
    commands = {
        "scheduler": [*command(scheduler, other), "--no-dashboard"],
        "worker": [
            *("unshare", "-m", "sh", "-c", hidden, "sh"),
            *command(worker, other),
            *("--no-nanny", "--no-dashboard", "--host", "127.0.0.1"),
        ],
    }
    with (tmp_path / "cluster.txt").open("wb") as log, processes.running(
        commands["scheduler"], stdout=log, **options
    ), processes.running(commands["worker"], stdout=log, **options):
        deadline = time.monotonic() + 60
        while "Starting established connection" not in (tmp_path / "cluster.txt").read_text():
            assert time.monotonic() < deadline, (tmp_path / "cluster.txt").read_text()
            time.sleep(0.2)
        output = done(command(run, flow), flow, PATH=of_machine(flow))
    juice = json.loads((tmp_path / "juice.json").read_text())
    assert juice == ["there", "there", str(other / "venv")], output
