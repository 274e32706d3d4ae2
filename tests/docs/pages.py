"""The pages of the documentation, and their fenced code blocks."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced code block: where it starts, its content, and the lines before it."""

    place: str
    text: str
    before: str


def blocks(language: str) -> Iterator[Block]:
    """Yield all code blocks of a language, from all pages."""
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for found in FENCE.finditer(content):
            if found["language"] == language:
                before = content[: found.start()].rstrip()[-200:]
                line = content[: found.start()].count("\n") + 1
                yield Block(f"{page.relative_to(ROOT)}:{line}", textwrap.dedent(found["text"]), before)
