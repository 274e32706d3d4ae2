"""A packaged project, installed and without a folder: it registers, and each printed step works there."""

from __future__ import annotations

import ast
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


EVERY_COMMAND = """
import json, os, sys
from pathlib import Path

from click.testing import CliRunner
from kedro_prefect_hooks.cli import prefect

package, conf = sys.argv[1], Path(sys.argv[2])
named = ["--package", package, "--conf-source", str(conf)]
printed = []


def run(*words, exits=0, options=named):
    result = CliRunner().invoke(prefect, [*words, *options])
    printed.append((" ".join(words), result.output))
    assert result.exit_code == exits, (words, result.exit_code, result.output)
    return result.output


def parse(words):
    context = prefect.make_context("prefect", words)
    group, rest = prefect, words
    while rest:
        name, command, rest = group.resolve_command(context, rest)
        context = command.make_context(name, list(rest), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        group, rest = command, context.args or list(getattr(context, "_protected_args", ())) + context.args


if sys.argv[3:]:
    for line in sys.argv[3:]:
        parse(json.loads(line))
    sys.exit()
file = conf / "base" / "prefect.yml"
file.unlink()
run("plan", exits=1)
run("init")
run("init", "--settings", exits=1)
run("docker", exits=1, options=named[:2])
file.write_text("flows: {chain: {}, 'two words': {}}")
run("db", "info", exits=1, options=named[:2])
run("doctor")
run("plan", exits=3)
run("flows")
run("register")
run("up", "--port", "-1", exits=2)
run("agent", exits=1)
run("run", "chain", "--watch", exits=1)
run("run", "chain", "--name", "first")
run("runs", "--state", "Scheduled")
run("logs", "none", exits=1)
run("restart", "first", exits=1)
run("cancel", "first")
run("restart", "first")
run("db", "check", options=named[:2])
run("db", "vacuum", options=named[:2])
run("db", "backup", "copy.sqlite", options=named[:2])
run("db", "clean")
file.write_text("flows: {chain: {}}")
run("plan", "--flow", "chain")
run("register")
file.write_text("{flows: {chain: {}}, register: {environments: []}}")
run("doctor")
file.write_text("{api: 'http://127.0.0.1:9', flows: {chain: {}}}")
run("up", exits=1)
print(json.dumps(printed))
"""


def test_every_printed_command_names_the_package(installed: Installed, tmp_path: Path) -> None:
    script = tmp_path / "every_command.py"
    script.write_text(EVERY_COMMAND)
    given = shlex.join(["python", str(script), installed.package, str(installed.conf)])
    printed = json.loads(installed.run(given).splitlines()[-1])
    hints = set()
    for command, output in printed:
        assert "kedro prefect " not in output and "`kedro run" not in output, f"{command}: {output}"
        for hint in re.findall(r"python -m kedro_prefect_hooks ([^`\n),;]+)", output):
            words = shlex.split(hint.rstrip(". "))
            assert words[words.index("--package") + 1] == installed.package, hint
            if not command.startswith("db "):  # which reads no configuration, so it does not know where it is
                assert words[words.index("--conf-source") + 1] == str(installed.conf), hint
            hints.add(json.dumps(words))
    named = {json.loads(words)[0] for words in hints}
    assert named >= {"init", "register", "up", "agent", "run", "runs", "logs", "restart", "cancel"}
    # Click accepts each of them: its options and arguments exist.
    installed.run(f"{given} {shlex.join(sorted(hints))}")


def test_messages_leave_it_to_one_function_how_commands_are_typed() -> None:
    typed_by_hand = []
    for file in sorted((REPOSITORY / "kedro_prefect_hooks").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        exempt = {id(node) for outer in ast.walk(tree) if _is_exempt(outer) for node in ast.walk(outer)}
        typed_by_hand += [
            f"{file.name}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if re.search("kedro (prefect|run) ", node.value) and id(node) not in exempt
        ]
    assert typed_by_hand == []


def _is_exempt(node: ast.AST) -> bool:
    """Docstrings, the help of options, constants that go to the API or into files, what `typed` is given."""
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) and target.id.isupper() for target in node.targets)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.keyword):
        return node.arg in ("help", "description")
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", getattr(node.func, "attr", "")) == "typed"
    return False


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
        run = "python -m orchard --env deploy --conf-source '/my conf'"
        assert command_lines.typed("kedro run --env deploy") == run
    finally:
        command_lines.forget_packaged_project()
