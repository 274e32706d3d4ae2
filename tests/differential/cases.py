"""Draws cases: a project and one command, as plain data (JSON).

A case has these keys:

    nodes, datasets, parameters, local_parameters, hooks, catch_all    the project
    filters, params, load_versions, is_async                           the command
    failure, retries                                                   which node fails, how, how often
    again, restart                                                     what follows the first run: see `runs`
    through, executor, group_by, timeouts, result                      our side: `runner`, `flow` or `agent`

Whatever is drawn, Kedro accepts or refuses it.
"""

from __future__ import annotations

import importlib.util
import random
from typing import Any, Dict, List, Sequence

from tests.scenarios.project_factory import HAS_FACTORIES, HAS_GENERATORS, KEDRO

Case = Dict[str, Any]

HAS_INTERPOLATION = KEDRO >= (0, 19)
HAS_PARTITIONS = HAS_FACTORIES and importlib.util.find_spec("kedro_datasets") is not None

LOCAL, THREADS, PROCESSES, DASK, TIMEOUTS = "local", "threads", "processes", "dask", "timeouts"
AGENT = "agent"
"""In the place of an executor: a flow run in a process that an agent starts, on an executor that is drawn."""

AGENT_EXECUTORS = [LOCAL] * 5 + [THREADS] * 3 + [DASK] * 2 + [PROCESSES, TIMEOUTS]

RAW = ["json", "versioned", "transcoded", "cached", "hook_value", "hook_added", "confirmed"]
RAW += ["factory"] * HAS_FACTORIES + ["partitioned", "incremental"] * HAS_PARTITIONS
_COMMON = ["memory", "json", "versioned", "memory_assign", "memory_copy", "memory_deepcopy", "transcoded"]
_COMMON += ["transcoded_versioned", "cached", "cached_versioned", "locked", "confirmed", "own_memory"]
_COMMON += ["factory", "factory_versioned"] * HAS_FACTORIES + ["partitioned"] * HAS_PARTITIONS
MADE = _COMMON * 3 + ["cached_memory", "unpicklable"]  # few, because executors with processes refuse them

PERSISTED = {"json", "factory", "cached", "locked", "confirmed", "transcoded"}
VERSIONED = {"versioned", "transcoded_versioned", "cached_versioned", "factory_versioned"}
OLD_VERSIONS = ("2020-01-01T00.00.00.000Z", "2021-01-01T00.00.00.000Z")

FAILURES = ("ValueError", "unreadable", "lock", "exit 3", "exit 0", "exit text", "FAIL")
VALUES = ("7", "7.0", "3", "true", "1e-3", "text", "2023-11-01", "0.5")
SETTABLE = ["size", "rate", "model.depth", "model.deep.x"]


def is_transcoded(kind: str) -> bool:
    return kind.startswith("transcoded")


def full_name(node: Dict[str, Any]) -> str:
    """A node's name in Kedro, with its namespace."""
    return f"{node['namespace']}.{node['name']}" if node["namespace"] else str(node["name"])


def _dataset_name(number: int, kind: str) -> str:
    suffix = {"factory": "_fact", "factory_versioned": "_factv"}.get(kind, "")
    return f"d{number}{suffix}"


def parameters() -> Dict[str, Any]:
    """`parameters.yml` of every project."""
    found: Dict[str, Any] = {
        "size": 3,
        "rate": 0.5,
        "list": [1, 2],
        "model": {"depth": 2, "kept": "as it is", "deep": {"x": 1, "y": "left"}},
    }
    if HAS_INTERPOLATION:
        found["model"]["width"] = "${.depth}"
        found["linked"] = "${size}"
        found["given"] = "${runtime_params:extra, 11}"
    return found


PARAMETER_INPUTS = ["params:size", "params:model", "parameters", "params:model.depth", "params:model.deep.x"]
PARAMETER_INPUTS += ["params:rate"] + ["params:linked", "params:given"] * HAS_INTERPOLATION


