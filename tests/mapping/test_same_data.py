"""A mapped node leaves the same data as under `kedro run`, on each executor."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.mapping.conftest import MAPPED, NODES, attempts, folder, make, write
from tests.same_run.conftest import ALL, on, package_at
from tests.scenarios.project_factory import HAS_FACTORIES, Project, collect_outputs

pytest.importorskip("kedro_datasets.partitions.partitioned_dataset")

INCREMENTAL = """
def clean(raw):
    attempt("clean", raw)
    return {key: text + "!" for key, text in raw.items()}
"""
INCREMENTAL_NODES = """
    node(clean, "raw", "in_memory", name="clean", confirms="raw"),
    node(same, "in_memory", "end", name="save"),
"""


def by_kedro(kedro: Callable[..., Any], path: Path, **options: Any) -> Project:
    project = make(path, **options)
    prepare(project)
    kedro(project, "run", ok=True)
    return project


def prepare(project: Project) -> None:
    """What an earlier run has left: one dataset keeps it, the other one overwrites it."""
    write(project, "old", "cleaned")
    write(project, "old", "notes")


@on(*(place for place in ALL if not place.endswith("timeouts")))  # a process per slice
def test_chain(tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any]) -> None:
    expected = by_kedro(kedro, tmp_path / "expected", partitions=3)
    project = make(tmp_path / "project", 3)
    prepare(project)
    start(project, defaults={"nodes": MAPPED}, ok=True)
    assert collect_outputs(project) == collect_outputs(expected)
    assert "old.note.txt" in {path.name for path in (project.data / "notes").iterdir()}
    assert attempts(project) == sorted(
        [f"clean p{number}" for number in range(3)]
        + [f"{name} {each}" for name in ("score", "double") for each in ("old", "p0", "p1", "p2")]
    )


ALONE = """
def notify(cleaned):
    attempt("notify", cleaned)


class Here(dict):
    def __deepcopy__(self, memo):
        return Here(self)

    def __reduce__(self):
        raise TypeError("it stays here")


def here(raw):
    return {key: Here(text=load()) for key, load in raw.items() if key != "p1"}


def out(kept):
    return {key: value["text"] + "!" for key, value in kept.items()}
"""
ALONE_NODES = """
    node(here, "raw", "kept", name="here", tags="one.task"),
    node(out, "kept", "made", name="out", tags="one.task"),
    node(notify, "made", None, name="notify"),
    node(sorted, "made", "end", name="end"),
"""


@on("flow-local", "flow-processes", "runner-dask")
def test_nodes_in_one_mapped_task(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any]
) -> None:
    """What passes between them stays in the process. A node without outputs is mapped too."""
    options = {"source": ALONE, "nodes": ALONE_NODES, "made": folder("made", overwrite=True)}
    expected, project = make(tmp_path / "expected", **options), make(tmp_path / "project", **options)
    kedro(expected, "run", ok=True)
    mapped = {name: {"map": True} for name in ("here", "out", "notify")}
    start(project, defaults={"nodes": mapped, "group_by": "one."}, ok=True)
    assert collect_outputs(project) == collect_outputs(expected)
    assert attempts(project) == [f"notify {each}" for each in ("p0", "p2", "p3", "p4")]


@on("flow-local", "flow-dask")
def test_chain_in_one_mapped_task(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any]
) -> None:
    nodes = NODES.replace('"score")', '"score", tags="all.three")').replace(
        '"clean")', '"clean", tags="all.three")'
    )
    nodes = nodes.replace('"double")', '"double", tags="all.three")')
    expected = by_kedro(kedro, tmp_path / "expected", nodes=nodes)
    project = make(tmp_path / "project", nodes=nodes)
    prepare(project)
    start(project, defaults={"nodes": MAPPED, "group_by": "all."}, ok=True)
    assert collect_outputs(project) == collect_outputs(expected)
    assert "old.note.txt" in {path.name for path in (project.data / "notes").iterdir()}


@on("flow-local", "flow-dask")
@pytest.mark.parametrize("partitions", [0, 1], ids=["none", "one"])
def test_incremental(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any], partitions: int
) -> None:
    """What was loaded is confirmed, after all slices; a second run gets what has arrived since."""
    raw = folder("raw", type="partitions.IncrementalDataset")
    source = INCREMENTAL
    options = {"source": source, "nodes": INCREMENTAL_NODES, "raw": raw, "partitions": 3 * partitions}
    expected, project = make(tmp_path / "expected", **options), make(tmp_path / "project", **options)
    for _ in range(2):
        kedro(expected, "run", ok=True)
        start(project, defaults={"nodes": {"clean": {"map": True, "partitions_per_task": 2}}}, ok=True)
        assert collect_outputs(project) == collect_outputs(expected)
        for each in (expected, project):
            write(each, "p7")
    assert attempts(project)[-1] == "clean p7"


RELEASED = """
import gc
import weakref

MADE = []


class Big(dict):
    pass


def big():
    value = Big(a=1)
    MADE.append(weakref.ref(value))
    return value


def clean(raw, big):
    assert MADE[0]() is not None
    return {key: load() for key, load in raw.items()}


def end(cleaned):
    gc.collect()
    return [sorted(cleaned), MADE[0]() is None]
