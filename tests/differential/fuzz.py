"""`make fuzz`: as many cases as there is time for, each with new random numbers.

    make fuzz SECONDS=1800                    until the first difference
    make fuzz SECONDS=1800 KEEP=1 SEED=7      go on after a difference; the same cases as before
    make fuzz CASE=threads-7-112              one case again
    make fuzz ARGS="--only agent"             flow runs under an agent, and restarts
    make fuzz PYTHON_BIN=other/bin/python     with another Kedro

A case that differs is made smaller and written as two projects, with a script that runs both.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import List

from kedro import __version__ as kedro_version

from tests.differential.case_folder import write_case
from tests.differential.cases import AGENT, DASK, LOCAL, PROCESSES, THREADS, TIMEOUTS, Case, case_named
from tests.differential.compare import verdict
from tests.differential.driver_process import DriverProcess
from tests.differential.minimise import minimised

SHARES = {LOCAL: 60, THREADS: 18, DASK: 14, PROCESSES: 5, TIMEOUTS: 3, AGENT: 5}
"""How often each executor is drawn; the last three start processes in each case."""

PROGRESS_SECONDS = 30


class Fuzz:
    """One session: its workers take the next case until the time is over or one differs."""

    def __init__(
        self,
        seed: int,
        seconds: float,
        *,
        only: List[str],
        keep: bool,
        minimise_seconds: float,
        to: Path,
    ) -> None:
        self.seed = seed
        self.shares = {name: share for name, share in SHARES.items() if not only or name in only}
        self.until = time.monotonic() + seconds
        self.keep = keep
        self.minimise_seconds = minimise_seconds
        self.to = to
        self.cases: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.failed: List[str] = []
        self._lock = threading.Lock()
        self._number = 0
        self._progress = time.monotonic()

    def work(self) -> None:
        """Run cases one after the other."""
        driver = DriverProcess()
        try:
            while time.monotonic() < self.until and (self.keep or not self.failed):
                self.one(driver, self._next())
        finally:
            driver.close()

    def _next(self) -> str:
        with self._lock:
            self._number += 1
            drawn = random.Random(f"{self.seed}-{self._number}")
            executor = drawn.choices(list(self.shares), list(self.shares.values()))[0]
            return f"{executor}-{self.seed}-{self._number}"

    def one(self, driver: DriverProcess, name: str) -> None:
        """Run a case and count it; where it differs, write it."""
        case = case_named(name)
        found = verdict(case, driver.run(case))
        with self._lock:
            self.cases[name.split("-", maxsplit=1)[0]] += 1
            if found.refused:
                self.refused[found.refused] += 1
            if time.monotonic() - self._progress > PROGRESS_SECONDS:
                self._progress = time.monotonic()
                self.print_counts()
        if found.differences:
            self.failed.append(name)
            print(
                f"\n{name} differs:\n  " + "\n  ".join(text[:2000] for text in found.differences), flush=True
            )
            small = minimised(name, lambda each: bool(_differences(driver, each)), self.minimise_seconds)
            self.write(name, small, _differences(driver, small) or found.differences)

    def write(self, name: str, case: Case, differences: List[str]) -> None:
        """Write a case as two projects and a script."""
        folder = self.to / name
        write_case(folder, case)
        (folder / "differences.txt").write_text("\n\n".join(differences) + "\n", encoding="utf-8")
        print(
            f"  made smaller: {folder}/run.sh\n  " + "\n  ".join(text[:1000] for text in differences),
            flush=True,
        )

    def print_counts(self) -> None:
        """Progress, on one line."""
        executors = ", ".join(f"{name} {count}" for name, count in sorted(self.cases.items()))
        print(
            f"{sum(self.cases.values())} cases ({executors}), {sum(self.refused.values())} refused, "
            f"{len(self.failed)} differ",
            flush=True,
        )


def _differences(driver: DriverProcess, case: Case) -> List[str]:
    return verdict(case, driver.run(case)).differences


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="go on after a difference")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--case", help="run only the case of this name")
    parser.add_argument("--only", action="append", default=[], choices=list(SHARES), help="can be repeated")
    parser.add_argument("--minimise-seconds", type=float, default=120)
    parser.add_argument("--to", type=Path, default=None, help="where cases that differ are written")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    to = given.to or Path(tempfile.mkdtemp(prefix="kedro-prefect-fuzz-"))
    fuzz = Fuzz(
        seed,
        given.seconds,
        only=given.only,
        keep=given.keep,
        minimise_seconds=given.minimise_seconds,
        to=to.resolve(),
    )
    print(f"Kedro {kedro_version}, Python {sys.version.split()[0]}, SEED={seed}", flush=True)
    if given.case:
        driver = DriverProcess()
        fuzz.one(driver, given.case)
        driver.close()
    else:
        workers = [threading.Thread(target=fuzz.work) for _ in range(given.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    fuzz.print_counts()
    for label, count in fuzz.refused.most_common():
        print(f"  refused {count}: {label}")
    for name in fuzz.failed:
        print(f"  differs: {name} (make fuzz CASE={name})")
    sys.exit(1 if fuzz.failed else 0)


if __name__ == "__main__":
    main()
