"""A flow as the JSON that Prefect's API is sent: the same as `flow.serialize()`, in linear time.

Prefect's own compares the whole flow with a copy of itself for each task that it looks at (the `cache`
decorator in `prefect/core/flow.py`), so it is quadratic, and it asks Python for the signature of every task.
Here each task and edge is looked at once, and what only depends on a task's class is worked out once a class.
Knows nothing of Kedro, nor of what is already registered.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, List

import prefect
from prefect.serialization.flow import FlowSchema
from prefect.serialization.run_config import RunConfigSchema
from prefect.serialization.storage import StorageSchema
from prefect.serialization.task import ParameterSchema, TaskSchema

from kedro_prefect_hooks.api.registered import Json
from kedro_prefect_hooks.errors import ConfigError

if TYPE_CHECKING:
    from prefect.storage import Storage

BY_CLASS = ("type", "inputs", "outputs", "cache_validator")
"""Fields of a task that are the same for all tasks of one class, unless an instance says otherwise."""


def serialized(flow: prefect.Flow) -> Json:
    """The flow as `flow.serialize(build=False)` gives it.

    Raises:
        ValueError: the flow has a cycle.
    """
    _check_classes(flow)
    tasks = _tasks(flow)
    parts = _schema(FlowSchema, "tasks", "edges", "parameters", "reference_tasks", "storage").dump(flow)
    parts["tasks"] = tasks
    parts["edges"] = _edges(flow)
    parameters = sorted(flow.parameters(), key=lambda parameter: str(parameter.slug))
    parts["parameters"] = _schema(ParameterSchema).dump(parameters, many=True)
    parts["reference_tasks"] = [
        _versioned({"slug": slug})
        for slug in sorted(flow.slugs[task] for task in flow._reference_tasks or ())
    ]
    parts["storage"] = serialized_storage(flow.storage)
    return dict(parts)


def _check_classes(flow: prefect.Flow) -> None:
    """Prefect tells its API the type of a storage or run config by the name of the class, from its own list.

    Raises:
        ConfigError: a class of the user's own has a name that is not on it.
    """
    for what, value, schema in (
        ("storage", flow.storage, StorageSchema),
        ("run_config", flow.run_config, RunConfigSchema),
    ):
        name = type(value).__name__
        if value is not None and name not in schema.type_schemas:
            raise ConfigError(
                f"prefect.yml: flows.{flow.name}.{what}.type: Prefect's API knows its own types alone, and "
                f"{type(value).__module__}.{name} is none of them. Give the class the name of the one it "
                f"derives from, one of {', '.join(sorted(schema.type_schemas))}."
            )


def serialized_storage(storage: Storage | None) -> Json | None:
    """A storage as it stands in a serialised flow."""
    return None if storage is None else dict(_schema(StorageSchema).dump(storage))


@lru_cache(maxsize=None)
def _schema(kind: type, *excluded: str) -> Any:
    # Making a schema takes longer than serialising a small flow with it.
    return kind(exclude=excluded) if excluded else kind()


def _versioned(content: Json) -> Json:
    return {**content, "__version__": prefect.__version__}


def _tasks(flow: prefect.Flow) -> List[Json]:
    if len(flow._sorted_tasks()) != len(flow.tasks):
        raise ValueError(f"Not every task of flow {flow.name} can be reached.")
    whole, rest = _schema(TaskSchema), _schema(TaskSchema, *BY_CLASS, "trigger")
    known: dict[Any, Json] = {}
    result = []
    for task in sorted(flow.tasks, key=flow.slugs.__getitem__):
        if "run" in vars(task):  # a function made a task: its inputs are its own
            content = whole.dump(task)
        else:
            kind = (type(task), task.trigger, task.cache_validator)
            if kind not in known:
                dumped = whole.dump(task)
                known[kind] = {name: dumped[name] for name in (*BY_CLASS, "trigger") if name in dumped}
            content = {**known[kind], **rest.dump(task)}
        content["slug"] = flow.slugs[task]
        result.append(content)
    return result


def _edges(flow: prefect.Flow) -> List[Json]:
    slugs = flow.slugs
    ends = {slug: _versioned({"slug": slug}) for slug in slugs.values()}
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
                "upstream_task": ends[upstream],
                "downstream_task": ends[downstream],
                "key": edge.key,
                "mapped": edge.mapped,
                "flattened": edge.flattened,
            }
        )
        for upstream, downstream, _, edge in edges
    ]
