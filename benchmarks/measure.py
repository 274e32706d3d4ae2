"""Measure competitors side by side: each repetition runs all of them once, one after the other.

Other load on the machine then affects all of them equally. Every run is a separate process, so no competitor
benefits from the imports, caches or memory of another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Callable, Dict, List, Mapping

from tests.scenarios.project_factory import REPOSITORY, clean_environment

Figures = Dict[str, List[float]]  # name of a figure (such as "seconds") → its value in each repetition
Group = Dict[str, Figures]  # competitor → its figures

LOGGING = Path(__file__).resolve().parent / "logging.yml"
TIMEOUT = 900


@dataclass(frozen=True)
class Probe:
    """One competitor: the function of `probes` that measures it, and its arguments.

    `runs` limits the repetitions of slow competitors.
    """

    name: str
    arguments: Mapping[str, Any]
    runs: int = 1000


def measure(
    competitors: Mapping[str, Probe], repetitions: int, home: Path, say: Callable[[str], None]
) -> Group:
    """Return the figures of each competitor, measured `repetitions` times in turn."""
    group: Group = {name: {} for name in competitors}
    for repetition in range(repetitions):
        for name, each in competitors.items():
            if repetition < each.runs:
                figures = _run(each, home)
                for figure, value in figures.items():
                    whose, _, what = figure.rpartition(
                        "|"
                    )  # of a probe that measures two competitors in turn
                    group.setdefault(whose or name, {}).setdefault(what, []).append(value)
    for name, figures in group.items():
        say(f"  {name}: " + ", ".join(f"{figure} {median(each):.3g}" for figure, each in figures.items()))
    return group


def _run(each: Probe, home: Path) -> Any:
    environment = clean_environment(home, KEDRO_LOGGING_CONFIG=str(LOGGING))
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.probe", each.name, json.dumps(dict(each.arguments))],
        cwd=REPOSITORY,
        env={**environment, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    if answer.returncode:
        raise RuntimeError(f"{each.name} {dict(each.arguments)} failed:\n{answer.stderr[-3000:]}")
    return json.loads(answer.stdout.splitlines()[-1])


def middle(group: Group, competitor: str, figure: str = "seconds") -> float:
    """Return the median of a figure."""
    return float(median(group[competitor][figure]))


def machine() -> dict[str, Any]:
    """Describe the machine and the versions of the measurement."""
    import platform

    import dask
    import kedro
    import prefect

    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "kedro": kedro.__version__,
        "prefect": prefect.__version__,
        "dask": dask.__version__,
    }
