"""What nodes print, as lines in the log of their task run (`log_stdout` in `prefect.yml`).

Prefect's own `log_stdout` replaces `sys.stdout` while a task runs. In threads, tasks then get each other's
lines, and the last task to end leaves another one's replacement behind; and a log handler that writes to
`sys.stdout`, as Kedro's does, logs what it has just written, endlessly. Here one replacement asks for each
write which task printed it, and passes everything else on to where it would have gone.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from contextvars import ContextVar
from types import FrameType
from typing import Any, Callable, Iterator


class _Lines:
    """Prints of one task, logged line by line."""

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log = log
        self._rest = ""

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._emit(line)

    def end(self) -> None:
        rest, self._rest = self._rest, ""
        self._emit(rest)

    def _emit(self, line: str) -> None:
        line = line.rstrip("\r").rpartition("\r")[2]  # of a progress display, what is visible in the end
        if line.strip():
            self._log(line)


_current: ContextVar[_Lines | None] = ContextVar("kedro_prefect_printed", default=None)


class _Stdout:
    """In place of `sys.stdout`; everything but what tasks print goes to the original."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def write(self, text: str) -> int:
        lines = _current.get()
        if lines is None or _is_written_by_logging(sys._getframe(1)):
            self.original.write(text)
        else:
            lines.write(text)
        return len(text)

    def writelines(self, texts: Any) -> None:
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


_HANDLERS_CALLED = logging.Logger.callHandlers.__code__


def _is_written_by_logging(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code is _HANDLERS_CALLED:
            return True
        frame = frame.f_back
    return False


_lock = threading.Lock()
_replacements: list[_Stdout] = []
_users = 0


@contextlib.contextmanager
def logged_prints(logger: logging.Logger) -> Iterator[None]:
    """Log what is printed in this block, by this thread and in this context, at level INFO.

    What other threads, child processes and C code write is not: it goes where it would go without this.
    """
    # Kedro's console handler would take square brackets for markup, and leave them out.
    lines = _Lines(lambda line: logger.info("%s", line, extra={"markup": False}))
    _replace_stdout()
    token = _current.set(lines)
    try:
        yield
    finally:
        _current.reset(token)
        lines.end()
        _restore_stdout()


def _replace_stdout() -> None:
    global _users
    with _lock:
        if not _users:
            _replacements[:] = [_Stdout(sys.stdout)]
            sys.stdout = _replacements[0]
        _users += 1


def _restore_stdout() -> None:
    global _users
    with _lock:
        _users -= 1
        # Something that has replaced ours in the meantime may still write to it.
        if not _users and sys.stdout is _replacements[0]:
            sys.stdout = _replacements[0].original
