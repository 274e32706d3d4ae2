"""What pages say that commands print is what they print, as far as that is cheap to find out.

One process runs the commands that need only a registration. Each other block of output or text is in a table,
with what compares it, or why nothing does.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from kedro_prefect_hooks.config import parse_config
from kedro_prefect_hooks.errors import ConfigError
from kedro_prefect_hooks.runs.spec import session_id_of
from tests.cli.test_tutorial import assert_output, commands
from tests.docs.pages import ROOT, Block, all_blocks
from tests.example.conftest import copy_of_the_example
from tests.scenarios.project_factory import KEDRO, clean_environment

TEXT = [block for block in all_blocks() if block.language == "text"]
CONSOLE = [block for block in all_blocks() if block.language == "console"]

COMPARED_TEXT = {
    ("README.md", "Prefect project 'flights'"): "registered",
    ("README.md", "  changed    flight-delays"): "changed",
    ("docs/explanation/registration.md", "kedro-prefect/1:flights"): "key",
    ("docs/explanation/flow-runs.md", "2026-01-31T06"): "session id",
    ("docs/how-to/secrets.md", "conf/base/prefect.yml, flows.train."): "secret",
}
"""Page and beginning of a block, and the test's name for it."""

OTHER_TEXT = {
    ("docs/reference/commands.md", ""): "generated from the commands, and checked by test_reference.py",
    ("docs/explanation/how-data-flows.md", ""): "drawings",
    ("docs/explanation/life-of-a-node.md", ""): "a drawing",
    ("docs/tutorial/one-task-per-partition.md", "clean_region: partitions "): "a drawing",
    ("CONTRIBUTING.md", "kedro_prefect_hooks/"): "a list of folders",
    ("docs/how-to/install.md", "WARNING: Ignoring"): "a message of pip 24.1, which needs a package registry",
    ("docs/how-to/docker.md", "Prefect API: "): "needs a container engine: tests/places",
    ("docs/how-to/from-the-pasted-script.md", "  changed  __default__"): "tests/registration/test_changes.py",
}
"""Page and beginning of a block that is not compared here, and why."""

COMPARED_COMMANDS = {
    "kedro run --env deploy": "registered",
    "kedro prefect flows": "flows",
    "kedro prefect plan": "plan",
}
"""Commands of the example's README whose output is compared."""

OTHER_COMMANDS = {
    "docs/tutorial/": "tests/cli/test_tutorial.py",
    "examples/flights/README.md": "its flow runs take minutes; tests/example has them",
}
"""Where pages show the output of other commands, and what compares it."""

IN_ONE_PROCESS = """
import contextlib, io, json, sys
from pathlib import Path
from kedro.framework.cli.cli import main

prefect_yml, commands = Path(sys.argv[1]), json.loads(sys.argv[2])
unedited, printed = prefect_yml.read_text(encoding="utf-8"), {}
for name, arguments, old, new in commands:
    assert old in unedited
    prefect_yml.write_text(unedited.replace(old, new, 1), encoding="utf-8")
    sys.argv = ["kedro", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.suppress(SystemExit):
        main()
    printed[name] = output.getvalue()
print(json.dumps(printed))
"""
COMMANDS = [
    # one small node, because all that counts is what the hook prints before it
    ("registered", ["run", "--env", "deploy", "--nodes", "clean_airports"], "", ""),
    ("flows", ["prefect", "flows"], "", ""),
    ("plan", ["prefect", "plan"], 'cron: "0 6 * * *"', 'cron: "30 5 * * 1-5"'),
    ("changed", ["prefect", "register"], "max_retries: 2", "max_retries: 3"),
]
"""Name, command, and an edit of `base/prefect.yml` before it."""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """What commands print in a copy of the example."""
    if KEDRO < (1, 0):
        pytest.skip("the example is a project for Kedro 1")
    folder = tmp_path_factory.mktemp("outputs")
    project = copy_of_the_example(folder)
    prefect_yml = folder / "conf_example" / "base" / "prefect.yml"
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_PROCESS, str(prefect_yml), json.dumps(COMMANDS)],
        cwd=str(project),
        env=clean_environment(folder, COLUMNS="400"),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    found["key"] = key_of(project / ".kedro_prefect" / "api.sqlite", "flight-delays")
    found["session id"] = session_id_of("8f3c1b7a90d24e56", datetime(2026, 1, 31, 6, tzinfo=timezone.utc))
    found["secret"] = error_of_a_secret()
    return found


def key_of(database: Path, flow: str) -> str:
    """The idempotency key with which a flow was registered, with another hash."""
    query = "select settings from flow_group where id in (select flow_group_id from flow where name = ?)"
    with sqlite3.connect(str(database)) as connection:
        (settings,) = next(connection.execute(query, (flow,)))
    return re.sub("[0-9a-f]{64}", f"{'3f6c':064}", str(json.loads(settings)["idempotency_key"]))


def error_of_a_secret() -> str:
    run_config = {"type": "LocalRun", "env": {"API_TOKEN": "5d0f9a7be1"}}
    with pytest.raises(ConfigError) as error:
        parse_config(
            {"flows": {"train": {"run_config": run_config}}}, files={"flows": "conf/base/prefect.yml"}
        )
    return str(error.value)


def listed(block: Block, table: Dict[Tuple[str, str], str]) -> str | None:
    for (page, start), value in table.items():
        if block.page == ROOT / page and block.text.startswith(start):
            return value
    return None


@pytest.mark.parametrize("block", TEXT, ids=lambda block: block.place)
def test_text_is_what_is_printed(block: Block, request: pytest.FixtureRequest) -> None:
    name = listed(block, COMPARED_TEXT)
    if name is None:
        assert listed(block, OTHER_TEXT), f"compare this text, or say why not in OTHER_TEXT:\n{block.text}"
        return
    # on the page, the project is somewhere else
    text = block.text.replace("/home/me/flights/", "…/")
    assert_output(request.getfixturevalue("printed")[name], text.splitlines())


def outputs() -> List[Tuple[str, str, List[str]]]:
    """Each command that is shown with its output: the place, the command and the output."""
    found = []
    for block in CONSOLE:
        if not block.text.startswith(("$ ", "^C")):
            continue
        for line, expected in commands(block.text):
            if [text for text in expected if text != "…"]:
                found.append((block.place, line.partition("  # ")[0].strip("$ "), expected))
    return found


@pytest.mark.parametrize(("place", "line", "expected"), outputs(), ids=lambda value: str(value)[:60])
def test_commands_print_what_is_shown(
    place: str, line: str, expected: List[str], request: pytest.FixtureRequest
) -> None:
    name = COMPARED_COMMANDS.get(line) if place.startswith("examples/flights/") else None
    if name is None:
        assert any(place.startswith(page) for page in OTHER_COMMANDS), (
            f"compare what {line!r} prints, or say why not in OTHER_COMMANDS"
        )
        return
    while expected and expected[0] == "…":
        expected = expected[1:]
    assert_output(request.getfixturevalue("printed")[name], expected)


def test_the_tables_have_nothing_that_is_gone() -> None:
    gone = [key for key in {**COMPARED_TEXT, **OTHER_TEXT} if not any(listed(b, {key: "x"}) for b in TEXT)]
    assert not gone
    shown = {line for place, line, _ in outputs() if place.startswith("examples/flights/")}
    assert set(COMPARED_COMMANDS) <= shown
    for reason in OTHER_TEXT.values():
        for file in re.findall(r"tests/[\w/]+(?:\.py)?", reason):
            assert (ROOT / file).exists(), file
