"""The Kedro projects that the benchmarks run, in the sizes requested. Nothing is measured here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Optional

from tests.scenarios.project_factory import Project, make_project
from tests.scenarios.scenarios import chain, fan

FLOW = "bench"


NO_HOOKS_OF_ITS_OWN = "from kedro_prefect_hooks import PrefectHooks\nHOOKS = (PrefectHooks(),)\n"
"""The projects of the tests write each hook call to a file; competitors without hooks do not."""


def _prefect(settings: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    return {"api": "embedded", "flows": {FLOW: dict(settings or {})}}


def shape(path: Path, kind: str, nodes: int, settings: Optional[Mapping[str, Any]] = None) -> Project:
    """Create `nodes` trivial nodes in a chain, or in parallel between a source and a sum (`fan`)."""
    if kind == "chain":
        return chain(path, nodes, prefect=_prefect(settings), settings=NO_HOOKS_OF_ITS_OWN)
    return fan(path, nodes - 2, prefect=_prefect(settings), settings=NO_HOOKS_OF_ITS_OWN)


def namespaces(path: Path, nodes: int, settings: Optional[Mapping[str, Any]] = None) -> Project:
    """Create a chain of `nodes` in ten consecutive namespaces."""
    pipelines = f"""
from kedro.pipeline import node, pipeline


def start():
    return 1


def step(value):
    return value + 1


def register_pipelines():
    size = {nodes} // 10
    nodes = []
    for i in range({nodes}):
        make, before = (step, f"value_{{i - 1}}") if i else (start, None)
        out = f"value_{{i}}" if i < {nodes} - 1 else "end"
        nodes.append(node(make, before, out, name=f"node_{{i}}", namespace=f"part_{{i // size}}"))
    return {{"__default__": pipeline(nodes)}}
"""
    end = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}
    return make_project(
        path, pipelines=pipelines, catalog=end, prefect=_prefect(settings), settings=NO_HOOKS_OF_ITS_OWN
    )


def frames(path: Path, count: int, megabytes: int, settings: Optional[Mapping[str, Any]] = None) -> Project:
    """Create a chain of `count` nodes that pass on frames of `megabytes` in memory, and save the sum."""
    pipelines = f"""
import numpy as np
import pandas as pd
from kedro.pipeline import node, pipeline


