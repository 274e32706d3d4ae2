"""The tables and the plot, created only from the measurements."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median
from typing import Any, Dict, List

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(results: Dict[str, Any]) -> List[str]:
    """Return the lines of a Markdown table of the goals."""
    lines = ["| what | against | goal | measured | holds |", "|---|---|---|---|---|"]
    for each in results["rows"]:
        unit = each["unit"]
        space = "" if unit == "x" else " "
        goal, value = (f"{_number(each[name])}{space}{unit}" for name in ("goal", "value"))
        holds = "yes" if each["holds"] else "**no**"
        lines.append(f"| {each['what']} | {each['against']} | ≤ {goal} | {value} | {holds} |")
    return lines


def medians(results: Dict[str, Any]) -> List[str]:
    """Return a Markdown table of the medians of all competitors."""
    lines = ["| measured | who | median | runs |", "|---|---|---|---|"]
    for title, group in results["sets"].items():
        for name, figures in group["figures"].items():
            if title.startswith("profile"):
                continue
            for figure, values in figures.items():
                value = f"{_number(median(values))} {figure.replace('_', ' ')}"
                lines.append(f"| {title} | {name} | {value} | {len(values)} |")
    return lines


def profiles(results: Dict[str, Any]) -> List[str]:
    """Return Markdown tables of where the time of a flow run is spent."""
    lines: List[str] = []
    for title, group in results["sets"].items():
        if title.startswith("profile"):
            [figures] = group["figures"].values()
            shares = sorted(((values[0], owner) for owner, values in figures.items()), reverse=True)
            lines += [f"Where a flow run's time goes ({title}):", "", "| where | share |", "|---|---|"]
            lines += [*(f"| {owner} | {share} % |" for share, owner in shares), ""]
    return lines


def _number(value: float) -> str:
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def merged(docs: Path, newer: Dict[str, Any]) -> Dict[str, Any]:
    """Return the previous results, with the sets that were measured again."""
    results: Dict[str, Any] = json.loads((docs / "benchmarks.json").read_text(encoding="utf-8"))
    for title, figures in newer["sets"].items():
        results["sets"][title] = figures
        rows = [row for row in newer["rows"] if row["set"] == title]
        places = [place for place, row in enumerate(results["rows"]) if row.get("set") == title]
        first = places[0] if places else len(results["rows"])
        kept = [row for row in results["rows"] if row.get("set") != title]
        results["rows"] = [*kept[:first], *rows, *kept[first:]]
    return results


def write(results: Dict[str, Any], docs: Path) -> None:
    """Write `benchmarks.json`, the plot, and the measured part of `benchmarks.md`."""
    (docs / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    plot(results, docs / "benchmarks.svg")
    page = docs / "benchmarks.md"
    on = results["machine"]
    where = (
        f"Measured on {results['date']}, on {on['cores']} cores (load average {on['load']} at the start), "
        f"Python {on['python']}, Kedro {on['kedro']}, Prefect {on['prefect']}, Dask {on['dask']}."
    )
    parts = [BEGIN, where, "", *table(results), "", "![Medians, side by side](benchmarks.svg)", ""]
    parts += [*profiles(results), "<details markdown>", "<summary>All medians</summary>", ""]
    parts += [*medians(results), "", "</details>", END]
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    page.write_text(pattern.sub(lambda _: "\n".join(parts), text), encoding="utf-8")


def plot(results: Dict[str, Any], path: Path) -> None:
    """Draw one panel per set: a bar for the median of each competitor, dots for its runs."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
    from matplotlib import pyplot

    sets = {title: each for title, each in results["sets"].items() if len(each["figures"]) > 1}
    columns = 3
    height = (len(sets) + columns - 1) // columns
    figure, axes = pyplot.subplots(height, columns, figsize=(12, 2.1 * height), squeeze=False)
    spare = list(axes.flat)
    for axis, (title, each) in zip(spare, sets.items()):
        what = each["figure"]
        names = list(each["figures"])
        middles = [median(each["figures"][name][what]) for name in names]
        colors = ["#0b6e99" if "kedro-prefect-hooks" in name else "#b8b8b8" for name in names]
        axis.barh(range(len(names)), middles, color=colors)
        for line, name in enumerate(names):
            values = each["figures"][name][what]
            axis.plot(values, [line] * len(values), ".", color="#333333", markersize=3)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.invert_yaxis()
        axis.set_title(title, fontsize=9)
        axis.set_xlabel(what, fontsize=8)
        axis.tick_params(axis="x", labelsize=8)
    for axis in spare[len(sets) :]:
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
