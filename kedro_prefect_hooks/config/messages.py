"""Messages about a problem in `prefect.yml`: the file, the key, what was found, what is accepted.

Knows nothing of pydantic's models, of Prefect, or of Kedro.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Tuple, Union

from kedro_prefect_hooks.errors import ConfigError, did_you_mean

Key = Tuple[Union[str, int], ...]

DEFAULT_FILE = "prefect.yml"
_MAX_NAMES = 12
_MAX_CHARACTERS = 60


@dataclass(frozen=True)
class Place:
    """A key of `prefect.yml`, and the files that its top-level keys were read from.

    Args:
        key: the path to the key, from the top of the file.
        files: for each top-level key the file that holds it; under ``""`` the file to name when none holds
            the key.
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
        return f"{self.file}, {format_key(self.key)}" if self.key else self.file


@dataclass(frozen=True)
class Problem:
    """One problem at one place."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def format_key(key: Key) -> str:
    """A key path in dotted form: ``flows.train.nodes."a.b".schedule.clocks[0]``."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = f'"{part}"' if "." in part or " " in part or not part else part
            text += f".{word}" if text else word
    return text


def format_value(value: Any) -> str:
    """A value as written in the file, short enough for one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"a mapping with {format_names(map(str, value))}" if value else "an empty mapping"
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return str(value)
    text = repr(value)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def format_names(names: Iterable[str]) -> str:
    """Names separated by commas, cut when there are too many to read."""
    names = list(names)
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f", … ({more} more)" if more > 0 else "")


def unknown_name(what: str, found: str, accepted: Iterable[str], *, among: str = "Accepted") -> str:
    """Say that there is no `what` named `found`, with the nearest spelling and all accepted names."""
    names = sorted(set(accepted))
    text = f"unknown {what} {found!r}.{did_you_mean(found, names)}"
    return f"{text} {among}: {format_names(names)}." if names else f"{text} {among}: none."


class InvalidConfigError(ConfigError):
    """`prefect.yml` is invalid; `problems` lists why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(dict.fromkeys(problems))
        super().__init__(_message(self.problems))


def _message(problems: list[Problem]) -> str:
    if len(problems) == 1:
        return str(problems[0])
    files = list(dict.fromkeys(problem.place.file for problem in problems))
    if len(files) == 1:  # named once, in the first line
        lines = [f"{format_key(problem.place.key) or 'the file'}: {problem.text}" for problem in problems]
    else:
        lines = [str(problem) for problem in problems]
    return "\n".join([f"{len(lines)} problems in {' and '.join(files)}:", *(f"- {line}" for line in lines)])
