"""Prefect's classes by `type`: looked up, their arguments checked against their signatures, and created."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import prefect
import pytest
import yaml
from prefect.engine.serializers import JSONSerializer, PandasSerializer
from prefect.run_configs import LocalRun
from prefect.storage import Storage

from kedro_prefect_hooks.config import FlowConfig, parse_config
from kedro_prefect_hooks.config.messages import Place
from kedro_prefect_hooks.config.prefect import objects
from kedro_prefect_hooks.errors import ConfigError

FILE = {"": "conf/base/prefect.yml"}


class OwnRun(LocalRun):
    """A user's own run config, with an argument that Prefect's does not have."""

    def __init__(self, *, patience: timedelta = timedelta(0), **kwargs: Any) -> None:
        self.patience = patience
        super().__init__(**kwargs)


class OwnStorage(Storage):
    """A user's own storage that accepts any arguments."""

    def __init__(self, **kwargs: Any) -> None:
        self.given = kwargs
        super().__init__()

    def add_flow(self, flow: Any) -> str:
        return str(flow.name)


class RaisesError(LocalRun):
    """A class whose own check fails."""

    def __init__(self) -> None:
        raise RuntimeError("not on a Sunday")


class NeedsPackage(LocalRun):
    """A class that needs a package that is not installed."""

    def __init__(self) -> None:
        raise ImportError("No module named 'cloudy'")


HERE = __name__


def flow_of(text: str, project_path: Path | None = None) -> FlowConfig:
    raw = {"flows": {"a": yaml.safe_load(text)}}
    return parse_config(raw, files=FILE, project_path=project_path).flows["a"]


def message_of(kind: str, text: str) -> str:
    flow = flow_of(f"{{{kind}: {text}}}")
    with pytest.raises(ConfigError) as raised:
        getattr(flow, f"build_{kind}")()
    return str(raised.value)


ALL_TYPES = [(kind, name) for kind in objects.KINDS for name in objects.type_names(kind)]


def test_all_of_prefects_own_classes_are_known() -> None:
    assert set(objects.type_names("storage")) == set(prefect.storage.__all__) - {"Storage"}
    assert set(objects.type_names("run_config")) == set(prefect.run_configs.__all__) - {"RunConfig"}
    assert set(objects.type_names("executor")) == set(prefect.executors.__all__) - {"Executor"}


@pytest.mark.parametrize(("kind", "name"), ALL_TYPES)
def test_every_type_rejects_an_unknown_argument(kind: str, name: str) -> None:
    cls = objects.class_of(kind, name, Place())
    parameters, accepts_any = objects.parameters_of(cls)
    assert not accepts_any
    assert "kwargs" not in parameters
    if kind != "serializer":
        message = message_of(kind, f"{{type: {name}, no_such_argument: 1}}")
        assert f"conf/base/prefect.yml, flows.a.{kind}.no_such_argument" in message or (
            f"flows.a.{kind}.no_such_argument: unknown argument of {name}" in message
        )


BUILT: dict[str, tuple[str, str, dict[str, object]]] = {
    "module": ("storage", "{type: Module, module: a.b}", {"module": "a.b"}),
    "base's arguments": ("storage", "{type: GitHub, repo: a/b, path: c, secrets: [S]}", {"secrets": ["S"]}),
    "one label": ("storage", "{type: S3, bucket: b, labels: l}", {"_labels": ["l"]}),
    "environment": ("run_config", "{env: {A: 1, B: true, C: x}}", {"env": {"A": "1", "B": "true", "C": "x"}}),
    "labels": ("run_config", "{type: UniversalRun, labels: etl}", {"labels": {"etl"}}),
    "number or string": ("run_config", "{type: KubernetesRun, cpu_limit: 2}", {"cpu_limit": "2"}),
    "ports": ("run_config", "{type: DockerRun, ports: [80, 443]}", {"ports": [80, 443]}),
    "threads": (
        "executor",
        "{type: LocalDaskExecutor, scheduler: processes, num_workers: 3}",
        {"scheduler": "processes", "dask_config": {"num_workers": 3}},
    ),
    "dask": (
        "executor",
        "{type: DaskExecutor, address: 'tcp://localhost:8786', client_kwargs: {timeout: 5}}",
        {"address": "tcp://localhost:8786"},
    ),
    "cluster": (
        "executor",
        "{type: DaskExecutor, cluster_kwargs: {n_workers: 2}, adapt_kwargs: {maximum: 3}}",
        {"adapt_kwargs": {"maximum": 3}},
    ),
    "location": ("result", "{type: LocalResult, location: '{task_name}.p'}", {"location": "{task_name}.p"}),
    "own class": (
        "run_config",
        f"{{type: {HERE}.OwnRun, patience: 5m, env: {{A: a}}}}",
        {"patience": timedelta(minutes=5), "env": {"A": "a"}},
    ),
    "own open class": ("storage", f"{{type: {HERE}.OwnStorage, any: thing}}", {"given": {"any": "thing"}}),
}


@pytest.mark.parametrize(("kind", "text", "attributes"), BUILT.values(), ids=BUILT)
def test_built_objects(kind: str, text: str, attributes: dict[str, object]) -> None:
    built = getattr(flow_of(f"{{{kind}: {text}}}"), f"build_{kind}")()
    assert {name: getattr(built, name) for name in attributes} == attributes


