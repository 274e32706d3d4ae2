"""Errors that the user can fix.

These are click exceptions, so that ``kedro run`` and ``kedro prefect …`` print only the message, without a
traceback, and exit with code 1. Code that catches them gets the same message from ``str(error)``.
"""

from __future__ import annotations

import difflib
import sys
from typing import IO, Any, Iterable, Optional

import click

from kedro_prefect_hooks import terminal


class KedroPrefectError(click.ClickException):
    """Base of all errors of this package that the user can fix."""

    def __str__(self) -> str:
        return self.message

    def show(self, file: Optional[IO[Any]] = None) -> None:
        """Print the message, on any terminal."""
        stream = sys.stderr if file is None else file
        text = terminal.shown(f"Error: {self.format_message()}", getattr(stream, "encoding", None))
        click.echo(text, file=stream)


class ConfigError(KedroPrefectError):
    """`prefect.yml`, or something that it names, is invalid; nothing was sent."""


class ApiError(KedroPrefectError):
    """The Prefect API is unreachable, or its response is invalid."""


class RegistrationError(KedroPrefectError):
    """A flow could not be registered."""


class FlowRunError(KedroPrefectError):
    """A flow run cannot start or continue: the project is not what was registered, or data is missing."""


def nearest(found: str, accepted: Iterable[str]) -> str | None:
    """Return the accepted word closest to `found`, ignoring case; None when none is close.

    Never `found` itself: where it is an accepted word, something else is wrong.
    """
    words = [word for word in accepted if word != found]
    same = [word for word in words if word.casefold() == str(found).casefold()]
    if same:
        return same[0]
    close = difflib.get_close_matches(str(found), words, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(found: str, accepted: Iterable[str]) -> str:
    """Return a sentence to append to a message, ``" Did you mean 'train'?"``, or "" when no word is close."""
    close = nearest(found, accepted)
    return f" Did you mean {close!r}?" if close is not None else ""
