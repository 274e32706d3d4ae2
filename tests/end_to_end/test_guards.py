"""When the hook registers and when it must not, and what it costs a plain run and other commands."""

from __future__ import annotations

import copy
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any, Callable

import pytest
import yaml

from kedro_prefect_hooks import PrefectHooks
from tests.scenarios import scenarios
from tests.scenarios.project_factory import Project, clean_environment, run_code

REPORT_MODULES = """
import atexit
import json
import sys
from pathlib import Path


def _report():
    names = [name for name in ("prefect", "pydantic") if name in sys.modules]
    Path({report!r}).write_text(json.dumps(names))


atexit.register(_report)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = scenarios.chain(tmp_path / "chain", 2, prefect={"flows": {"chain": {}}})
    project.write_conf("deploy", "parameters", {})
    return project


def flows(project: Project) -> list[str]:
    """Names of the registered flows, read from the API's database."""
    database = project.path / ".kedro_prefect" / "api.sqlite"
    if not database.exists():
        return []
    with sqlite3.connect(database) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM flow WHERE NOT archived")]


def loaded(project: Project) -> list[str]:
    return list(json.loads((project.path / "modules.json").read_text()))


def report_modules(project: Project) -> None:
    settings = project.source / "settings.py"
    text = REPORT_MODULES.format(report=str(project.path / "modules.json"))
    settings.write_text(settings.read_text() + text)


def test_a_listed_environment_registers(project: Project, kedro: Callable[..., Any]) -> None:
    kedro(project, "run", "--env", "deploy", ok=True)
    assert flows(project) == ["chain"]


