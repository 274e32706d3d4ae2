"""What having our commands costs everybody else: `kedro --help` with our entry points and without.

`python benchmarks/cli_help.py` prints processor seconds of both, measured in turn in one run. Goal: at most
2 % more.
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
    if isinstance(found, dict):  # Python 3.10 and 3.11, when no group is asked for
        found = [each for group in found.values() for each in group]
    ours = "kedro_prefect_hooks" if how == "without" else "nobody's"
    return metadata.EntryPoints(each for each in found if not each.value.startswith(ours))

metadata.entry_points = chosen
from kedro.framework.cli import main
main()
"""


def seconds(how: str, folder: Path) -> float:
    """Processor time of one `kedro --help`; the machine's other work does not count."""
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
began = time.process_time()
import kedro_prefect_hooks.cli
print(time.process_time() - began)
"""


def import_seconds(folder: Path) -> float:
    """What Kedro loads of us, by itself: the least of ten, for differences drown in a busy machine."""
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
        seconds("with", folder), seconds("without", folder)  # the first ones compile
        times: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(PAIRS):
            for how, measured in times.items():
                measured.append(seconds(how, folder))
    print(f"kedro --help in a project, {PAIRS} runs each in turn, processor time:")
    for word, figure in (("least", min), ("median", statistics.median)):
        ours, theirs = figure(times["with"]), figure(times["without"])
        print(f"  {word:<6}  {theirs:.3f} s without our entry points, {ours:.3f} s with them", end="")
        print(f"  ({(ours / theirs - 1) * 100:+.1f} %)")
    alone, least = import_seconds(Path.cwd()), min(times["without"])
    print(f"  importing our entry point takes {alone * 1000:.2f} ms of that: {alone / least * 100:.2f} %")


if __name__ == "__main__":
    main()
