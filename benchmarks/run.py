"""Measures the table of `docs/benchmarks.md` anew: `make bench`, or `python benchmarks/run.py --quick`.

A full run takes about twenty minutes on two cores, and rewrites the measured part of the page; a quick one
takes a few and prints the table only. Close what else the machine does.
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

from benchmarks import report, rows  # noqa: E402
from benchmarks.measure import machine, measure  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="only what takes seconds; writes nothing")
    parser.add_argument("--only", metavar="WORD", help="only the sets with this word in their title")
    parser.add_argument("--repetitions", type=int, default=0, help="default: 5, with --quick 3")
    parser.add_argument("--write", action="store_true", help="with --only: lay these over the page's others")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a goal does not hold")
    given = parser.parse_args()
    repetitions = given.repetitions or (3 if given.quick else 5)
    sets = [each for each in rows.table(given.quick) if (given.only or "") in each.title]
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
            results["sets"][each.title] = {"figure": each.figure, "figures": group}
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
        report.write(report.laid_over(ROOT / "docs", results), ROOT / "docs")
    elif not given.quick and not given.only:
        report.write(results, ROOT / "docs")
    if given.strict and not all(row["holds"] for row in results["rows"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
