"""The pages of the documentation, and their fenced code blocks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
"""The site, and the page that a repository shows first."""
ALL_PAGES = [*PAGES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "examples").glob("*/README.md"))]
"""Also the pages that are only in the repository."""

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced code block: where it starts, its content, the lines before it, and its language."""

    place: str
    text: str
    before: str
    language: str

    @property
    def page(self) -> Path:
        return ROOT / self.place.rpartition(":")[0]


def all_blocks(pages: Sequence[Path] = ALL_PAGES) -> Iterator[Block]:
    """Yield all code blocks of pages."""
    for page in pages:
        content = page.read_text(encoding="utf-8")
        for found in FENCE.finditer(content):
            before = content[: found.start()].rstrip()[-200:]
            place = f"{page.relative_to(ROOT).as_posix()}:{content[: found.start()].count(chr(10)) + 1}"
            text = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
            yield Block(place, text, before, found["language"])


def blocks(language: str) -> Iterator[Block]:
    """Yield all code blocks of a language."""
    yield from (block for block in all_blocks() if block.language == language)
