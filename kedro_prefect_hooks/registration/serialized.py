"""Serializes a flow to the JSON that Prefect's API expects: the same as `flow.serialize()`, in linear time.

Prefect's serialization is quadratic: for each task it compares the whole flow with a copy of itself (the
`cache` decorator in `prefect/core/flow.py`). It also inspects the signature of every task. Here each task and
edge is visited once, and what depends only on a task's class is computed once per class. Knows nothing of
Kedro, nor of what is already registered.
"""

from __future__ import annotations

import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Any, List, MutableMapping, Type

import prefect
from prefect.serialization.flow import FlowSchema
from prefect.serialization.run_config import RunConfigSchema
from prefect.serialization.storage import StorageSchema
from prefect.serialization.task import ParameterSchema, TaskSchema

from kedro_prefect_hooks.api.registered import Json
from kedro_prefect_hooks.compat.prefect_schemas import run_config_schema, schedule_schema, storage_schema
from kedro_prefect_hooks.errors import ConfigError

if TYPE_CHECKING:
    from prefect.storage import Storage

PARTS = ("tasks", "edges", "parameters", "reference_tasks", "storage", "run_config", "schedule")
"""Fields of a flow that are serialized by themselves."""

SIGNATURE = ("type", "inputs", "outputs")
"""Fields of a task that depend on its class alone, unless the instance has a `run` of its own."""

FUNCTIONS = ("trigger", "cache_validator")
"""Fields of a task that nearly all tasks of a flow have in common."""


def serialized(flow: prefect.Flow) -> Json:
    """Return the same as `flow.serialize(build=False)`.

    Raises:
        ValueError: the flow has a cycle.
    """
    _check_classes(flow)
    tasks = _tasks(flow)
    parts = _schema(FlowSchema, *PARTS).dump(flow)
    parts["tasks"] = tasks
    parts["edges"] = _edges(flow)
    parameters = sorted(flow.parameters(), key=lambda parameter: str(parameter.slug))
    parts["parameters"] = _schema(ParameterSchema).dump(parameters, many=True)
    parts["reference_tasks"] = [
        _versioned({"slug": slug})
        for slug in sorted(flow.slugs[task] for task in flow._reference_tasks or ())
    ]
    parts["storage"] = serialized_storage(flow.storage)
    parts["run_config"] = flow.run_config and run_config_schema().dump(flow.run_config)
    parts["schedule"] = flow.schedule and schedule_schema().dump(flow.schedule)
    return dict(parts)


def _check_classes(flow: prefect.Flow) -> None:
    """Check the classes of storage and run config, which Prefect sends by name, from a fixed list.

    Raises:
        ConfigError: the name of a user's own class is not in the list.
    """
    for what, value, schema in (
        ("storage", flow.storage, StorageSchema),
        ("run_config", flow.run_config, RunConfigSchema),
    ):
        name = type(value).__name__
        if value is not None and name not in schema.type_schemas:
            raise ConfigError(
                f"prefect.yml: flows.{flow.name}.{what}.type: Prefect's API supports only its own types, and "
                f"{type(value).__module__}.{name} is not one of them. Give the class the same name as its "
                f"base class, one of {', '.join(sorted(schema.type_schemas))}."
            )


def serialized_storage(storage: Storage | None) -> Json | None:
    """Return a storage as it is serialized in a flow."""
    return None if storage is None else dict(storage_schema().dump(storage))


@lru_cache(maxsize=None)
def _schema(kind: type, *excluded: str) -> Any:
    # Creating a schema takes longer than serializing a small flow with it.
    return kind(exclude=excluded) if excluded else kind()


def _versioned(content: Json) -> Json:
    return {**content, "__version__": prefect.__version__}


def _tasks(flow: prefect.Flow) -> List[Json]:
    flow._sorted_tasks()  # raises ValueError if the flow has a cycle
    complete, rest = _schema(TaskSchema), _schema(TaskSchema, *SIGNATURE, *FUNCTIONS)
    functions: dict[Any, Json] = {}
    result = []
    for task in sorted(flow.tasks, key=flow.slugs.__getitem__):
        if "run" in vars(task):  # a task made from a function: its inputs are its own
            content = complete.dump(task)
        else:
            shared = (task.trigger, task.cache_validator)
            if shared not in functions:
                functions[shared] = _schema(TaskSchema, *SIGNATURE).dump(task)
            content = {**_signature(task), **functions[shared], **rest.dump(task)}
        content["slug"] = flow.slugs[task]
        result.append(content)
    return result


_SIGNATURES: MutableMapping[Type[prefect.Task], Json] = weakref.WeakKeyDictionary()


def _signature(task: prefect.Task) -> Json:
    """What depends on a task's class alone; part of each task, and never changed."""
    kind = type(task)
    if kind not in _SIGNATURES:
        dumped = _schema(TaskSchema).dump(task)
        _SIGNATURES[kind] = {name: dumped[name] for name in SIGNATURE if name in dumped}
    return _SIGNATURES[kind]


def _edges(flow: prefect.Flow) -> List[Json]:
    slugs = flow.slugs
    endpoints = {slug: _versioned({"slug": slug}) for slug in slugs.values()}
    edges = sorted(
        (
            (slugs[edge.upstream_task], slugs[edge.downstream_task], edge.key or "", edge)
            for edge in flow.edges
        ),
        key=lambda each: each[:3],
    )
    return [
        _versioned(
            {
                "upstream_task": endpoints[upstream],
                "downstream_task": endpoints[downstream],
                "key": edge.key,
                "mapped": edge.mapped,
                "flattened": edge.flattened,
            }
        )
        for upstream, downstream, _, edge in edges
    ]
