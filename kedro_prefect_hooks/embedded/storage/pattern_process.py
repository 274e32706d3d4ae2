"""Regular expressions of clients, matched in a process of their own that can be stopped.

Python's `re` can take longer than the universe is old, holds the interpreter's lock meanwhile, and cannot be
interrupted. The process is started when a request has its first pattern, and ends with the request, or when
the request's time is up, even if the API has been killed.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from typing import IO, Any

from kedro_prefect_hooks.embedded.storage import request_budget
from kedro_prefect_hooks.embedded.storage.request_budget import Budget, OverBudget
from kedro_prefect_hooks.embedded.storage.values import DataError

MAX_PATTERN_LENGTH = 1_000

_DEFAULT_SECONDS = 10.0
_LOOK_SECONDS = 0.25
"""How often it is looked at whether the API is being stopped."""

_MARGIN_SECONDS = 2.0
"""For which the process outlives the request's time if nobody stops it."""

_CODE = """
import faulthandler, json, re, sys
# Its thread needs no Python, which `re` does not let run, and is the same on every system.
faulthandler.dump_traceback_later(float(sys.argv[1]), exit=True)
compiled = {}
for line in sys.stdin:
    pattern, flags, whole, text = json.loads(line)
    try:
        found = compiled.get((pattern, flags)) or re.compile(pattern, flags)
        compiled[pattern, flags] = found
        answer = bool(found.fullmatch(text) if whole else found.search(text))
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        answer = str(error) or type(error).__name__
    print(json.dumps(answer), flush=True)
"""


def matches(pattern: str, flags: int, text: str, *, whole: bool) -> bool:
    """Whether a text, or a part of it, matches a regular expression.

    Raises:
        DataError: the expression is invalid.
        OverBudget: it takes longer than the request that this thread answers may take.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise DataError(f"The pattern is too long: it has more than {MAX_PATTERN_LENGTH} characters.")
    budget = request_budget.current()
    if budget is None:
        alone = _PatternProcess(Budget(_DEFAULT_SECONDS))
        try:
            return alone.matches(pattern, flags, text, whole)
        finally:
            alone.close()
    process: _PatternProcess | None = getattr(budget, "pattern_process", None)
    if process is None:
        process = budget.pattern_process = _PatternProcess(budget)  # type: ignore[attr-defined]
        budget.at_end(process.close)
    return process.matches(pattern, flags, text, whole)


class _PatternProcess:
    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        lifetime = max(0.0, budget.seconds_left) + _MARGIN_SECONDS
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CODE, str(lifetime)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
            start_new_session=True,  # Ctrl+C is not for it
        )
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._kill_in_time, name="pattern-watch", daemon=True)
        self._watch.start()

    def matches(self, pattern: str, flags: int, text: str, whole: bool) -> bool:
        try:
            _stream(self._process.stdin).write(json.dumps([pattern, flags, whole, text]) + "\n")
            _stream(self._process.stdin).flush()
            line = _stream(self._process.stdout).readline()
        except OSError:
            line = ""
        if not line:
            self._budget.check()
            raise OverBudget("The process that matches patterns has ended.")
        answer = json.loads(line)
        if isinstance(answer, str):
            raise DataError(f"invalid regular expression: {answer}")
        return bool(answer)

    def close(self) -> None:
        self._closed.set()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was still to be written
                _stream(stream).close()

    def _kill_in_time(self) -> None:
        while not self._closed.wait(max(0.0, min(self._budget.seconds_left, _LOOK_SECONDS))):
            if self._budget.is_over():
                self._process.kill()
                return


def _stream(stream: IO[Any] | None) -> IO[Any]:
    assert stream is not None
    return stream
