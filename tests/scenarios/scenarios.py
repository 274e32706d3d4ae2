"""Ready-made projects: `traps` has everything that is easy to get wrong, each other project one thing.

Each function accepts the project's folder and passes further arguments to `make_project`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.scenarios.project_factory import HAS_FACTORIES, SOURCES, Project, make_project

SECRET = "s3cr3t-token-that-must-stay-in-credentials"
"""The credential of the `traps` project, for tests that search for it where it must not be."""


def traps(path: Path, **options: Any) -> Project:
    """One pipeline with every kind of node and dataset; see `sources/traps`."""
    folder = SOURCES / "traps"
    project = make_project(
        path,
        **{
            "pipelines": (folder / "pipeline_registry.py").read_text(encoding="utf-8"),
            "files": {"nodes.py": (folder / "nodes.py").read_text(encoding="utf-8")},
            "catalog": _traps_catalog(),
            "parameters": {
                "rows": 7,
                "weight": 3,
                "options": {"depth": 2, "names": ["a", "b"]},
                "eu": {"size": 10},
                "us": {"size": 20},
            },
            "credentials": {"vault": {"token": SECRET}},
            **options,
        },
    )
    project.write("data/input_inbox.json", '{"letters": [1, 2, 3]}')
    return project


def _traps_catalog() -> dict[str, Any]:
    catalog: dict[str, Any] = {
        "assigned": {"type": "MemoryDataset", "copy_mode": "assign"},
        "copied": {"type": "MemoryDataset", "copy_mode": "copy"},
        "deepcopied": {"type": "MemoryDataset", "copy_mode": "deepcopy"},
        "constant": {"type": "MemoryDataset", "data": 5},
        "hook_target": {"type": "MemoryDataset", "data": "from the catalog"},
        "table@pandas": {"type": "CsvDataset", "filepath": "data/table.csv"},
        "table@text": {"type": "TextDataset", "filepath": "data/table.csv"},
        "chunks": {"type": "ChunksDataset", "filepath": "data/chunks.jsonl"},
        "pairs": {"type": "ChunksDataset", "filepath": "data/pairs.jsonl"},
        "squares": {"type": "ChunksDataset", "filepath": "data/squares.jsonl"},
        "inbox": {"type": "ConfirmedDataset", "filepath": "data/input_inbox.json"},
        "pickled": {"type": "PickledDataset", "filepath": "data/pickled.pkl"},
        "versioned_first": {"type": "VersionedDataset", "filepath": "data/first.json", "versioned": True},
        "versioned_second": {"type": "VersionedDataset", "filepath": "data/second.json", "versioned": True},
        "guarded": {"type": "SecretDataset", "filepath": "data/guarded.json", "credentials": "vault"},
        "locked": {"type": "LockedDataset", "filepath": "data/locked.json"},
        "unused_and_unpicklable": {"type": "LockedDataset", "filepath": "data/unused.json"},
        "cached": {
            "type": "CachedDataset",
            "dataset": {"type": "JsonDataset", "filepath": "data/cached.json"},
        },
    }
    persisted = (
        "added last_saved copy_ways table_lines parameters_seen chunks_read joined falsy_saved sums "
        "hook_value_saved hook_target_saved variadic_saved inbox_done pickled_read versioned_read "
        "guarded_read locked_read cached_read"
    )
    for name in persisted.split():
        catalog[name] = {"type": "JsonDataset", "filepath": f"data/{name}.json"}
    if HAS_FACTORIES:
        catalog["made_{name}"] = {"type": "JsonDataset", "filepath": "data/made/{name}.json"}
        catalog["{region}.scores"] = {"type": "JsonDataset", "filepath": "data/{region}/scores.json"}
    else:
        for name in ("alpha", "beta"):
            catalog[f"made_{name}"] = {"type": "JsonDataset", "filepath": f"data/made/{name}.json"}
        for region in ("eu", "us"):
            catalog[f"{region}.scores"] = {"type": "JsonDataset", "filepath": f"data/{region}/scores.json"}
    return catalog


def chain(path: Path, length: int, **options: Any) -> Project:
    """`length` nodes in a row, in memory; the last one's output is `data/end.json`, equal to `length`."""
    pipelines = f"""
from kedro.pipeline import Pipeline, node


def start():
    return 1


def step(value):
    return value + 1


def register_pipelines():
    length = {length}
    names = [f"value_{{i}}" for i in range(length - 1)] + ["end"]
    nodes = [node(start, None, names[0], name="node_0")]
    for i in range(1, length):
        nodes.append(node(step, names[i - 1], names[i], name=f"node_{{i}}"))
    return {{"__default__": Pipeline(nodes)}}
"""
    end = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}
    return make_project(path, **{"pipelines": pipelines, "catalog": end, **options})


