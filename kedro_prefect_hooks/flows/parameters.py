"""Kedro parameters as Prefect Parameters: shown, and changeable, where a flow run is started.

The configuration's value is the default. What a flow run is given instead reaches Kedro as a runtime
parameter of the session (`session.FlowRun.runtime_params`), not along an edge.
"""

from __future__ import annotations

import json
from typing import Any, Iterable, Mapping

from prefect import Parameter

from kedro_prefect_hooks.errors import ConfigError, did_you_mean


def configured_values(names: Iterable[str], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration's value of each named parameter.

    Args:
        names: dotted names, `model.test_size`.
        parameters: all parameters of the project's configuration.

    Raises:
        ConfigError: there is no such parameter, or its value is not one that JSON has.
    """
    values = {}
    for name in names:
        value: Any = parameters
        walked: list[str] = []
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                known = [".".join([*walked, str(key)]) for key in value] if isinstance(value, Mapping) else []
                hint = did_you_mean(".".join([*walked, part]), known)
                raise ConfigError(f"Parameter '{name}' is not in the project's configuration.{hint}")
            value = value[part]
            walked.append(part)
        values[name] = _as_json(name, value)
    return values


def _as_json(name: str, value: Any) -> Any:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"Parameter '{name}' cannot be a flow parameter: Prefect keeps values as JSON, and {error}. "
            "List the parts of it that are numbers, texts, lists or mappings instead."
        ) from None


def as_tasks(values: Mapping[str, Any]) -> dict[str, Parameter]:
    """A Prefect Parameter for each value."""
    return {name: Parameter(name, default=value, required=False) for name, value in values.items()}


def reads_parameter(name: str, dataset_names: Iterable[str]) -> bool:
    """Whether a node with these inputs reads the parameter `name`, a part of it, or what it is part of."""
    for dataset in dataset_names:
        if dataset == "parameters":
            return True
        if dataset.startswith("params:"):
            read = dataset[len("params:") :]
            if read == name or read.startswith(f"{name}.") or name.startswith(f"{read}."):
                return True
    return False