"""
RELEASED_NODES = """
    node(big, None, "big", name="big"),
    node(clean, ["raw", "big"], "in_memory", name="clean"),
    node(end, "in_memory", "end", name="end"),
"""


@on("flow-local", "flow-threads")
def test_inputs_of_all_slices_are_released_after_the_last_one(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    big = {"type": "MemoryDataset", "copy_mode": "assign"}
    project = make(tmp_path / "project", 3, RELEASED, RELEASED_NODES, big=big)
    start(project, defaults={"nodes": {"clean": {"map": "raw"}}}, ok=True)
    assert collect_outputs(project)["end.json"] == [["p0", "p1", "p2"], True]


REST = """
def note():
    attempt("note", ["once"])
    return {"text": "!"}


def clean(raw):
    return {key: load() for key, load in raw.items()}


def add(cleaned, note):
    return {key: load() + note["text"] for key, load in cleaned.items()}
"""
REST_NODES = """
    node(note, None, "note", name="note"),
    node(clean, "raw", "cleaned", name="clean"),
    node(add, ["cleaned", "note"], "added", name="add"),
    node(same, "added", "end", name="end"),
"""


@on("flow-local", "flow-processes")
def test_what_is_left_over_has_the_same_other_inputs(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = make(tmp_path / "project", 2, REST, REST_NODES)
    write(project, "old", "cleaned")
    start(project, defaults={"nodes": {"clean": {"map": True}, "add": {"map": "cleaned"}}}, ok=True)
    assert attempts(project) == ["note once"], "in memory, it is passed on and not made again"
    texts = {name: f"text of {name}!" for name in ("old", "p0", "p1")}
    assert collect_outputs(project)["end.json"] == texts


COUNTED = """
import os
from pathlib import Path

from .datasets import JsonDataset


class Counted(JsonDataset):
    def _load(self):
        with (Path(__file__).resolve().parents[2] / "loads.txt").open("a") as file:
            file.write(f"{os.getpid()}\\n")
        return super()._load()
"""
COUNTED_NODES = """
    node(clean, ["raw", "offset", "params:weight", "model"], "cleaned", name="clean"),
    node(len, "cleaned", "end", name="end"),
"""


@on("flow-local", "flow-processes")
def test_other_inputs_are_loaded_once_per_process(tmp_path: Path, start: Callable[..., Any]) -> None:
    counted = {"type": f"{package_at(tmp_path / 'project')}.counted.Counted"}
    catalog = {
        "model": {**counted, "filepath": "data/input_model.json"},
        "offset": {**counted, "filepath": "data/input_offset.json"},
    }
    project = make(tmp_path / "project", 8, nodes=COUNTED_NODES, files={"counted.py": COUNTED}, **catalog)
    project.write("data/input_offset.json", '{"plus": 1}')
    start(project, defaults={"nodes": {"clean": {"map": True}}}, ok=True)
    assert len([each for each in attempts(project) if each.startswith("clean")]) == 8
    loads = Counter((project.path / "loads.txt").read_text().split())
    assert set(loads.values()) == {2}, "each of the two inputs"
    assert collect_outputs(project)["end.json"] == 8


SECOND = """
def clean(raw):
    return {key: load().upper() for key, load in raw.items()}


def lazily(cleaned):
    loaded = {key: load() for key, load in cleaned.items()}
    return {key: (lambda text=text: text + "?") for key, text in loaded.items() if key != "p1"}
"""
SECOND_NODES = """
    node(clean, "raw", "first_made", name="clean"),
    node(lazily, "first_made", "second_versions", name="lazily"),
"""


@pytest.mark.skipif(not HAS_FACTORIES, reason="dataset factories")
@on("flow-dask", "flow-timeouts")
def test_factories_versions_and_credentials(
    tmp_path: Path, kedro: Callable[..., Any], start: Callable[..., Any]
) -> None:
    options: dict[str, Any] = {
        "source": SECOND,
        "nodes": SECOND_NODES,
        "credentials": {"vault": {"token": "s3cr3t"}},
        "{name}_made": folder("made/{name}"),
        "{name}_versions": folder("{name}", dataset={"type": "text.TextDataset", "versioned": True}),
    }
    found = []
    for name in ("expected", "project"):
        path = tmp_path / name
        secret = {"type": f"{package_at(path)}.secrets_of_tests.SecretText", "credentials": "vault"}
        files = {"secrets_of_tests.py": SECRET}
        project = make(path, 3, files=files, raw=folder("raw", dataset=secret), **options)
        if name == "expected":
            kedro(project, "run", ok=True)
        else:
            start(project, defaults={"nodes": {"clean": {"map": True}, "lazily": {"map": True}}}, ok=True)
        found.append(collect_outputs(project))
    assert found[0] == found[1]
    assert found[0]["made/first/p1.txt"] == "S3CR3T TEXT OF P1"


SECRET = """
from .datasets import TextDataset


class SecretText(TextDataset):
    def __init__(self, filepath, credentials):
        super().__init__(filepath)
        self._credentials = credentials

    def _load(self):
        return f"{self._credentials['token']} {super()._load()}"

    def __getstate__(self):
        raise TypeError("a dataset with credentials must not be sent anywhere")
"""