@pytest.mark.parametrize("command", [["run"], ["catalog", "list"], ["registry", "list"]], ids=" ".join)
def test_a_plain_command_imports_and_registers_nothing(
    project: Project, home: Path, command: list[str]
) -> None:
    report_modules(project)
    # without the fixture `kedro`, whose processes have already imported pydantic
    result = subprocess.run(
        [sys.executable, "-m", "kedro", *command],
        env=clean_environment(home),
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert "No such command" in result.stdout or result.returncode == 0, result.stdout
    assert "prefect" not in loaded(project)
    # Kedro 1.3 and later import pydantic themselves, if it is installed, to validate parameters
    without = subprocess.run(
        [sys.executable, "-c", "import kedro.framework.session, sys; print('pydantic' in sys.modules)"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=240,
        check=True,
    )
    if without.stdout.strip() == "False" and command != ["run"]:
        assert "pydantic" not in loaded(project)
    assert flows(project) == []


def test_the_hook_itself_imports_neither(tmp_path: Path, home: Path, project: Project) -> None:
    """The guards alone, without Kedro's own imports, in an environment that is not listed."""
    code = (
        "import sys; from pathlib import Path;"
        "from kedro_prefect_hooks.hooks import PrefectHooks, _listed;"
        "from kedro_prefect_hooks.compat import kedro_project, kedro_session;"
        f"path = Path({str(project.path)!r});"
        "package = kedro_project.bootstrap(path, None);"
        "session = kedro_session.open_session(path, package, None, None, None);"
        "before = set(sys.modules);"
        "loader = kedro_session.config_loader(session);"
        "context = type('Context', (), {'config_loader': loader, 'env': None})();"
        "PrefectHooks().after_context_created(context);"
        "assert not _listed(context);"
        "print(sorted(n for n in ('prefect', 'pydantic') if n in set(sys.modules) - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(home, PYTHONPATH=os.pathsep.join(sys.path)),
        cwd=project.path,
        stdout=subprocess.PIPE,
        text=True,
        timeout=240,
        check=True,
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_a_hook_can_be_copied_after_a_run() -> None:
    """Kedro 1.0 with dynaconf 3.3.0 copies the settings, hooks included, for each session."""
    hooks = PrefectHooks()
    hooks.run_params = {"holds": Lock()}  # as a context does somewhere inside
    with pytest.raises(TypeError):
        copy.deepcopy(hooks.run_params)
    assert copy.deepcopy((hooks,))[0].run_params is None


@pytest.mark.parametrize(
    "command", [["catalog", "list"], ["catalog", "describe-patterns"], ["registry", "list"]], ids=" ".join
)
def test_other_commands_in_a_listed_environment_register_nothing(
    project: Project, kedro: Callable[..., Any], command: list[str]
) -> None:
    arguments = [*command, "--env", "deploy"] if command[0] == "catalog" else command
    kedro(project, *arguments)
    assert flows(project) == []


@pytest.mark.parametrize(
    "variable", ["KEDRO_PREFECT_DISABLE", "KEDRO_PREFECT_IN_FLOW_RUN", "PREFECT__CONTEXT__FLOW_RUN_ID"]
)
def test_nothing_is_registered_when_disabled_or_inside_a_flow_run(
    project: Project, kedro: Callable[..., Any], variable: str
) -> None:
    kedro(project, "run", "--env", "deploy", env={variable: "1"}, ok=True)
    assert flows(project) == []


OPEN = """
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
metadata = bootstrap_project(Path.cwd())
"""


def test_a_session_started_by_code_registers(project: Project, home: Path) -> None:
    run_code(project, home, OPEN + "KedroSession.create(project_path=Path.cwd(), env='deploy').run()")
    assert flows(project) == ["chain"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_session_in_a_child_of_multiprocessing_does_not(project: Project, home: Path, method: str) -> None:
    """`kedro viz run --include-hooks --env deploy` loads the project in a child without a command."""
    load = "    KedroSession.create(project_path=Path.cwd(), env='deploy').load_context()\n"
    project.write("loading.py", OPEN + f"def load():\n{load}")
    code = f"""
import multiprocessing
import loading
child = multiprocessing.get_context("{method}").Process(target=loading.load)
child.start()
child.join()
assert child.exitcode == 0
"""
    run_code(project, home, code)
    assert flows(project) == []


def test_a_session_inside_a_prefect_task_does_not(project: Project, home: Path) -> None:
    code = (
        OPEN
        + """
import prefect

@prefect.task
def run():
    KedroSession.create(project_path=Path.cwd(), env="deploy").run()

with prefect.Flow("other") as flow:
    run()

assert flow.run().is_successful()
"""
    )
    run_code(project, home, code)
    assert flows(project) == []


def test_a_child_process_or_thread_of_a_node_does_not(tmp_path: Path, home: Path) -> None:
    """They do not have Prefect's context, but they do have our marker."""
    registry = '''
import subprocess
import sys
import threading
from pathlib import Path

from kedro.pipeline import Pipeline, node

PROJECT = Path(__file__).resolve().parents[2]
CODE = """
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
KedroSession.create(project_path=Path.cwd(), env="deploy").run(pipeline_name="inner")
"""


def start():
    subprocess.run([sys.executable, "-c", CODE], cwd=PROJECT, check=True)
    failures = []

    def in_thread():
        from kedro.framework.session import KedroSession

        try:
            KedroSession.create(project_path=PROJECT, env="deploy").load_context()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert not failures, failures
    return 1


def register_pipelines():
    inner = Pipeline([node(lambda: 1, None, "inner", name="inner")])
    return {"__default__": Pipeline([node(start, None, "outer", name="start")]), "inner": inner}
'''
    from tests.scenarios.project_factory import make_project

    project = make_project(tmp_path / "nested", pipelines=registry, prefect={"flows": {"outer": {}}})
    project.write_conf("deploy", "parameters", {})
    code = (
        OPEN
        + """
from kedro_prefect_hooks.runs import session, spec
from kedro_prefect_hooks.flows.project_flows import ProjectFlows
import os
os.environ["KEDRO_PREFECT_DISABLE"] = "1"
_, context = session.open_project(spec.ProjectRef(path=str(Path.cwd())))
del os.environ["KEDRO_PREFECT_DISABLE"]
assert ProjectFlows(context).build("outer").run().is_successful()
"""
    )
    run_code(project, home, code)
    assert flows(project) == []


def test_reloading_and_running_in_ipython_does_not(project: Project, home: Path) -> None:
    pytest.importorskip("IPython")
    code = """
import os
from importlib.util import find_spec

from IPython.core.interactiveshell import InteractiveShell

os.environ["KEDRO_ENV"] = "deploy"
shell = InteractiveShell.instance()
before_0_18_2 = "kedro.extras.extensions.ipython"
shell.run_line_magic("load_ext", "kedro.ipython" if find_spec("kedro.ipython") else before_0_18_2)
shell.run_line_magic("reload_kedro", "")
assert shell.user_ns["context"].env == "deploy"
assert shell.run_cell("session.run()").success
"""
    run_code(project, home, code)
    assert flows(project) == []


OWN_COMMAND = (
    OPEN
    + """
import click

@click.group()
def tool():
    pass

@tool.command()
def train():
    with KedroSession.create(project_path=Path.cwd(), env="deploy") as session:
        session.run()

@tool.command()
def show():
    KedroSession.create(project_path=Path.cwd(), env="deploy").load_context()
"""
)


def test_a_click_command_of_the_projects_own_registers_when_it_runs(project: Project, home: Path) -> None:
    """As on Databricks. What only loads the context does not register."""
    run_code(project, home, OWN_COMMAND + "tool(['show'])")
    assert flows(project) == []
    printed = run_code(project, home, OWN_COMMAND + "tool(['train'])")
    assert flows(project) == ["chain"]
    assert printed.count("new  chain") == 1


def test_a_project_command_of_kedros_command_line_registers_when_it_runs(
    project: Project, kedro: Callable[..., Any]
) -> None:
    code = """
import click
from pathlib import Path
from kedro.framework.cli.project import project_group
from kedro.framework.session import KedroSession

@click.group()
def cli():
    pass

cli.add_command(project_group)

@cli.command()
def train():
    with KedroSession.create(project_path=Path.cwd(), env="deploy") as session:
        session.run()
"""
    project.write(f"src/{project.package}/cli.py", code)
    printed = kedro(project, "train", ok=True).stdout
    assert printed.count("new  chain") == 1
    assert flows(project) == ["chain"]


def test_a_session_that_runs_twice_registers_once(project: Project, home: Path) -> None:
    code = """
for _ in range(2):
    with KedroSession.create(project_path=Path.cwd(), env="deploy") as session:
        session.run()
"""
    printed = run_code(project, home, OPEN + code)
    assert printed.count("new  chain") == 1
    assert printed.count("unchanged  chain") == 1


def test_an_interactive_run_says_that_it_does_not_register(project: Project, home: Path) -> None:
    pytest.importorskip("IPython")
    code = """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance()
with KedroSession.create(project_path=Path.cwd(), env="deploy") as session:
    session.run()
"""
    printed = run_code(project, home, OPEN + code)
    assert "were not registered: this is an interactive session" in printed
    assert "kedro prefect register --env deploy" in printed
    assert flows(project) == []


def test_a_misspelled_environment_is_said_where_it_was_meant(
    project: Project, kedro: Callable[..., Any]
) -> None:
    written = yaml.safe_load((project.path / "conf/base/prefect.yml").read_text(encoding="utf-8"))
    project.write_conf("base", "prefect", {**written, "register": {"environments": ["deplyo"]}})
    printed = " ".join(kedro(project, "run", "--env", "deploy", ok=True).stdout.split())
    assert "were not registered in the environment deploy" in printed
    assert "Did you mean 'deploy'?" in printed
    assert "deplyo" not in kedro(project, "run", ok=True).stdout, "a plain run is not told"
    assert flows(project) == []


def test_a_missing_prefect_yml_is_reported_in_one_message(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = scenarios.chain(tmp_path / "chain", 2)
    project.write_conf("deploy", "parameters", {})
    assert kedro(project, "run").returncode == 0
    result = kedro(project, "run", "--env", "deploy")
    assert result.returncode == 1
    assert "prefect.yml" in result.stdout
    assert "kedro prefect init" in result.stdout
    assert "Traceback" not in result.stdout
