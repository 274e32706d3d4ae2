"""What goes wrong for a reason that the user can mend.

These are click exceptions, so that ``kedro run`` and ``kedro prefect …`` print the message alone, without
a traceback, and end with exit code 1; code that catches them reads the same message from ``str(error)``.
"""

from __future__ import annotations

import difflib
from typing import Iterable

import click


class KedroPrefectError(click.ClickException):
    """Base of every error of this package that is meant for a person."""

    def __str__(self) -> str:
        return self.message


class ConfigError(KedroPrefectError):
    """`prefect.yml` (or what it names) is not right; nothing was sent."""


class ApiError(KedroPrefectError):
    """The Prefect API is away, or answered with something that is not an answer."""


class RegistrationError(KedroPrefectError):
    """A flow could not be registered."""


class FlowRunError(KedroPrefectError):
    """A flow run cannot start or go on: the project is not what was registered, or data is missing."""


def nearest(found: str, accepted: Iterable[str]) -> str | None:
    """The accepted word closest to `found`, whatever its case; None when none is close."""
    words = list(accepted)
    same = [word for word in words if word.casefold() == str(found).casefold()]
    if same:
        return same[0]
    close = difflib.get_close_matches(str(found), words, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(found: str, accepted: Iterable[str]) -> str:
    """A sentence to append to a message, ``" Did you mean 'train'?"``; empty when no word is close."""
    close = nearest(found, accepted)
    return f" Did you mean {close!r}?" if close is not None else ""