class Choices:
    """Numbers drawn at random, or given: the same numbers make the same case, and smaller ones a smaller one.

    Args:
        source: draws the numbers.
        given: numbers to begin with; without a `source`, all that follow are 0.
    """

    def __init__(self, source: random.Random | None, given: Sequence[int] = ()) -> None:
        self._source = source
        self._given = given
        self.drawn: List[int] = []

    def below(self, limit: int) -> int:
        """A number from 0 to `limit - 1`."""
        place = len(self.drawn)
        if place < len(self._given):
            number = min(self._given[place], limit - 1)
        else:
            number = self._source.randrange(limit) if self._source else 0
        self.drawn.append(number)
        return number

    def one(self, values: Sequence[Any]) -> Any:
        """One of these, the first being the simplest."""
        return values[self.below(len(values))]

    def some(self, values: Sequence[Any], most: int = 2) -> List[Any]:
        """A few of these, or none."""
        left, found = list(values), []
        for _ in range(self.below(min(most, len(left)) + 1)):
            found.append(left.pop(self.below(len(left))))
        return found

    def chance(self, percent: int) -> bool:
        """True in as many of a hundred cases."""
        return self.below(100) >= 100 - percent


def draw_case(choices: Choices, executor: str) -> Case:
    """One case that runs on this executor, or under an agent."""
    chance, some, one = choices.chance, choices.some, choices.one
    datasets: Dict[str, Dict[str, Any]] = {}
    for number in range(1 + choices.below(2)):
        kind = one(RAW)
        datasets[_dataset_name(number, kind)] = {"kind": kind, "raw": True, "seeded": True}

    nodes: List[Dict[str, Any]] = []
    most = 3 if executor == TIMEOUTS else 6
    for place in range(1 + choices.below(most)):
        inputs = [_variant(one, name, datasets[name]) for name in some(list(datasets), 3)]
        inputs += some(PARAMETER_INPUTS, 1)
        yields = HAS_GENERATORS and chance(8)
        outputs = []
        for _ in range(1 + choices.below(2) if not inputs else (1, 2, 0)[choices.below(3)]):
            kind = "chunks" if yields else one(MADE)
            name = _dataset_name(len(datasets), kind)
            datasets[name] = {
                "kind": kind,
                "raw": False,
                "seeded": kind in PERSISTED | VERSIONED and chance(40),
            }
            outputs.append(_variant(one, name, datasets[name]))
        nodes.append(
            {
                "name": f"n{place}",
                "inputs": inputs,
                "outputs": outputs,
                "style": one(["list", "dict"]),
                "yields": yields and bool(outputs),
                "tags": some(["one", "two"]) + [f"group.{one('ab')}"] * chance(60),
                "namespace": one([None, None, "space"]),
                "confirms": [],
                "mutates": [],
            }
        )
    _confirm(nodes, datasets, choices)
    _mutate(nodes, datasets, choices)

    failure = None
    retries = 0
    if chance(80 if executor == AGENT else 30):
        failure = {
            "node": one(nodes)["name"],
            "how": one(FAILURES),
            "times": one([None, 1, 2]),
        }
        retries = choices.below(2 if executor == AGENT else 3)
    through = one(["runner", "flow"])
    if executor == AGENT:
        through = AGENT
    settable = SETTABLE + (["extra"] if HAS_INTERPOLATION else []) + ["new.one"] * (through == "runner")
    versioned = [name for name, each in datasets.items() if each["kind"] == "versioned" and each["seeded"]]
    case = {
        "nodes": nodes,
        "datasets": datasets,
        "parameters": parameters(),
        "local_parameters": {"model": {"depth": 4, "deep": {"x": 2, "z": 0}}} if chance(20) else {},
        "hooks": _hooks(nodes, datasets, choices),
        "catch_all": HAS_FACTORIES
        and chance(10)
        and not any(d["kind"] == "unpicklable" for d in datasets.values()),
        "filters": _filters(nodes, datasets, choices),
        "params": {name: one(VALUES) for name in (some(settable) if chance(40) else [])},
        "load_versions": {name: one(OLD_VERSIONS) for name in (some(versioned) if chance(50) else [])},
        "is_async": chance(10),
        "again": chance(25) and not (failure and failure["times"] is None),
        "failure": failure,
        "retries": retries,
        "through": through,
        "executor": executor,
        "group_by": one(["none", "none", "memory", "namespace", "group"]),
        "timeouts": executor == TIMEOUTS,
        "result": False,
        "restart": False,
    }
    if executor == AGENT:
        case["executor"] = one(AGENT_EXECUTORS)
        case["timeouts"] = case["executor"] == TIMEOUTS
        case["result"] = chance(60)
        case["restart"] = bool(failed_runs(case)) and chance(90)
    if HAS_PARTITIONS and chance(15):
        _map(case, choices)
    return case


