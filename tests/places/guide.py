"""The guides in docs/how-to, as tests follow them: their own commands and configuration.

What cannot be as on a page, such as an address, is in a table of changes. `unused` names what no test has
used.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, NamedTuple

import yaml

from tests.docs.pages import DOCS, FENCE

Changes = Mapping[str, str]

_USED: set[Part] = set()
_CHANGED: set[str] = set()


class Part(NamedTuple):
    """A command, or a block of another language."""

    page: str
    heading: str
    language: str
    text: str


def parts(page: str) -> Iterator[Part]:
    """The parts of a page, in order."""
    content = (DOCS / "how-to" / page).read_text(encoding="utf-8")
    for found in FENCE.finditer(content):
        prose = FENCE.sub("", content[: found.start()])
        heading = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)[-1]
        language, text = found["language"], found["text"]
        texts = filter(None, text.splitlines()) if language == "console" else [text]
        for each in texts:
            yield Part(page, heading, language, each)


class Guide:
    """A page that a test follows.

    Args:
        page: its file.
        changes: what to replace, and by what. A key that is a whole command replaces that only.
    """

    def __init__(self, page: str, changes: Changes) -> None:
        self.page = page
        self.changes = changes

    def commands(self, heading: str, **more: str) -> list[str]:
        """The commands below a heading, for a shell; `more` changes them too."""
        return self._texts("console", heading, more)

    def text(self, language: str, heading: str, number: int = 0) -> str:
        """A block of another language below a heading."""
        return self._texts(language, heading, {}, number)[0]

    def yaml(self, heading: str, number: int = 0) -> Any:
        """The content of a block of YAML."""
        return yaml.safe_load(self.text("yaml", heading, number))

    def _texts(self, language: str, heading: str, more: Changes, number: int | None = None) -> list[str]:
        found = [p for p in parts(self.page) if p.language == language and p.heading == heading]
        if number is not None:
            found = found[number : number + 1]
        assert found, f"{self.page} has no {language} below the heading {heading!r}"
        _USED.update(found)
        return [_changed(part.text, {**self.changes, **more}) for part in found]


def _changed(text: str, changes: Changes) -> str:
    if text in changes:
        _CHANGED.add(text)
        return changes[text]
    for old, new in changes.items():
        if old in text:
            _CHANGED.add(old)
            text = text.replace(old, new)
    return text


def unused(*pages: str) -> list[Part]:
    """What no test has used of these pages."""
    return [part for page in pages for part in parts(page) if part not in _USED]


def unknown(changes: Changes) -> set[str]:
    """Changes of what no used part of a page has."""
    return set(changes) - _CHANGED


def variables(commands: list[str]) -> list[str]:
    """The environment variables that commands give to flow runs."""
    return re.findall(r"--env-var (\w+)", " ".join(commands))
