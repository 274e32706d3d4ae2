"""Counts function calls, which no other load on the machine changes: `python -m … FLOWS|RUN PATH`."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable

from benchmarks.probes import _flows
from kedro_prefect_hooks.registration.serialized import serialized


def counted(work: Callable[[], Any]) -> int:
    """How many Python functions `work` calls, in this thread."""
    calls = 0

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def main(what: str, path: str) -> None:
    """Print the count as the last line."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    flows = _flows(path)
    if what == "build":
        flows.build("bench")  # once, for what is imported or cached by it
        calls = counted(lambda: serialized(flows.build("bench")))
    else:
        flow = flows.build("bench")
        assert flow.run().is_successful()
        calls = counted(flow.run)
    print(calls, file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