def _map(case: Case, choices: Choices) -> None:
    """Map nodes that could be: over a partitioned dataset, or over what a mapped node makes.

    They become partition-wise (`each`), so that Kedro's one call makes the same; what fails stays unmapped.
    """
    datasets = case["datasets"]
    changed = {
        each["dataset"]
        for name in ("before_pipeline_run", "after_catalog_created")
        for each in case["hooks"][name]
    }
    raw = [
        name
        for name, each in datasets.items()
        if each["raw"] and each["kind"] == "json" and name not in changed
    ]
    for name in raw:
        if choices.chance(60):
            datasets[name]["kind"] = "partitioned"
    possible = {name for name, each in datasets.items() if each["kind"] in ("partitioned", "incremental")}
    for node in case["nodes"]:
        inputs = [name for name in node["inputs"] if name in possible]
        fails = case["failure"] and case["failure"]["node"] == node["name"]
        other = node["yields"] or fails or case["hooks"].get("replaces") == node["name"]
        if not inputs or other or changed & set(map(base, node["outputs"])) or not choices.chance(80):
            continue
        node["each"] = choices.one(inputs)
        node["per_task"] = choices.one([1, None, 2])
        node["mutates"] = [at for at in node["mutates"] if _loads_afresh(datasets, node["inputs"][at])]
        node["outputs"] = [base(name) for name in node["outputs"]]
        for name in node["outputs"]:
            datasets[name].update(kind=choices.one(MAPPED_KINDS), seeded=False)
            _use_without_transcoding(case["nodes"], name)
        possible.update(node["outputs"])
    if mapped(case):
        grouped = choices.chance(50) and not case["filters"] and _group_slices(case)
        case["group_by"] = "slices" if grouped else "none"


def _group_slices(case: Case) -> bool:
    """Put mapped nodes into one task with the mapped node before, where that is possible; whether it is."""
    grouped = False
    made = {name: node for node in case["nodes"] for name in node["outputs"]}
    for node in mapped(case):
        before = made.get(node["each"])
        others = [name for name in node["inputs"] if name != node["each"] and base(name) in map(base, made)]
        if before is None or not before.get("each") or others:
            continue
        tasks = [tag for tag in before["tags"] if tag.startswith("slices.")]
        sliced = [each["each"] for each in case["nodes"] if each is before or set(tasks) & set(each["tags"])]
        if set(sliced) & (set(node["inputs"]) - {node["each"]}):
            continue
        tag = f"slices.{before['name']}"
        if not any(each.startswith("slices.") for each in before["tags"]):
            before["tags"].append(tag)
        node["tags"].append(next(each for each in before["tags"] if each.startswith("slices.")))
        node["per_task"] = None
        grouped = True
    return grouped


MAPPED_KINDS = ["partitioned", "memory_copy", "memory_deepcopy", "overwritten"]
"""What a mapped node makes."""


def mapped(case: Case) -> List[Dict[str, Any]]:
    """The nodes that are mapped on our side."""
    return [node for node in case["nodes"] if node.get("each")]


def _loads_afresh(datasets: Any, name: str) -> bool:
    """Whether each slice of a mapped node gets a dataset that no other slice has changed."""
    return datasets.get(name, {}).get("kind") in ("json", "versioned", "memory_deepcopy")


def _use_without_transcoding(nodes: Any, name: str) -> None:
    for node in nodes:
        node["inputs"] = list(dict.fromkeys(name if base(each) == name else each for each in node["inputs"]))
        node["mutates"] = [at for at in node["mutates"] if at < len(node["inputs"])]


