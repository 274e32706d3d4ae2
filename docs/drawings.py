"""SVG drawings for the documentation: the processes and what they send each other, and a terminal.

Each drawing is one file that uses the fonts of the reader's system. This module knows nothing of
processes and files; `pictures.py` calls it.
"""

from __future__ import annotations

import textwrap
from html import escape
from typing import Iterable, Mapping, NamedTuple, Sequence

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1c2430",
    "dim": "#566273",
    "line": "#6b7787",
    "yours": "#e8f0fe",
    "yours-line": "#3b6fd4",
    "api": "#e9f6ec",
    "api-line": "#2f8a4c",
    "data": "#fff4dd",
    "data-line": "#b57d12",
}
DARK = {
    "paper": "#14181f",
    "ink": "#e7ebf1",
    "dim": "#a3afbf",
    "line": "#8b97a8",
    "yours": "#1d2b47",
    "yours-line": "#7fa6f2",
    "api": "#17301f",
    "api-line": "#63bd80",
    "data": "#35290f",
    "data-line": "#dba94a",
}


class Box(NamedTuple):
    """A process, or a place where data is stored."""

    name: str
    kind: str
    x: int
    y: int
    width: int
    title: str
    lines: Sequence[str]

    @property
    def height(self) -> int:
        return 40 + 19 * len(self.lines)


class Arrow(NamedTuple):
    """What one box sends to another, with the words and the place where they stand."""

    points: Sequence[tuple[int, int]]
    words: Sequence[str]
    at: tuple[int, int]
    anchor: str = "middle"


BOXES = [
    Box(
        "command",
        "yours",
        20,
        30,
        290,
        "Registration",
        [
            "kedro run --env deploy (the hook)",
            "or kedro prefect register",
            "reads prefect.yml and the pipelines",
        ],
    ),
    Box(
        "api",
        "api",
        430,
        30,
        290,
        "Prefect API",
        [
            "embedded: kedro prefect up, one file",
            "or a Prefect Server",
            "flows, schedules, states, log lines",
        ],
    ),
    Box("browser", "yours", 840, 30, 230, "Browser", ["the page of the API:", "runs, tasks, logs, restart"]),
    Box("agent", "yours", 20, 240, 290, "Agent", ["kedro prefect up or agent", "one per machine, no data"]),
    Box(
        "run",
        "yours",
        430,
        240,
        290,
        "Process of the flow run",
        [
            "builds the flow from the project's code",
            "one Kedro session, pipeline hooks",
            "runs tasks, or sends them to workers",
        ],
    ),
    Box(
        "worker",
        "yours",
        840,
        240,
        230,
        "Workers (optional)",
        [
            "Dask, process pools, timeouts",
            "open the same run,",
            "build the same catalog",
        ],
    ),
    Box(
        "data",
        "data",
        430,
        440,
        640,
        "Datasets of the catalog",
        [
            "files, buckets, databases: nodes load and save them where they run.",
            "Data does not pass through the Prefect API.",
        ],
    ),
]
ARROWS = [
    Arrow([(310, 78), (430, 78)], ["what has", "changed"], (370, 50)),
    Arrow([(840, 70), (720, 70)], ["queries,", "actions"], (780, 42)),
    Arrow([(165, 240), (165, 175), (450, 175), (450, 127)], ["which flow runs are due?"], (300, 168)),
    Arrow([(310, 280), (430, 280)], ["starts,", "stops"], (370, 252)),
    Arrow([(600, 240), (600, 127)], ["states and log lines, in batches"], (610, 192), "start"),
    Arrow([(720, 280), (840, 280)], ["nodes, values", "in memory"], (780, 252)),
    Arrow([(575, 337), (575, 440)], ["load, save"], (585, 395), "start"),
    Arrow([(955, 337), (955, 440)], ["load, save"], (965, 395), "start"),
]

DESCRIPTION = (
    "Registration sends flows to the Prefect API. An agent asks it for flow runs that are due, and starts a "
    "process for each. This process builds the flow from the project's code, runs its nodes or sends them to "
    "workers, and reports states and log lines. Nodes load and save datasets where they run."
)


def architecture(colours: Mapping[str, str]) -> str:
    """Which process does what, from a registration to the data."""
    width, height = 1090, 540
    parts = [
        _open(width, height, DESCRIPTION),
        f'<rect width="{width}" height="{height}" rx="10" fill="{colours["paper"]}"/>',
        '<defs><marker id="end" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{colours["line"]}"/></marker></defs>',
    ]
    for box in BOXES:
        parts.append(
            f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8" '
            f'stroke-width="1.5" fill="{colours[box.kind]}" stroke="{colours[box.kind + "-line"]}"/>'
        )
        parts.append(_text(box.x + 14, box.y + 25, box.title, colours["ink"], 16, weight=600))
        parts.extend(
            _text(box.x + 14, box.y + 46 + 19 * n, line, colours["ink"], 13.5)
            for n, line in enumerate(box.lines)
        )
    for arrow in ARROWS:
        points = " ".join(f"{x},{y}" for x, y in arrow.points)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colours["line"]}" stroke-width="1.6" '
            'marker-end="url(#end)"/>'
        )
        x, y = arrow.at
        parts.extend(
            _text(x, y + 16 * n, words, colours["dim"], 12.5, anchor=arrow.anchor)
            for n, words in enumerate(arrow.words)
        )
    return "\n".join([*parts, "</svg>\n"])


def terminal(blocks: Iterable[tuple[str, Sequence[str]]], columns: int = 100) -> str:
    """A terminal with commands and what they printed, in lines of at most `columns` characters."""
    lines: list[tuple[str, bool]] = []
    for command, output in blocks:
        lines.append((f"$ {command}", True))
        for line in output:
            indent = " " * (len(line) - len(line.lstrip()))
            wrapped = textwrap.wrap(line, columns, subsequent_indent=indent, drop_whitespace=False)
            lines.extend((part, False) for part in wrapped or [""])
    size, step = 13, 19
    width, height = round(columns * size * 0.605) + 40, len(lines) * step + 62
    parts = [
        _open(width, height, "Terminal: " + "; ".join(line for line, is_command in lines if is_command)),
        f'<rect width="{width}" height="{height}" rx="10" fill="#171b24"/>',
        *(f'<circle cx="{22 + 20 * n}" cy="20" r="5.5" fill="#4a5262"/>' for n in range(3)),
    ]
    for n, (line, is_command) in enumerate(lines):
        colour = "#ffffff" if is_command else "#c9d1de"
        text = _text(20, 56 + n * step, line, colour, size, weight=700 if is_command else 400)
        # The fonts of systems differ in width, and columns must stay columns.
        length = round(len(line) * size * 0.605, 1)
        parts.append(
            text.replace("<text ", f'<text textLength="{length}" lengthAdjust="spacingAndGlyphs" ', 1)
            if line.strip()
            else ""
        )
    style = f"<style>text {{ font-family: {MONO}; white-space: pre; }}</style>"
    return "\n".join([parts[0], style, *(part for part in parts[1:] if part), "</svg>\n"])


def _open(width: int, height: int, label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(label)}" font-family="{SANS}">'
    )


def _text(
    x: float, y: float, words: str, colour: str, size: float, *, anchor: str = "start", weight: int = 400
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{colour}" xml:space="preserve">{escape(words)}</text>'
    )
