"""Counts function calls: how cost grows, whatever else the machine does meanwhile."""

from __future__ import annotations

import sys
from typing import Any, Callable


def counted(work: Callable[[], Any], *, of: str | None = None) -> int:
    """How many Python functions `work` calls, in this thread; with `of`, those of that source file alone."""
    calls = 0

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal calls
        calls += event == "call" and of in (None, frame.f_code.co_filename)

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls
