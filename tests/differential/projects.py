"""Writes a case as a Kedro project, and says what to call for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

from tests.differential.cases import OLD_VERSIONS, VERSIONED, Case, full_name, is_transcoded, mapped
from tests.scenarios.project_factory import KEDRO, Project, make_project

SOURCES = Path(__file__).resolve().parent / "sources"
FLOW = "all"

_SETTINGS = """
from {package}.case_hooks import CaseHooks

HOOKS = (CaseHooks(), *HOOKS[1:])
"""


def write_project(
    path: Path,
    package: str,
    case: Case,
    executor: Dict[str, Any],
    *,
    ours: bool,
    api: str = "embedded",
) -> Project:
    """The case's project, with data; `ours` adds the plugin's hooks and `prefect.yml`."""
    files = {name.name: name.read_text(encoding="utf-8") for name in SOURCES.glob("case_*.py")}
    pipelines = files.pop("case_pipelines.py")
    project = make_project(
        path,
        pipelines=pipelines,
        files={**files, "case.json": json.dumps(case, indent=1)},
        catalog=_catalog(case, package),
        parameters=case["parameters"],
        prefect=_prefect(case, executor, api) if ours else None,
        prefect_hooks=ours,
        settings=_SETTINGS.format(package=package),
        package=package,
    )
    if case["local_parameters"]:
        project.write_conf("local", "parameters", case["local_parameters"])
    for name, dataset in case["datasets"].items():
        if dataset["seeded"]:
            _seed(project, name, dataset["kind"])
    for change in (
        each for name in ("before_pipeline_run", "after_catalog_created") for each in case["hooks"][name]
    ):
        if change["how"] == "file" and case["datasets"][change["dataset"]]["raw"]:
            project.write(f"data/other_{change['dataset']}.json", json.dumps({"seed": "other"}))
    return project


def add_partition(project: Project, case: Case) -> None:
    """What arrives between the first and the second run."""
    for name in growing(case):
        project.write(f"data/{name}/p3.json", json.dumps({"part": 3}))


def growing(case: Case) -> List[str]:
    """The datasets that a partition is added to."""
    return [
        name
        for name, dataset in case["datasets"].items()
        if dataset["raw"] and dataset["kind"] in ("partitioned", "incremental")
    ]


def _catalog(case: Case, package: str) -> Dict[str, Any]:
    catalog: Dict[str, Any] = {}
    for name, dataset in case["datasets"].items():
        catalog.update(_entries(name, dataset["kind"], package))
    kinds = {dataset["kind"] for dataset in case["datasets"].values()}
    if "factory" in kinds:
        catalog["{name}_fact"] = {"type": "JsonDataset", "filepath": "data/general_{name}.json"}
        catalog["d{number}_fact"] = {"type": "JsonDataset", "filepath": "data/special_{number}.json"}
    if "factory_versioned" in kinds:
        catalog["{name}_factv"] = {
            "type": "VersionedDataset",
            "filepath": "data/{name}_factv.json",
            "versioned": True,
        }
    if case["catch_all"]:
        catalog["{default}"] = {"type": "JsonDataset", "filepath": "data/default_{default}.json"}
    return catalog


def _entries(name: str, kind: str, package: str) -> Dict[str, Any]:
    file = f"data/{name}.json"
    json_dataset = {"type": "JsonDataset", "filepath": file}
    versioned = {"type": "VersionedDataset", "filepath": file, "versioned": True}
    if is_transcoded(kind):
        entries = {f"{name}@json": json_dataset, f"{name}@text": {"type": "TextDataset", "filepath": file}}
        if kind == "transcoded_versioned":
            entries = {
                f"{name}@json": versioned,
                f"{name}@text": {**versioned, "type": f"{package}.case_datasets.VersionedText"},
            }
        return entries
    parts = {"type": f"{package}.datasets.JsonDataset"}
    folder = {"path": f"data/{name}", "dataset": parts, "filename_suffix": ".json"}
    entry: Dict[str, Dict[str, Any]] = {
        "json": json_dataset,
        "versioned": versioned,
        "cached": {"type": "CachedDataset", "dataset": json_dataset},
        "cached_versioned": {
            "type": "CachedDataset",
            "versioned": True,
            "dataset": {"type": "VersionedDataset", "filepath": file},
        },
        "cached_memory": {"type": "CachedDataset", "dataset": {"type": "MemoryDataset"}},
        "locked": {"type": "LockedDataset", "filepath": file},
        "confirmed": {"type": "ConfirmedDataset", "filepath": file},
        "chunks": {"type": "ChunksDataset", "filepath": f"data/{name}.jsonl"},
        "partitioned": {"type": "kedro_datasets.partitions.PartitionedDataset", **folder},
        "overwritten": {
            "type": "kedro_datasets.partitions.PartitionedDataset",
            "overwrite": True,
            **folder,
        },
        "incremental": {"type": "kedro_datasets.partitions.IncrementalDataset", **folder},
        "memory_assign": {"type": "MemoryDataset", "copy_mode": "assign"},
        "memory_copy": {"type": "MemoryDataset", "copy_mode": "copy"},
        "memory_deepcopy": {"type": "MemoryDataset", "copy_mode": "deepcopy"},
        "own_memory": {"type": f"{package}.case_datasets.OwnMemory"},
    }
    return {name: entry[kind]} if kind in entry else {}


def _seed(project: Project, name: str, kind: str) -> None:
    if kind in ("partitioned", "incremental"):
        for number in (1, 2):
            project.write(f"data/{name}/p{number}.json", json.dumps({"part": number}))
    elif kind in VERSIONED:
        for version in OLD_VERSIONS:
            project.write(f"data/{name}.json/{version}/{name}.json", json.dumps({"version": version}))
    elif kind == "factory":
        project.write(f"data/special_{name[1:].split('_', maxsplit=1)[0]}.json", json.dumps({"seed": name}))
    elif not kind.startswith("hook"):
        project.write(f"data/{name}.json", json.dumps({"seed": name}))


def _prefect(case: Case, executor: Dict[str, Any], api: str) -> Dict[str, Any]:
    nodes: Dict[str, Any] = {}
    if case["timeouts"]:
        nodes = {full_name(node): {"timeout": 100} for node in case["nodes"][:2]}
    for node in mapped(case):
        settings = nodes.setdefault(full_name(node), {})
        settings["map"] = node["each"]
        if node["per_task"] is not None and not _follows_in_memory(node, case):
            settings["partitions_per_task"] = node["per_task"]
    defaults: Dict[str, Any] = {"executor": executor, "group_by": case["group_by"], "nodes": nodes}
    if case["retries"]:
        defaults["retries"] = {"max_retries": case["retries"], "retry_delay": 0.05}
    if case.get("result"):
        defaults["result"] = {"type": "LocalResult", "dir": "results"}
    flow = {"is_async": case["is_async"], "parameters": sorted(case["params"]), **case["filters"]}
    return {
        "api": api,
        "defaults": defaults,
        "flows": {FLOW: flow if case["through"] != "runner" else {}},
    }


def _follows_in_memory(node: Dict[str, Any], case: Case) -> bool:
    """Whether a mapped node has the slices of the one before, and no setting of its own."""
    return str(case["datasets"][node["each"]]["kind"]).startswith("memory")


def kedro_arguments(case: Case, nodes: Sequence[str] | None = None) -> List[str]:
    """What follows `kedro run`; for the case's filters, or for these nodes."""
    options = {
        "tags": "--tags",
        "from_nodes": "--from-nodes",
        "to_nodes": "--to-nodes",
        "node_names": "--nodes",
        "from_inputs": "--from-inputs",
        "to_outputs": "--to-outputs",
        "namespaces": "--namespaces" if KEDRO >= (1, 0) else "--namespace",
    }
    if KEDRO < (0, 19):
        options.update(tags="--tag", node_names="--node")
    filters = case["filters"] if nodes is None else {"node_names": nodes}
    arguments = [part for key, names in filters.items() for part in (options[key], ",".join(names))]
    if case["params"]:
        equals = "=" if KEDRO >= (0, 19) else ":"
        arguments += ["--params", ",".join(f"{name}{equals}{text}" for name, text in case["params"].items())]
    if case["load_versions"]:
        option = "--load-versions" if KEDRO >= (0, 19) else "--load-version"
        arguments += [option, _versions(case)]
    return arguments + ["--async"] * case["is_async"]


def our_arguments(case: Case) -> List[str]:
    """What follows `kedro` on our side."""
    if case["through"] == "runner":
        return ["run", "--runner", "kedro_prefect_hooks.PrefectRunner", *kedro_arguments(case)]
    arguments = ["prefect", "run", FLOW, "--env", "local", *["--local"] * (case["through"] == "flow")]
    for name, text in case["params"].items():
        arguments += ["--param", f"{name}={text}"]
    return arguments + (["--load-versions", _versions(case)] if case["load_versions"] else [])


def _versions(case: Case) -> str:
    return ",".join(f"{name}:{version}" for name, version in case["load_versions"].items())
