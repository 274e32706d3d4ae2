"""The cost of our commands for every other command: `kedro --help` with and without our entry points.

`python benchmarks/cli_help.py` prints the CPU seconds of both, measured in turn in one run. Goal: at most
2% more.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PAIRS = 15

KEDRO = """
import importlib.metadata as metadata, sys
how = sys.argv.pop(1)
everything = metadata.entry_points

def chosen(**wanted):
    found = everything(**wanted)
    if isinstance(found, dict):  # Python 3.10 and 3.11, if no group is requested
        found = [entry_point for group in found.values() for entry_point in group]
    excluded = "kedro_prefect_hooks" if how == "without" else "no such package"
    return metadata.EntryPoints(each for each in found if not each.value.startswith(excluded))

metadata.entry_points = chosen
from kedro.framework.cli import main
main()
"""


def seconds(how: str, folder: Path) -> float:
    """Return the CPU time of one `kedro --help`, which does not include other work of the machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1"}
    output = subprocess.run(
        [sys.executable, "-c", KEDRO, how, "--help"],
        cwd=str(folder),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("Prefect 1 flows" in output) == (how == "with"), output
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


IMPORT = """
import time, kedro.framework.cli.cli
start = time.process_time()
import kedro_prefect_hooks.cli
print(time.process_time() - start)
"""


def import_seconds(folder: Path) -> float:
    """Return the import time of our entry point: the minimum of ten, because machines are noisy."""
    return min(
        float(
            subprocess.run(
                [sys.executable, "-c", IMPORT], cwd=str(folder), capture_output=True, text=True, check=True
            ).stdout.split()[-1]
        )
        for _ in range(10)
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new = ["kedro", "new", "--name", "Help", "--tools", "none", "--example", "n", "--telemetry", "no"]
        subprocess.run([sys.executable, "-m", *new], cwd=name, capture_output=True, check=True)
        folder = folder / "help"
        seconds("with", folder), seconds("without", folder)  # the first runs compile
        times: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(PAIRS):
            for how, measured in times.items():
                measured.append(seconds(how, folder))
    print(f"kedro --help in a project, {PAIRS} runs each in turn, CPU time:")
    for word, figure in (("minimum", min), ("median", statistics.median)):
        ours, theirs = figure(times["with"]), figure(times["without"])
        print(f"  {word:<7}  {theirs:.3f} s without our entry points, {ours:.3f} s with them", end="")
        print(f"  ({(ours / theirs - 1) * 100:+.1f}%)")
    alone, least = import_seconds(Path.cwd()), min(times["without"])
    print(f"  importing our entry point takes {alone * 1000:.2f} ms of that: {alone / least * 100:.2f}%")


if __name__ == "__main__":
    main()
