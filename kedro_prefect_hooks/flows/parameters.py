"""Kedro parameters as Prefect Parameters: shown, and changeable, where a flow run is started.

The configuration's value is the default. What a flow run is given instead reaches Kedro as a runtime
parameter of the session, as from `kedro run --params`, not along an edge.
"""

from __future__ import annotations

import copy
import json
from typing import Any, Iterable, Mapping

from prefect import Parameter

from kedro_prefect_hooks.compat.kedro_params import parse_value
from kedro_prefect_hooks.errors import ConfigError, did_you_mean

LOAD_VERSIONS = "kedro_load_versions"
"""Where a flow run's context has the versions to load, `kedro prefect run --load-versions`."""


def configured_values(names: Iterable[str], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration's value of each named parameter.

    Args:
        names: dotted names, `model.test_size`.
        parameters: all parameters of the project's configuration.

    Raises:
        ConfigError: there is no such parameter, or JSON has no such value.
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
            "List the parts of it that are numbers, strings, lists or mappings instead."
        ) from None


def with_runtime_only(parameters: Mapping[str, Any], used: Mapping[str, str | None]) -> dict[str, Any]:
    """Parameters, with those that exist only as `${runtime_params:x}`: these can be offered too.

    Args:
        parameters: of the project's configuration.
        used: dotted name → default as it is written, from `kedro_config.runtime_params_used`.
    """
    found = copy.deepcopy(dict(parameters))
    for name, default in used.items():
        target: Any = found
        *parents, last = name.split(".")
        for parent in parents:
            target = target.setdefault(parent, {}) if isinstance(target, dict) else None
        if isinstance(target, dict) and last not in target:
            target[last] = None if default is None else parse_value(default)
    return found


def as_tasks(values: Mapping[str, Any]) -> dict[str, Parameter]:
    """A Prefect Parameter for each value."""
    return {name: Parameter(name, default=value, required=False) for name, value in values.items()}


class Configured(str):
    """Stands for a parameter's default while a flow run is started, to distinguish given values from it.

    Prefect fills in the defaults before the flow's executor sees the parameters, and what was given counts
    also when it equals the default. As a string it is the value in JSON.
    """

    value: Any

    @classmethod
    def of(cls, value: Any) -> Configured:
        """A marker for this default."""
        if isinstance(value, cls):
            return value
        marker = cls(json.dumps(value))
        marker.value = value
        return marker


def given_values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a flow run's parameters that are not defaults."""
    return {name: value for name, value in parameters.items() if not isinstance(value, Configured)}


def is_same(value: Any, default: Any) -> bool:
    """Whether two JSON values are equal and of one type: `1`, `1.0` and `true` are three values."""
    return type(value) is type(default) and json.dumps(value) == json.dumps(default)


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
