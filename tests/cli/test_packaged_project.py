"""A packaged project, installed and without a folder: it registers, and each printed step works there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kedro_prefect_hooks import command_lines
from kedro_prefect_hooks.embedded import location
from tests import processes
from tests.cli.conftest import TIMEOUT, wait_until
from tests.scenarios.project_factory import KEDRO, REPOSITORY, clean_environment
from tests.scenarios.scenarios import chain

pytestmark = pytest.mark.skipif(KEDRO < (0, 18, 3), reason="--conf-source came with Kedro 0.18.3")

MAIN = """
from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project

configure_project("{package}")
find_run_command("{package}")()
"""


class Installed:
    """The project's package on the import path, its configuration in one folder, and another to work in."""

    def __init__(self, folder: Path, home: Path, package: str) -> None:
        self.work, self.conf, self.package = folder / "work", folder / "configuration", package
        self.work.mkdir()
        path = f"{folder / 'site'}:{REPOSITORY}"
        self.env = clean_environment(home, PYTHONPATH=path, PYTHONUNBUFFERED="1")

    def command(self, line: str) -> list[str]:
        """A printed command, with this Python."""
        python, *words = shlex.split(line)
        assert python == "python", line
        return [sys.executable, *words]

    def run(self, line: str) -> str:
        """Run a command to its end; its output."""
        done = subprocess.run(
            self.command(line),
            cwd=self.work,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def installed(tmp_path: Path, home: Path) -> Installed:
    project = chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})
    project.write_conf("deploy", "parameters", {})
    shutil.move(str(project.path / "src"), str(tmp_path / "site"))
    shutil.move(str(project.path / "conf"), str(tmp_path / "configuration"))
    (tmp_path / "site" / project.package / "__main__.py").write_text(MAIN.format(package=project.package))
    shutil.rmtree(project.path)
    return Installed(tmp_path, home, project.package)


def step(output: str, after: str) -> str:
    """The command that a line of the output names."""
    found = re.search(rf"{after}(python -m kedro_prefect_hooks .*)", output)
    assert found is not None, output
    return found[1].strip()


def test_the_next_steps_work_without_a_project_folder(installed: Installed) -> None:
    registered = installed.run(f"python -m {installed.package} --env deploy --conf-source {installed.conf}")
    assert "new" in registered
    up = step(registered, "To view the flows and run them: ")
    assert up.endswith(f"up --package {installed.package} --env deploy --conf-source {installed.conf}")
    log = installed.work / "up.txt"
    command = [*installed.command(up), "--port", "0"]
    options: Any = {"cwd": str(installed.work), "env": installed.env, "stderr": subprocess.STDOUT}
    with log.open("wb") as output, processes.running(command, stdout=output, **options):
        wait_until(lambda: "is waiting for flow runs" in log.read_text(), f"the agent: {log.read_text()}")
        assert location.running(installed.work) is not None
        again = installed.run(up.replace(" up ", " register "))
        assert "Nothing has changed." in again
        end = installed.work / "data" / "end.json"
        assert end.is_file(), "`python -m` has run the pipeline, too"
        end.unlink()
        finished = installed.run(step(again, "Next: "))
        assert "ended in Success" in finished
        assert json.loads(end.read_text()) == 2


def test_a_package_that_is_not_installed(tmp_path: Path, home: Path) -> None:
    environment = clean_environment(home)
    command = [sys.executable, "-m", "kedro_prefect_hooks", "plan", "--package", "nothing_of_this_name"]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, encoding="utf-8", check=False
    )
    assert result.returncode == 1
    assert "--package nothing_of_this_name: no such package is installed in " in result.stderr
    assert "Traceback" not in result.stderr


def test_commands_are_typed_as_the_place_needs_them() -> None:
    command_lines.forget_packaged_project()  # by another test's command in this process
    assert command_lines.typed("kedro prefect up") == "kedro prefect up"
    try:
        command_lines.name_packaged_project("orchard", "deploy", "/my conf")
        line = "python -m kedro_prefect_hooks run cider --env prod --package orchard --conf-source '/my conf'"
        assert command_lines.typed("kedro prefect run cider --env prod") == line
    finally:
        command_lines.forget_packaged_project()
