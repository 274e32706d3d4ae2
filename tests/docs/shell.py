"""The commands of console blocks, as a shell would read them."""

from __future__ import annotations

import re
import shlex
from typing import Iterator, List, NamedTuple

from tests.docs.pages import Block

_ASSIGNMENT = re.compile(r"[A-Z_][A-Z0-9_]*=")


class Command(NamedTuple):
    """One command: its block, its words, and the environment variables that are set for it."""

    block: Block
    words: List[str]
    variables: List[str]

    def __str__(self) -> str:
        return f"{self.block.place}: {' '.join(self.words)}"


def lines_of(block: Block) -> Iterator[str]:
    """The commands that a person types. Beside prompts or `^C`, other lines are what is printed."""
    lines = block.text.splitlines()
    if any(line.startswith("$ ") or line == "^C" for line in lines):
        yield from (line[2:] for line in lines if line.startswith("$ "))
    else:
        yield from (line for line in lines if line.strip())


def commands_of(block: Block) -> Iterator[Command]:
    """The commands of a block, also several on one line."""
    for line in lines_of(block):
        words: List[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word != "&&":
                words.append(word)
            elif words:
                yield _command(block, words)
                words = []


def _command(block: Block, words: List[str]) -> Command:
    if words[0] == "export":
        return Command(block, ["export"], words[1:])
    count = next((i for i, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    return Command(block, words[count:], words[:count])
