"""Measure the tables of `docs/benchmarks.md` again: `make bench`, or `python benchmarks/run.py --quick`.

A full run takes about twenty minutes on two cores, and rewrites the measured part of the page. A quick run
takes a few minutes, and only prints the table. Stop other work on the machine first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402
from benchmarks.measure import machine, measure  # noqa: E402
from benchmarks.table import table  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="measure only what takes seconds; write nothing")
    parser.add_argument("--only", metavar="WORD", help="measure only the sets with this word in the title")
    parser.add_argument("--repetitions", type=int, default=0, help="default: 5, or 3 with --quick")
    parser.add_argument(
        "--write", action="store_true", help="with --only: replace only these sets on the page"
    )
    parser.add_argument("--strict", action="store_true", help="exit with code 1 if a goal is not met")
    given = parser.parse_args()
    repetitions = given.repetitions or (3 if given.quick else 5)
    sets = [each for each in table(given.quick) if (given.only or "") in each.title]
    results: dict[str, Any] = {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "machine": machine(),
        "rows": [],
        "sets": {},
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for each in sets:
            print(each.title, flush=True)
            competitors = each.competitors(Path(folder))
            times = max(1, round(repetitions * each.repetitions))
            home = Path(folder) / "home"
            home.mkdir(exist_ok=True)
            group = measure(competitors, times, home, say=lambda line: print(line, flush=True))
            results["sets"][each.title] = {"figure": each.figure, "figures": group, "date": results["date"]}
            for row in each.rows:
                value = row.value(group)
                results["rows"].append(
                    {
                        "set": each.title,
                        "what": row.what,
                        "against": row.against,
                        "goal": row.goal,
                        "unit": row.unit,
                        "value": round(value, 4),
                        "holds": value <= row.goal,
                    }
                )
    print("\n".join(["", *report.table(results)]))
    if given.write and given.only:
        report.write(report.merged(ROOT / "docs", results), ROOT / "docs")
    elif not given.quick and not given.only:
        report.write(results, ROOT / "docs")
    if given.strict and not all(row["holds"] for row in results["rows"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
