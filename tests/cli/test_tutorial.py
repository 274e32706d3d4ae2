"""The tutorial, as a newcomer follows it: its commands are run, and print what it says they print."""

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
from tests.scenarios.project_factory import KEDRO, REPOSITORY, Project, clean_environment

TUTORIAL = REPOSITORY / "docs" / "tutorial" / "first-flow.md"

FENCE = re.compile(r"([^\n]*)\n\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PORT = "http://127.0.0.1:4200"
"""Where `up` listens; here any free port, for others may be at work on this machine."""


def steps() -> Iterator[tuple[str, str, str]]:
    """All blocks of code: the line before, the language, the content."""
    for match in FENCE.finditer(TUTORIAL.read_text(encoding="utf-8")):
        yield match[1], match[2], match[3]


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines that it is to print."""
    command, expected = "", []
    for line in block.splitlines():
        if line.startswith("$ ") or line == "^C":
            if command:
                yield command, expected
            command, expected = line, []
        else:
            expected.append(line)
    yield command, expected


def assert_printed(printed: str, expected: list[str]) -> None:
    """`…` alone stands for any lines or none, within a line for any text. Other lines follow each other."""
    patterns = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?").replace("4200", r"\d+") + "\n"
        for line in expected
    ]
    assert re.search("^" + "".join(patterns), printed + "\n", re.MULTILINE), (
        f"expected:\n{chr(10).join(expected)}\n\nprinted:\n{printed}"
    )


def test_assert_printed_can_fail() -> None:
    assert_printed("one\ntwo 17 s\nthree", ["one", "two … s", "…"])
    with pytest.raises(AssertionError):
        assert_printed("one\nbetween\ntwo", ["one", "two"])
    with pytest.raises(AssertionError):
        assert_printed("one\ntwo", ["…", "three"])


@pytest.mark.skipif(
    KEDRO < (0, 19, 6), reason="`kedro new` of this Kedro asks for its options in another way"
)
def test_the_tutorial(tmp_path: Path, home: Path, background: Callable[..., Background]) -> None:
    folder = tmp_path
    api: Background | None = None
    seen = 0
    for before, language, content in steps():
        path = re.search(r"`([\w./-]+)`(?: to)?:$", before)
        if language in ("python", "yaml"):
            assert path is not None, f"it is not said where this goes:\n{content}"
            _write(folder / path[1], content, replace_end=before.startswith("Change the end"))
        elif language == "console":
            for command, expected in commands(content):
                seen += 1
                if command == "^C":
                    assert api is not None
                    assert_printed(api.end(), expected)
                elif command == "$ kedro prefect up":
                    api = background(Project(folder, "hello_flow"), "up", "--port", "0")
                    assert_printed(api.wait_for("Ctrl-C ends it all."), expected)
                elif command.startswith("$ cd "):
                    folder = folder / command[len("$ cd ") :]
                    assert folder.is_dir()
                else:
                    assert_printed(_run(command[2:], folder, home), expected)
    assert seen >= 12
    assert "hello-flow" in (folder / "hello-flow.html").read_text(encoding="utf-8")


def _write(path: Path, content: str, *, replace_end: bool) -> None:
    if replace_end:
        kept = path.read_text(encoding="utf-8").partition("\nflows:\n")[0]
        content = f"{kept}\n{content}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _run(command: str, folder: Path, home: Path) -> str:
    """What a command prints; it must succeed, but for `plan`, whose 2 means that there is something to do."""
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
    assert result.returncode in ((0, 2) if "plan" in arguments else (0,)), result.stdout
    return result.stdout
