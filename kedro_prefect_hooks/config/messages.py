"""How a problem in `prefect.yml` is told to a person: which file, which key, what is wrong, what is right.

Knows nothing of pydantic's models, of Prefect, or of Kedro: only of places in a file and of words.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Tuple, Union

from kedro_prefect_hooks.errors import ConfigError, did_you_mean

Key = Tuple[Union[str, int], ...]

DEFAULT_FILE = "prefect.yml"
_SHOWN_WORDS = 12
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Place:
    """A key of `prefect.yml`, and the files that its top-level keys were read from.

    Args:
        key: the path to the key, from the top of the file.
        files: for each top-level key the file that holds it; under ``""`` the file to name when the key
            is in none.
    """

    key: Key = ()
    files: Mapping[str, str] = field(default_factory=dict, compare=False)

    def at(self, *key: str | int) -> Place:
        """The place `key` below this one."""
        return Place((*self.key, *key), self.files)

    def top(self, *key: str | int) -> Place:
        """The place `key` from the top of the file."""
        return Place(key, self.files)

    @property
    def file(self) -> str:
        """The file that holds this key, as far as is known."""
        top = str(self.key[0]) if self.key else ""
        return self.files.get(top) or self.files.get("") or DEFAULT_FILE

    def __str__(self) -> str:
        return f"{self.file}, {spelt(self.key)}" if self.key else self.file


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong at one place."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def spelt(key: Key) -> str:
    """A key path as a person would write it: ``flows.train.nodes."a.b".schedule.clocks[0]``."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = f'"{part}"' if "." in part or " " in part or not part else part
            text += f".{word}" if text else word
    return text


def shown(value: Any) -> str:
    """A value as it stands in the file, short enough for one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"a mapping with {listed(map(str, value))}" if value else "an empty mapping"
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return str(value)
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def listed(words: Iterable[str]) -> str:
    """Words in a row, cut when there are too many to read."""
    words = list(words)
    more = len(words) - _SHOWN_WORDS
    return ", ".join(words[:_SHOWN_WORDS]) + (f", … ({more} more)" if more > 0 else "")


def unknown(what: str, found: str, accepted: Iterable[str], *, among: str = "Accepted") -> str:
    """Says that `found` is no known `what`, with the nearest right spelling and all the right ones."""
    words = sorted(set(accepted))
    text = f"unknown {what} {found!r}.{did_you_mean(found, words)}"
    return f"{text} {among}: {listed(words)}." if words else f"{text} {among}: none."


class WrongConfigError(ConfigError):
    """Something in `prefect.yml` is not right; `problems` has each thing by itself."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(dict.fromkeys(problems))
        super().__init__(_told(self.problems))


def _told(problems: list[Problem]) -> str:
    if len(problems) == 1:
        return str(problems[0])
    files = list(dict.fromkeys(problem.place.file for problem in problems))
    if len(files) == 1:  # then once is enough
        lines = [f"{spelt(problem.place.key) or 'the file'}: {problem.text}" for problem in problems]
    else:
        lines = [str(problem) for problem in problems]
    return "\n".join([f"{len(lines)} problems in {' and '.join(files)}:", *(f"- {line}" for line in lines)])


def error_of(problems: Iterable[Problem]) -> WrongConfigError:
    """All the problems in one message, in the order given, each said once."""
    return WrongConfigError(problems)