def make():
    return pd.DataFrame(np.ones(({megabytes} * 1000 * 1000 // 80, 10)))


def step(frame):
    return frame + 1


def total(frame):
    return float(frame.to_numpy().sum())


def register_pipelines():
    nodes = [node(make, None, "frame_0", name="node_0")]
    for i in range(1, {count}):
        nodes.append(node(step, f"frame_{{i - 1}}", f"frame_{{i}}", name=f"node_{{i}}"))
    nodes.append(node(total, "frame_{count - 1}", "end", name="total"))
    return {{"__default__": pipeline(nodes)}}
"""
    end = {"end": {"type": "JsonDataset", "filepath": "data/end.json"}}
    return make_project(
        path, pipelines=pipelines, catalog=end, prefect=_prefect(settings), settings=NO_HOOKS_OF_ITS_OWN
    )


def cpu_bound(
    path: Path, nodes: int, seconds: float, settings: Optional[Mapping[str, Any]] = None
) -> Project:
    """Create `nodes` parallel nodes, each using `seconds` of CPU time in Python and saving a file."""
    pipelines = f"""
import time

from kedro.pipeline import node, pipeline


def work():
    end = time.process_time() + {seconds}
    count = 0
    while time.process_time() < end:
        count += sum(range(1000)) > 0
    return 1


def register_pipelines():
    nodes = [node(work, None, f"done_{{i}}", name=f"work_{{i}}") for i in range({nodes})]
    return {{"__default__": pipeline(nodes)}}
"""
    files = {f"done_{i}": {"type": "JsonDataset", "filepath": f"data/done_{i}.json"} for i in range(nodes)}
    return make_project(
        path, pipelines=pipelines, catalog=files, prefect=_prefect(settings), settings=NO_HOOKS_OF_ITS_OWN
    )


def partitions(
    path: Path, count: int, seconds: float, settings: Optional[Mapping[str, Any]] = None
) -> Project:
    """Create a node that makes a partition of each of `count` files, using `seconds` of CPU time for each."""
    pipelines = f"""
import time

from kedro.pipeline import node, pipeline


def work(raw):
    made = {{}}
    for name, load in raw.items():
        end = time.process_time() + {seconds}
        while time.process_time() < end:
            sum(range(1000))
        made[name] = load().upper()
    return made


def register_pipelines():
    return {{"__default__": pipeline([node(work, "raw", "made", name="work")])}}
"""
    kind = {
        "type": "partitions.PartitionedDataset",
        "dataset": "text.TextDataset",
        "filename_suffix": ".txt",
    }
    catalog = {name: {**kind, "path": f"data/{name}"} for name in ("raw", "made")}
    project = make_project(
        path, pipelines=pipelines, catalog=catalog, prefect=_prefect(settings), settings=NO_HOOKS_OF_ITS_OWN
    )
    (path / "data" / "raw").mkdir(parents=True)
    for number in range(count):
        (path / "data" / "raw" / f"part_{number:05}.txt").write_text(f"text {number}")
    return project


def transfer(path: Path, megabytes: int, settings: Optional[Mapping[str, Any]] = None) -> Project:
    """Pass one frame from a node that runs only on worker A to a node that runs only on worker B.

    Uses `copy_mode: assign`, because Dask does not copy either.
    """
    nodes = {"make": {"tags": ["dask-resource:A=1"]}, "use": {"tags": ["dask-resource:B=1"]}}
    pipelines = f"""
import numpy as np
import pandas as pd
from kedro.pipeline import node, pipeline


def make():
    return pd.DataFrame(np.ones(({megabytes} * 1000 * 1000 // 80, 10)))


def use(frame):
    return len(frame)


def register_pipelines():
    return {{
        "__default__": pipeline(
            [
                node(make, None, "frame", name="make"),
                node(use, "frame", "end", name="use"),
            ]
        )
    }}
"""
    catalog = {
        "frame": {"type": "MemoryDataset", "copy_mode": "assign"},
        "end": {"type": "JsonDataset", "filepath": "data/end.json"},
    }
    return make_project(
        path,
        pipelines=pipelines,
        catalog=catalog,
        prefect=_prefect({"nodes": nodes, **(settings or {})}),
        settings=NO_HOOKS_OF_ITS_OWN,
    )


def many_flows(path: Path, flows: int, nodes: int) -> Project:
    """Create `flows` flows for one chain of `nodes`."""
    prefect = {"api": "embedded", "flows": {f"flow_{i}": {} for i in range(flows)}}
    return chain(path, nodes, prefect=prefect, settings=NO_HOOKS_OF_ITS_OWN)


def scheduled_flows(path: Path, flows: int, nodes: int) -> Project:
    """Create `flows` pipelines, each a chain of `nodes`, and a scheduled flow for each."""
    pipelines = f"""
from kedro.pipeline import node, pipeline


def start():
    return 1


def step(value):
    return value + 1


def chain(prefix):
    nodes = [node(start, None, f"{{prefix}}_value_0", name=f"{{prefix}}_node_0")]
    for i in range(1, {nodes}):
        before, after = f"{{prefix}}_value_{{i - 1}}", f"{{prefix}}_value_{{i}}"
        nodes.append(node(step, before, after, name=f"{{prefix}}_node_{{i}}"))
    return pipeline(nodes)


def register_pipelines():
    found = {{f"pipeline_{{i}}": chain(f"p{{i}}") for i in range({flows})}}
    return {{"__default__": found["pipeline_0"], **found}}
"""
    settings = {
        f"flow_{i}": {"pipeline": f"pipeline_{i}", "schedule": {"cron": f"{i % 60} {i % 24} * * *"}}
        for i in range(flows)
    }
    prefect = {"api": "embedded", "flows": settings}
    return make_project(path, pipelines=pipelines, prefect=prefect, settings=NO_HOOKS_OF_ITS_OWN)


def plain(path: Path, hook: bool) -> Project:
    """Create a chain of ten nodes, with or without `PrefectHooks()` in the settings."""
    settings = NO_HOOKS_OF_ITS_OWN if hook else "HOOKS = ()\n"
    return chain(path, 10, prefect=_prefect(None), settings=settings)
