"""What a task's artifact says of its datasets: with previews, and without credentials."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, NewType

import pytest

from kedro_prefect_hooks.compat.kedro_datasets import AbstractDataset, MemoryDataset
from kedro_prefect_hooks.flows import data_artifacts
from kedro_prefect_hooks.flows.data_artifacts import NOT_SHOWN, artifact, clean
from kedro_prefect_hooks.runs.data_record import DataHooks, DataRecord

ImagePreview = NewType("ImagePreview", str)
SECRETS = {"hunter22", "abc"}


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/data/a.csv", "/data/a.csv"),
        ("s3://bucket/a.csv", "s3://bucket/a.csv"),
        ("https://me:hunter22@host/a.csv?sig=1234567890#x", "https://host/a.csv"),
        ("https://token@host/a.csv", "https://host/a.csv"),
        ("postgresql://user:pass@host/db", "postgresql://host/db"),
        ("/data/hunter22/a.csv", NOT_SHOWN),
        ("https://host/ghp_0123456789abcdefghijABCDEFGHIJ/a.csv", NOT_SHOWN),
        ("/abc/a.csv", "/abc/a.csv"),  # too short to be told from other text
    ],
)
def test_places_are_shown_without_credentials(place: str, shown: str) -> None:
    assert clean(place, SECRETS) == shown


class _File(AbstractDataset):  # type: ignore[misc, valid-type]
    """A file with a preview."""

    def __init__(self, path: Path, preview: Any, metadata: Any = None) -> None:
        self._filepath, self._protocol, self._shown, self.metadata = path, "file", preview, metadata
        path.write_text("12345")

    def _load(self) -> str:
        return "loaded"

    def _save(self, data: str) -> None: ...

    def _describe(self) -> Dict[str, Any]:
        return {}

    def preview(self) -> Any:
        return self._shown


class _Picture(_File):
    def preview(self) -> ImagePreview:
        return ImagePreview(self._shown)


def _text(path: Path, datasets: Dict[str, Any]) -> str:
    """The artifact of a task that loads `params:x` and `memory` and saves the rest."""
    record = DataRecord(datasets)
    for name in ("params:x", "memory", *datasets):
        record.begin(name, saved=name in datasets)
        record.end(name, saved=name in datasets)
    spec = SimpleNamespace(project=SimpleNamespace(path=path))
    all_ = {"memory": MemoryDataset(), **datasets}
    runner: Any = SimpleNamespace(spec=spec, secrets=lambda: SECRETS, dataset=all_.__getitem__)
    data = artifact(runner, record)
    assert data is not None
    return str(data["markdown"])


def test_the_artifact_has_a_table_and_previews(tmp_path: Path) -> None:
    table = {"index": [0], "columns": ["name", "a|b"], "data": [["x\ny", 1.5]] * 9}
    text = _text(
        tmp_path,
        {
            "table": _File(tmp_path / "t.csv", table),
            "document": _File(tmp_path / "d.json", '{"a": ["```"]}'),
            "picture": _Picture(tmp_path / "p.png", "iVBORw0KGgo="),
            "hidden": _File(tmp_path / "h.csv", table, {"kedro-viz": {"preview": False}}),
            "secret": _File(tmp_path / "s.json", '{"password": "hunter22"}'),
            "odd": _File(tmp_path / "o.json", object()),
        },
    )
    rows = text.split("\n\n")[0].split("\n")
    assert len(rows) == 2 + 7, "parameters are not listed"
    assert rows[2].startswith("| read | **memory** | MemoryData")
    assert "| in memory |" in rows[2]
    assert rows[3].startswith("| wrote | **table** |")
    assert "| `t.csv` |  | 5 B | 0.000 |" in rows[3], "relative to the project"
    assert text.count("| x y | 1.5 |") == data_artifacts.MOST_ROWS, "of one table"
    assert r"| name | a\|b |" in text
    assert '```json\n{\n  "a": [' in text and text.count("```") == 2
    assert "![picture](data:image/png;base64,iVBORw0KGgo=)" in text
    assert [line[5:] for line in text.split("\n") if line.startswith("#### ")] == [
        "table",
        "document",
        "picture",
    ]
    assert "hunter22" not in text


def test_large_files_have_no_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_artifacts, "MOST_PREVIEWED_BYTES", 4)
    assert "####" not in _text(tmp_path, {"document": _File(tmp_path / "d.json", "{}")})


def test_the_threads_of_two_tasks_keep_their_own_records() -> None:
    hooks = DataHooks()
    barrier = threading.Barrier(2)
    found: Dict[str, Any] = {}

    def task(name: str) -> None:
        with hooks.recording([name, "shared"]) as record:
            barrier.wait(10)
            hooks.before_dataset_loaded("shared")
            barrier.wait(10)
            hooks.after_dataset_loaded("shared")
            # A thread of an asynchronous node is not the task's own.
            other = threading.Thread(target=_save, args=(hooks, name))
            other.start()
            other.join()
            barrier.wait(10)
        found[name] = [(use.dataset, use.saved) for use in record.uses()]

    threads = [threading.Thread(target=task, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {name: [("shared", False), (name, True)] for name in "ab"}


def _save(hooks: DataHooks, name: str) -> None:
    hooks.before_dataset_saved(name)
    hooks.after_dataset_saved(name)
