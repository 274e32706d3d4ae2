"""What a prepared process runs: `python -m kedro_prefect_hooks.agent.become_flow_run`.

It imports libraries, waits for one line of JSON on its standard input, and continues as `execute_flow_run`
with the environment and the output file that the line names. At the end of its input it exits.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys

from kedro_prefect_hooks.garbage import no_collection

LIBRARIES = (
    # of Prefect
    "asyncio",
    "distutils.version",
    "smtplib",
    "box",
    "croniter",
    "marshmallow_oneofschema",
    "pendulum",
    "requests",
    # of Kedro; pandas, as its MemoryDataset imports that
    "dynaconf",
    "fsspec",
    "omegaconf",
    "pandas",
    "rich.logging",
    "rich.traceback",
    # of this package
    "psutil",
    "pydantic",
)
"""Not all are installed everywhere, and none reads what differs between flow runs."""


def main() -> None:
    """Prepare, wait, and run a flow run."""
    with no_collection():
        for name in LIBRARIES:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return  # the agent has ended
    order = json.loads(line)
    _redirect(order["output"])
    os.environ.clear()
    os.environ.update(order["env"])
    from kedro_prefect_hooks.agent import execute_flow_run

    execute_flow_run.main()


def _redirect(output: str) -> None:
    """Read from nowhere, and append to the flow run's file."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    file = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(nowhere, 0)
    for number in (1, 2):
        os.dup2(file, number)
    os.close(nowhere)
    os.close(file)


if __name__ == "__main__":
    main()