def failed_runs(case: Case) -> int | None:
    """How many runs, or attempts of a flow run, fail until one succeeds; None for all of them."""
    if not case["failure"]:
        return 0
    times = case["failure"]["times"]
    return None if times is None else int(times // (1 + case["retries"]))


def for_kedro(case: Case) -> Case:
    """The case for Kedro, which has no retries: each of its runs fails as often as all tries of ours."""
    if not case["failure"]:
        return case
    return {**case, "failure": {**case["failure"], "times": failed_runs(case)}}


def runs(case: Case) -> int:
    """How often the command is called: `again` calls it once more, or until it succeeds.

    With `restart`, it is the flow run that is restarted until it succeeds.
    """
    failed = 0 if case.get("restart") else failed_runs(case)
    return 1 + max(1, failed or 0) if case["again"] else 1


def case_named(name: str) -> Case:
    """The case of a name such as `threads-1-17`: executor (or `agent`), seed, number."""
    return draw_case(Choices(random.Random(name)), name.split("-", maxsplit=1)[0])


def _variant(one: Any, name: str, dataset: Dict[str, Any]) -> str:
    """A dataset's name as a node uses it: transcoded ones as JSON or as text."""
    if not is_transcoded(dataset["kind"]):
        return name
    return f"{name}@{one(['json', 'text'])}"


def _confirm(nodes: Any, datasets: Any, choices: Choices) -> None:
    """Let nodes confirm what they, or nodes before them, have loaded."""
    for name, dataset in datasets.items():
        if dataset["kind"] not in ("incremental", "confirmed") or not choices.chance(70):
            continue
        loading = [place for place, node in enumerate(nodes) if name in node["inputs"]]
        if loading:
            at = loading[0] + choices.below(len(nodes) - loading[0])
            if at in loading or _follows(nodes, at, loading[0]):
                nodes[at]["confirms"].append(name)


def base(name: str) -> str:
    return name.split("@", maxsplit=1)[0]


def downstream(nodes: Any, names: Any) -> set:
    """Names of these nodes and of all that depend on them."""
    found = set(names)
    made = {base(out) for node in nodes if node["name"] in found for out in node["outputs"]}
    for node in nodes:  # each comes after those it depends on
        if made & {base(name) for name in node["inputs"]}:
            found.add(node["name"])
            made |= {base(out) for out in node["outputs"]}
    return found


def _follows(nodes: Any, later: int, earlier: int) -> bool:
    return nodes[later]["name"] in downstream(nodes, [nodes[earlier]["name"]])


def _mutate(nodes: Any, datasets: Any, choices: Choices) -> None:
    """Let nodes change their inputs, where nobody else can see it."""
    loads: Dict[str, int] = {}
    for node in nodes:
        for name in node["inputs"]:
            loads[base(name)] = loads.get(base(name), 0) + 1
    for node in nodes:
        for place, name in enumerate(node["inputs"]):
            shared = datasets.get(base(name), {}).get("kind") in ("memory_assign", "memory_copy")
            if choices.chance(25) and not (shared and loads[base(name)] > 1):
                node["mutates"].append(place)


def _hooks(nodes: Any, datasets: Any, choices: Choices) -> Dict[str, Any]:
    hooks: Dict[str, Any] = {"after_catalog_created": [], "before_pipeline_run": []}
    for name, dataset in datasets.items():
        if dataset["kind"] == "hook_value":
            hooks["after_catalog_created"].append({"dataset": name, "how": "value"})
        if dataset["kind"] == "hook_added":
            how = "unpicklable" if choices.chance(20) else "value"
            hooks["before_pipeline_run"].append({"dataset": name, "how": how})
    plain = [name for name, dataset in datasets.items() if dataset["kind"] in ("json", "memory", "factory")]
    if plain and choices.chance(12):
        change = {
            "dataset": choices.one(plain),
            "how": choices.one(["value", "file"]),
        }
        raw = datasets[change["dataset"]]["raw"]
        if not (change["how"] == "value" and not raw):
            hooks[choices.one(["before_pipeline_run", "after_catalog_created"])].append(change)
    if choices.chance(15):
        hooks["replaces"] = choices.one(nodes)["name"]
    return hooks


def _filters(nodes: Any, datasets: Any, choices: Choices) -> Dict[str, List[str]]:
    if not choices.chance(30):
        return {}
    names = [full_name(node) for node in nodes]
    made = [name for node in nodes for name in node["outputs"]]
    used = [name for node in nodes for name in node["inputs"] if not name.startswith("param")]
    possible: Dict[str, List[str]] = {
        "to_nodes": names,
        "from_nodes": names,
        "node_names": names,
        "tags": ["one", "two"],
        "to_outputs": made,
        "from_inputs": used,
        "namespaces": ["space"] if any(node["namespace"] for node in nodes) else [],
    }
    filled = [key for key, values in possible.items() if values]
    keys = choices.some(filled) or [choices.one(filled)]
    return {key: [choices.one(possible[key])] for key in keys}
