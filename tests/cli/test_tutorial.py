"""The tutorials, followed step by step: their commands run, and print the output that they show."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

from tests.cli.conftest import Background
from tests.scenarios.project_factory import KEDRO, REPOSITORY, Project, clean_environment, make_project

TUTORIALS = REPOSITORY / "docs" / "tutorial"

FENCE = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PORT = "http://127.0.0.1:4200"
"""Where `up` listens; here it is any free port, because other processes may use this one."""


def steps(page: str) -> Iterator[tuple[str, str, str]]:
    """All code blocks of a page: the line before, the language, the content."""
    for match in FENCE.finditer((TUTORIALS / page).read_text(encoding="utf-8")):
        yield match[1], match[2], match[3]


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with its expected output."""
    command, expected = "", []
    for line in block.splitlines():
        if line.startswith("$ ") or line == "^C":
            if command:
                yield command, expected
            command, expected = line, []
        else:
            expected.append(line)
    yield command, expected


def assert_output(output: str, expected: list[str]) -> None:
    """`…` on a line of its own matches any number of lines, and within a line any text."""
    patterns = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?").replace("4200", r"\d+") + "\n"
        for line in expected
    ]
    assert re.search("^" + "".join(patterns), output + "\n", re.MULTILINE), (
        f"expected:\n{chr(10).join(expected)}\n\noutput:\n{output}"
    )


def test_assert_output_can_fail() -> None:
    assert_output("one\ntwo 17 s\nthree", ["one", "two … s", "…"])
    with pytest.raises(AssertionError):
        assert_output("one\nbetween\ntwo", ["one", "two"])
    with pytest.raises(AssertionError):
        assert_output("one\ntwo", ["…", "three"])


@pytest.mark.skipif(
    KEDRO < (0, 19, 6), reason="`kedro new` of this Kedro asks for its options in another way"
)
def test_the_tutorial(tmp_path: Path, home: Path, background: Callable[..., Background]) -> None:
    folder = tmp_path
    api: Background | None = None
    count = 0
    for before, language, content in steps("first-flow.md"):
        if language in ("python", "yaml"):
            write_file(folder, before, content)
        elif language == "console":
            for command, expected in commands(content):
                count += 1
                if command == "^C":
                    assert api is not None
                    assert_output(api.stop(), expected)
                elif command == "$ kedro prefect up":
                    api = background(Project(folder, "hello_flow"), "up", "--port", "0")
                    assert_output(api.wait_for("Press Ctrl+C to stop the API and the agent."), expected)
                elif command.startswith("$ cd "):
                    folder = folder / command[len("$ cd ") :]
                    assert folder.is_dir()
                else:
                    assert_output(_run(command[2:], folder, home), expected)
    assert count >= 12
    assert "hello-flow" in (folder / "hello-flow.html").read_text(encoding="utf-8")


def test_one_task_per_partition(tmp_path: Path, home: Path) -> None:
    pytest.importorskip("kedro_datasets.partitions.partitioned_dataset")
    registry = "from kedro.framework.project import find_pipelines as register_pipelines\n"
    folder = make_project(tmp_path / "hello-flow", pipelines=registry, package="hello_flow").path
    count = 0
    for before, language, content in steps("one-task-per-partition.md"):
        if language in ("python", "yaml"):
            write_file(folder, before, content)
        elif language == "console":
            for command, expected in commands(content):
                count += 1
                assert_output(_run(command[2:], folder, home), expected)
    assert count == 1
    ranking = (folder / "data" / "08_reporting" / "ranking.txt").read_text()
    assert ranking == "south > north > east > west"


def write_file(folder: Path, before: str, content: str) -> None:
    """Write a file that the line before a code block names."""
    named = re.search(r"`([\w./-]+)`(?: to)?:$", before)
    assert named is not None, f"the text before does not name the file for:\n{content}"
    path = folder / named[1]
    if before.startswith("Change the end"):
        kept = path.read_text(encoding="utf-8").partition("\nflows:\n")[0]
        content = f"{kept}\n{content}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _run(command: str, folder: Path, home: Path) -> str:
    """The output of a command, which must succeed (or, for `plan`, exit with 3: something to register)."""
    program, *arguments = shlex.split(command)
    assert program == "kedro", command
    kedro = shutil.which("kedro", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    result = subprocess.run(
        [str(kedro), *arguments],
        cwd=str(folder),
        env=clean_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert result.returncode in ((0, 3) if "plan" in arguments else (0,)), result.stdout
    return result.stdout
