"""What a task read and wrote, as a Prefect artifact: a table in Markdown, with previews of what it wrote.

Prefect's own UI shows the Markdown. No credential is in it: paths lose the user, the password and the query
of a URL, and what contains a credential of the project or looks like one is left out.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Collection, Iterable, Iterator, NamedTuple

import prefect
from prefect.utilities.logging import get_logger

from kedro_prefect_hooks.compat import kedro_dataset_facts as facts
from kedro_prefect_hooks.config.secret_shapes import secret_shape
from kedro_prefect_hooks.flows.reporting_client import note_artifact
from kedro_prefect_hooks.runs.data_record import DataHooks, DataRecord
from kedro_prefect_hooks.runs.run_hooks import registered_with

if TYPE_CHECKING:
    from kedro_prefect_hooks.runs.node_runner import NodeRunner

MOST_DATASETS = 100
"""In one artifact; a mapped task may have more."""

MOST_PREVIEWED_BYTES = 1_000_000
"""Of a file: larger ones have no preview, because reading a part of them may read all of it."""

MOST_ROWS, MOST_COLUMNS, MOST_CELL = 5, 12, 60
MOST_JSON = 2_000
MOST_IMAGE = 300_000
"""Characters of a preview."""

NOT_SHOWN = "(not shown: it may contain a credential)"

_USER = re.compile(r"(?<=://)[^/\s@]*@")
_SHORTEST_SECRET = 4


class UsedDataset(NamedTuple):
    """A row of the table."""

    name: str
    saved: bool
    seconds: float
    type: str
    place: str | None
    version: str | None
    size: int | None


@contextlib.contextmanager
def recorded(runner: NodeRunner, nodes: Collection[str]) -> Iterator[None]:
    """Against an API, note what these nodes load and save meanwhile; also when they fail."""
    task_run_id = prefect.context.get("task_run_id")
    if not task_run_id or not prefect.context.get("running_with_backend"):
        yield
        return
    datasets = {name for node in nodes for name in (*runner.node(node).inputs, *runner.node(node).outputs)}
    with registered_with(runner.hooks, DataHooks).recording(datasets) as record:
        try:
            yield
        finally:
            try:
                data = artifact(runner, record)
                if data is not None:
                    note_artifact(str(task_run_id), data)
            except Exception as error:  # the node's result must not depend on it
                get_logger("CloudTaskRunner").debug("No artifact for the task's datasets: %r", error)


def artifact(runner: NodeRunner, record: DataRecord) -> dict[str, Any] | None:
    """The data of a Markdown artifact; None if nothing but parameters was loaded."""
    uses = [use for use in record.uses() if not _is_parameter(use.dataset)]
    if not uses:
        return None
    secrets = runner.secrets()
    rows, previews = [], []
    for use in uses[:MOST_DATASETS]:
        dataset = runner.dataset(use.dataset)
        place = facts.place(dataset)
        size = facts.size(dataset, use.saved)
        rows.append(
            UsedDataset(
                use.dataset,
                use.saved,
                use.seconds,
                facts.type_name(dataset),
                None if place is None else clean(_from_project(place, runner), secrets),
                facts.version(dataset, use.saved),
                size,
            )
        )
        if (
            use.saved
            and size is not None
            and size <= MOST_PREVIEWED_BYTES
            and facts.may_be_previewed(dataset)
        ):
            previews += _preview(use.dataset, facts.preview(dataset), secrets)
    left_out = len(uses) - len(rows)
    more = [f"and {left_out} more datasets"] if left_out else []
    return {"markdown": "\n\n".join([_table(rows), *more, *previews])}


def clean(text: str, secrets: Iterable[str]) -> str:
    """A path or URL without user, password, query and fragment; nothing of it if it may contain a secret."""
    without = _USER.sub("", text)
    if "://" in without:
        without = re.split(r"[?#]", without, maxsplit=1)[0]
    return NOT_SHOWN if _may_have_secret(without, secrets) else without


def _may_have_secret(text: str, secrets: Iterable[str]) -> bool:
    known = any(len(secret) >= _SHORTEST_SECRET and secret in text for secret in secrets)
    return known or secret_shape(text) is not None


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _from_project(place: str, runner: NodeRunner) -> str:
    root = str(runner.spec.project.path).rstrip("/") + "/"
    return place[len(root) :] if place.startswith(root) else place


def _table(rows: list[UsedDataset]) -> str:
    lines = ["| | Dataset | Type | Where | Version | Size | Seconds |", "|---|---|---|---|---|---:|---:|"]
    for row in rows:
        cells = [
            "wrote" if row.saved else "read",
            f"**{_cell(row.name)}**",
            _cell(row.type),
            "in memory" if row.place is None and row.type.startswith("Memory") else _where(row.place),
            _cell(row.version or ""),
            "" if row.size is None else _bytes(row.size),
            f"{row.seconds:.3f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _where(place: str | None) -> str:
    if place is None or place == NOT_SHOWN:
        return place or ""
    if re.match(r"https?://[^\s|()\[\]]+$", place):
        return f"[{_cell(place)}]({place})"
    return f"`{place}`" if not re.search(r"[`|\n]", place) else _cell(place)


def _bytes(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    for unit in ("kB", "MB", "GB"):
        count_in_unit = count / 1000 ** (("kB", "MB", "GB").index(unit) + 1)
        if count_in_unit < 1000:
            return f"{count_in_unit:.1f} {unit}"
    return f"{count / 1e12:.1f} TB"


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    text = text if len(text) <= 200 else f"{text[:199]}…"
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def _preview(name: str, preview: facts.Preview | None, secrets: Iterable[str]) -> list[str]:
    """Markdown of a preview, with its heading; nothing if it may contain a secret or is too large."""
    if preview is None:
        return []
    if preview.kind == "image":
        if len(preview.content) > MOST_IMAGE or not re.match(r"[A-Za-z0-9+/=\s]+$", preview.content):
            return []
        picture = "".join(preview.content.split())
        return [f"#### {_cell(name)}", f"![{_cell(name)}](data:image/png;base64,{picture})"]
    text = (
        _preview_of_table(preview.content) if preview.kind == "table" else _preview_of_json(preview.content)
    )
    plain = json.dumps(preview.content, default=str)
    if _may_have_secret(plain, secrets):
        return []
    return [f"#### {_cell(name)}", text]


def _preview_of_table(content: dict[str, Any]) -> str:
    columns = content["columns"][:MOST_COLUMNS]
    titles = [_short(each) for each in columns]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for row in content["data"][:MOST_ROWS]:
        lines.append(f"| {' | '.join(_short(each) for each in row[:MOST_COLUMNS])} |")
    return "\n".join(lines)


def _short(value: object) -> str:
    text = str(value)
    return _cell(text if len(text) <= MOST_CELL else f"{text[: MOST_CELL - 1]}…")


def _preview_of_json(content: str) -> str:
    text = content
    with contextlib.suppress(ValueError):
        text = json.dumps(json.loads(content), indent=2, ensure_ascii=False)
    text = text if len(text) <= MOST_JSON else f"{text[: MOST_JSON - 1]}…"
    return f"```json\n{text.replace('```', '` ` `')}\n```"