def fan(path: Path, width: int, **options: Any) -> Project:
    """A source, `width` nodes that read it in memory, and one that sums their outputs (`data/total.json`)."""
    pipelines = f"""
from kedro.pipeline import Pipeline, node


def start():
    return 1


def step(value):
    return value + 1


def total(*values):
    return sum(values)


def register_pipelines():
    names = [f"value_{{i}}" for i in range({width})]
    nodes = [node(start, None, "source", name="start"), node(total, names, "total", name="total")]
    nodes += [node(step, "source", name, name=f"step_{{i}}") for i, name in enumerate(names)]
    return {{"__default__": Pipeline(nodes)}}
"""
    total = {"total": {"type": "JsonDataset", "filepath": "data/total.json"}}
    return make_project(path, **{"pipelines": pipelines, "catalog": total, **options})


def failing(path: Path, **options: Any) -> Project:
    """Nodes `first`, `second`, `third` in a row, in memory, then `last` into `data/end.json`.

    A node raises ValueError("<name> is broken") after `project.break_node(name)`, or if the environment
    variable FAIL_NODE names it. Each attempt appends the node's name to `data/attempts.txt`.
    """
    pipelines = """
import os
from pathlib import Path

from kedro.pipeline import Pipeline, node

PROJECT = Path(__file__).resolve().parents[2]


def attempt(name):
    def run(value=0):
        with (PROJECT / "data" / "attempts.txt").open("a") as file:
            file.write(name + "\\n")
        if (PROJECT / "broken" / name).exists() or os.environ.get("FAIL_NODE") == name:
            raise ValueError(f"{name} is broken")
        return value + 1

    return run


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(attempt("first"), None, "one", name="first"),
                node(attempt("second"), "one", "two", name="second"),
                node(attempt("third"), "two", "three", name="third"),
                node(attempt("last"), "three", "end", name="last"),
            ]
        )
    }
"""
    end = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}
    return make_project(path, **{"pipelines": pipelines, "catalog": end, **options})


def slow(path: Path, seconds: float = 30, **options: Any) -> Project:
    """Nodes `quick`, `slow` and `after` in a row. `slow` writes `data/started.txt`, then sleeps.

    It sleeps `params:seconds`, in short steps, and stops early once `data/go.txt` exists.
    """
    pipelines = """
import time
from pathlib import Path

from kedro.pipeline import Pipeline, node

DATA = Path(__file__).resolve().parents[2] / "data"


def quick():
    return 1


def sleep(value, seconds):
    (DATA / "started.txt").write_text("started")
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (DATA / "go.txt").exists():
        time.sleep(0.05)
    return value + 1


def after(value):
    return value + 1


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(quick, None, "one", name="quick"),
                node(sleep, ["one", "params:seconds"], "two", name="slow"),
                node(after, "two", "end", name="after"),
            ]
        )
    }
"""
    end = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}
    return make_project(
        path, **{"pipelines": pipelines, "catalog": end, "parameters": {"seconds": seconds}, **options}
    )


def unpicklable(path: Path, **options: Any) -> Project:
    """`make_lock` passes `lock`, in memory and impossible to pickle, to `use_lock` (`data/end.json`)."""
    pipelines = """
import threading

from kedro.pipeline import Pipeline, node


def make_lock():
    return threading.Lock()


def use_lock(lock):
    with lock:
        return 1


def register_pipelines():
    return {
        "__default__": Pipeline(
            [node(make_lock, None, "lock", name="make_lock"), node(use_lock, "lock", "end", name="use_lock")]
        )
    }
"""
    catalog = {
        "lock": {"type": "MemoryDataset", "copy_mode": "assign"},
        "end": {"type": "JsonDataset", "filepath": "data/end.json"},
    }
    return make_project(path, **{"pipelines": pipelines, "catalog": catalog, **options})


def shared_by_assign(path: Path, **options: Any) -> Project:
    """`copy_mode: assign` shares one object: what `spoil` appends to `items`, `read` sees (`data/end.json`).

    This holds only within one process: no runner can share an object between processes, and Kedro's own
    ParallelRunner does not. So it is not part of `traps`.
    """
    pipelines = """
from kedro.pipeline import Pipeline, node


def make():
    return [1]


def spoil(items):
    items.append(2)
    return len(items)


def read(items, length):
    return {"items": items, "length": length}


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(make, None, "items", name="make"),
                node(spoil, "items", "length", name="spoil"),
                node(read, ["items", "length"], "end", name="read"),
            ]
        )
    }
"""
    catalog = {
        "items": {"type": "MemoryDataset", "copy_mode": "assign"},
        "end": {"type": "JsonDataset", "filepath": "data/end.json"},
    }
    return make_project(path, **{"pipelines": pipelines, "catalog": catalog, **options})