def test_defaults() -> None:
    flow = flow_of("{}")
    assert type(flow.build_executor()) is prefect.executors.LocalExecutor
    assert type(flow.build_run_config()) is LocalRun
    assert flow.build_storage().module == "kedro_prefect_hooks.flows.deployed:load"
    assert (flow.build_result(), flow.build_schedule(), flow.build_state_handlers()) == (None, None, [])


def test_labels_of_flow_and_run_config_are_combined() -> None:
    assert flow_of("{labels: [a], run_config: {labels: [b]}}").build_run_config().labels == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "cls"),
    [("JSONSerializer", JSONSerializer), ("{type: PandasSerializer, file_type: csv}", PandasSerializer)],
)
def test_serializer_by_name(text: str, cls: type) -> None:
    result = flow_of(f"{{result: {{type: LocalResult, serializer: {text}}}}}").build_result()
    assert isinstance(result.serializer, cls)


def test_a_relative_result_folder_is_in_the_project_and_created_only_when_used(tmp_path: Path) -> None:
    result = flow_of("{result: {type: LocalResult, dir: data/results}}", tmp_path).build_result()
    assert Path(result.dir) == tmp_path / "data" / "results"
    assert not Path(result.dir).exists()
    written = result.write(5)
    assert result.read(written.location).value == 5


INVALID: dict[str, tuple[str, str, list[str]]] = {
    "type": (
        "executor",
        "LocalDask",
        [
            "executor.type: unknown executor 'LocalDask'",
            "'LocalDaskExecutor'?",
            "DaskExecutor, L",
            "dotted path",
        ],
    ),
    "case": ("storage", "s3", ["Did you mean 'S3'?"]),
    "type missing": ("result", "{dir: x}", ["result.type: missing", "LocalResult", "dotted path"]),
    "argument": (
        "executor",
        "{type: LocalDaskExecutor, num_worker: 3}",
        ["executor.num_worker: unknown argument of LocalDaskExecutor", "'num_workers'?", "scheduler"],
    ),
    "argument of base": ("run_config", "{label: x}", ["run_config.label", "'labels'?", "working_dir"]),
    "missing argument": (
        "storage",
        "{type: GitHub, repo: a/b}",
        ["storage.path: missing: GitHub requires it"],
    ),
    "result of a storage": ("storage", "{type: S3, bucket: b, result: x}", ["its own `result:` key"]),
    "own error": (
        "executor",
        "{type: LocalDaskExecutor, scheduler: thread}",
        ["executor.scheduler: unknown scheduler 'thread'. Did you mean 'threads'?"],
    ),
    "both": (
        "executor",
        "{type: DaskExecutor, address: x, cluster_kwargs: {n: 1}}",
        ["DaskExecutor rejects these arguments: Cannot specify"],
    ),
    "number for string": (
        "storage",
        "{type: S3, bucket: 3}",
        ["bucket: found 3, expected a string (put it in quotes)"],
    ),
    "string for boolean": (
        "executor",
        "{type: DaskExecutor, debug: maybe}",
        ["debug: found 'maybe', expected true"],
    ),
    "boolean for string": ("storage", "{type: S3, bucket: yes}", ["bucket: found true, expected a string"]),
    "string for mapping": ("executor", "{type: DaskExecutor, cluster_kwargs: x}", ["expected a mapping"]),
    "list item": (
        "run_config",
        "{type: DockerRun, ports: [80, x]}",
        ["found 'x', expected a list of integers"],
    ),
    "environment": ("run_config", "{env: [A]}", ["run_config.env: found ['A'], expected a mapping"]),
    "variable": ("run_config", "{env: {A: [1]}}", ["run_config.env.A: found [1], expected a string"]),
    "no module": ("run_config", "{type: no.such.Thing}", ["run_config.type: cannot import 'no.such.Thing'"]),
    "no class": ("run_config", f"{{type: {HERE}.Nothing}}", ["cannot import", "Nothing"]),
    "another kind": (
        "executor",
        f"{{type: {HERE}.OwnRun}}",
        ["expected a class derived from prefect.executors.Executor"],
    ),
    "own argument": ("run_config", f"{{type: {HERE}.OwnRun, patients: 5}}", ["rejects", "patients"]),
    "own duration": ("run_config", f"{{type: {HERE}.OwnRun, patience: long}}", ["found 'long'", "5m"]),
    "own check": (
        "run_config",
        f"{{type: {HERE}.RaisesError}}",
        ["rejects these arguments: RuntimeError: not on a Sunday (test_objects.py, line "],
    ),
    "package": (
        "run_config",
        f"{{type: {HERE}.NeedsPackage}}",
        ["needs a package that is not installed here", "cloudy"],
    ),
    "cluster": ("executor", "{type: DaskExecutor, cluster_class: no.Such}", ["needs a package", "no"]),
    "serializer": (
        "result",
        "{type: LocalResult, serializer: Json}",
        ["result.serializer.type: unknown serializer"],
    ),
}


@pytest.mark.parametrize(("kind", "text", "parts"), INVALID.values(), ids=INVALID)
def test_invalid_objects(kind: str, text: str, parts: list[str]) -> None:
    message = message_of(kind, text)
    assert message.startswith("conf/base/prefect.yml, flows.a.")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_an_invalid_default_is_reported_at_its_place() -> None:
    flow = parse_config({"defaults": {"executor": "Dask"}, "flows": {"a": None}}, files=FILE).flows["a"]
    with pytest.raises(ConfigError, match=r"^conf/base/prefect.yml, defaults\.executor\.type: "):
        flow.build_executor()
