"""Counts the function calls of projects' flows: `python -m … build|run PATH…`."""

from __future__ import annotations

import os
import sys

from benchmarks.probes import _flows
from kedro_prefect_hooks.registration.serialized import serialized
from tests.calls import counted


def count_one(what: str, path: str) -> int:
    """Calls made to build or to run the flow of one project."""
    flows = _flows(path)
    flow = flows.build("bench")  # once, for what is imported or cached by it
    if what == "build":
        return counted(lambda: serialized(flows.build("bench")))
    assert flow.run().is_successful()
    return counted(flow.run)


def main(what: str, paths: list[str]) -> None:
    """Print the count of each project, a line each."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for path in paths:
        print(count_one(what, path), file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
