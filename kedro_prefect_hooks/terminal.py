"""Printing what any terminal can show: no character stops a command, and no name controls a terminal.

Knows nothing of what is printed. `click.echo` raises an exception for an arrow in a terminal with cp1252.
"""

from __future__ import annotations

import codecs
import logging
import re
import sys
from typing import Any

import click

_SPELLED = str.maketrans({"→": "->", "…": "..."})
# Control characters except tab and line feed, the escape character unless it begins a color, and what turns
# the direction of writing.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\x1b(?!\\[[0-9;]*m)"
)
_ERRORS = "kedro_prefect_hooks.spelled"


def shown(text: str, encoding: str | None) -> str:
    """The text with what must not reach a terminal escaped, and with what it cannot show spelled out."""
    text = _UNSAFE.sub(_escaped, text.replace("\r\n", "\n"))
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except LookupError:
        return text
    except UnicodeEncodeError:
        return text.encode(encoding, errors=_ERRORS).decode(encoding, errors="replace")
    return text


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_SPELLED)
    return text.encode("ascii", errors="backslashreplace").decode("ascii"), error.end


codecs.register_error(_ERRORS, _spelled)


def echo(message: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a line, as `click.echo` does."""
    stream = sys.stderr if err else sys.stdout
    click.echo(shown(str(message), getattr(stream, "encoding", None)), err=err, nl=nl)


def echo_quietly(message: object = "") -> None:
    """Print a line in a run that is not ours; a closed terminal or pipe is nothing to stop it for."""
    try:
        echo(message)
    except (OSError, ValueError):
        logging.getLogger(__name__).debug("Could not print: %s", message)


def make_streams_tolerant() -> None:
    """Let this process print any character, in a command's help and in log lines too."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and getattr(stream, "errors", None) == "strict":
            reconfigure(errors=_ERRORS)


def send_logs_to_stderr() -> None:
    """Keep log lines out of standard output, where a program reads JSON."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.Logger.manager.loggerDict))]
    for logger in loggers:
        for handler in logger.handlers:
            either: Any = handler
            if getattr(handler, "stream", None) in (sys.stdout, sys.__stdout__):
                either.setStream(sys.stderr)
            console = getattr(handler, "console", None)  # of rich
            if console is not None and not getattr(console, "stderr", False):
                console.file = sys.stderr
