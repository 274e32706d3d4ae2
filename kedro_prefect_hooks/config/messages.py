"""Messages about a problem in `prefect.yml`: the file, the key, what was found, what is accepted.

Knows nothing of pydantic's models, of Prefect, or of Kedro.
"""

from __future__ import annotations

import datetime
import re
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping, Tuple, Union

from kedro_prefect_hooks.config.secret_shapes import secret_shape
from kedro_prefect_hooks.errors import ConfigError, did_you_mean

Key = Tuple[Union[str, int], ...]

DEFAULT_FILE = "prefect.yml"
_MAX_NAMES = 12
_MAX_CHARACTERS = 60
_MAX_LINES = 30
_MAX_PLACES = 4
_MAX_ALIKE = 5


@dataclass(frozen=True)
class Place:
    """A key of `prefect.yml`, and the files that its top-level keys were read from.

    Args:
        key: the path to the key, from the top of the file.
        files: for each top-level key the file that holds it; under ``""`` the file to name when none holds
            the key. A whole key path may have its own file.
    """

    key: Key = ()
    files: Mapping[Any, str] = field(default_factory=dict, compare=False)

    def at(self, *key: str | int) -> Place:
        """The place `key` below this one."""
        return Place((*self.key, *key), self.files)

    def top(self, *key: str | int) -> Place:
        """The place `key` from the top of the file."""
        return Place(key, self.files)

    @property
    def file(self) -> str:
        """The file that holds this key, as far as is known."""
        for length in range(len(self.key), 0, -1):
            if self.key[:length] in self.files:
                return self.files[self.key[:length]]
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
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return f"a mapping with {format_names(map(str, value))}" if value else "an empty mapping"
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return str(value)
    text = repr(value)
    shape = secret_shape(text)
    if shape is not None:
        return f"<{shape}>"
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def format_error(error: BaseException) -> str:
    """An exception of the user's own code: its class, its message, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{f': {redacted(text)}' if text else ''}{where}"


def redacted(text: str) -> str:
    """The text, or what it looks like in place of a secret."""
    shape = secret_shape(text)
    return text if shape is None else f"<{shape}>"


def format_names(names: Iterable[str]) -> str:
    """Names separated by commas, cut when there are too many to read."""
    names = list(names)
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f", … ({more} more)" if more > 0 else "")


def unknown_name(what: str, found: str, accepted: Iterable[str], *, among: str = "Accepted") -> str:
    """Say that there is no `what` named `found`, with the nearest spelling and all accepted names."""
    names = sorted(set(accepted))
    text = f"unknown {what} {redacted(found)!r}.{did_you_mean(found, names)}"
    return f"{text} {among}: {format_names(names)}." if names else f"{text} {among}: none."


class InvalidConfigError(ConfigError):
    """`prefect.yml` is invalid; `problems` lists why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(dict.fromkeys(problems))
        super().__init__(_message(self.problems))


def _message(problems: list[Problem]) -> str:
    folded: dict[tuple[str, str], list[Place]] = {}
    for problem in problems:
        folded.setdefault((problem.place.file, problem.text), []).append(problem.place)
    if len(folded) == 1:
        ((file, text), places) = next(iter(folded.items()))
        keys = _keys(places)
        return f"{file}, {keys}: {text}" if keys else f"{file}: {text}"
    files = list(dict.fromkeys(file for file, _ in folded))
    lines = []
    shown: Counter[tuple[str, str, str]] = Counter()
    others: dict[tuple[str, str, str], list[Place]] = {}
    for (file, text), places in folded.items():
        kind = _kind(file, text, places[0])
        shown[kind] += 1
        if shown[kind] > _MAX_ALIKE:
            others.setdefault(kind, []).extend(places)
            continue
        keys = _keys(places)
        if len(files) == 1:  # named once, in the first line
            lines.append(f"{keys or 'the file'}: {text}")
        else:
            lines.append(f"{file}, {keys}: {text}" if keys else f"{file}: {text}")
    for (file, _, _), places in others.items():
        where = "" if len(files) == 1 else f"{file}, "
        lines.append(f"{where}{_keys(places)}: the same kind of problem")
    more = len(lines) - _MAX_LINES
    lines = lines[:_MAX_LINES] + ([f"… {more} more of them"] if more > 0 else [])
    return "\n".join(
        [f"{len(problems)} problems in {' and '.join(files)}:", *(f"- {line}" for line in lines)]
    )


def _kind(file: str, text: str, place: Place) -> tuple[str, str, str]:
    """What problems have in common that differ in names only: the file, the key, the text without names."""
    key = "" if not place.key or isinstance(place.key[-1], int) else place.key[-1]
    words = re.sub(r"'[^']*'", "'…'", text)
    return file, key, words.partition(" Did you mean")[0]


def _keys(places: list[Place]) -> str:
    """The key paths of problems with the same text; the first ones if there are many."""
    keys = [format_key(place.key) for place in places]
    more = len(keys) - _MAX_PLACES
    return ", ".join(keys[:_MAX_PLACES]) + (f" and {more} more" if more > 0 else "")
