"""The JSON Schema of `prefect.yml`, which editors use to complete and describe keys and to mark errors.

Covers what is known without the project: keys, values, Prefect's types and their arguments.
"""

from __future__ import annotations

import copy
import inspect
import json
import re
import typing
from pathlib import Path
from typing import Any, Iterator

from kedro_prefect_hooks.compat.pydantic_models import HAS_PYDANTIC_2
from kedro_prefect_hooks.config import models, node_settings, notify, schedule, typed
from kedro_prefect_hooks.config.fields import Model
from kedro_prefect_hooks.config.prefect import objects

GENERATED = Path(__file__).resolve().parents[1] / "templates" / "prefect.schema.json"
"""The schema as `docs/generate.py` has written it, for projects with pydantic 1."""

DIALECT = "http://json-schema.org/draft-07/schema#"

_TYPED = {
    "StorageConfig": typed.StorageConfig,
    "RunConfigConfig": typed.RunConfigConfig,
    "ExecutorConfig": typed.ExecutorConfig,
    "ResultConfig": typed.ResultConfig,
}
_DOTTED_PATH = {
    "type": "string",
    "pattern": r"^\w+(\.\w+)+$",
    "description": "Your own class.",
}
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object"}
_EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_NULL = {"type": "null"}
_ONE_FLOW = "One flow, in a file of its own."
_INTERPOLATION = {"type": "string", "pattern": r"\$\{.+\}"}


def json_schema() -> dict[str, Any]:
    """The schema as plain data, in draft 7, which the YAML servers of editors support."""
    if HAS_PYDANTIC_2:
        return generated_schema()
    found: dict[str, Any] = json.loads(GENERATED.read_text(encoding="utf-8"))
    return found


def generated_schema() -> dict[str, Any]:
    """The schema made from the models, which needs pydantic 2."""
    schema = models.PrefectConfig.model_json_schema(by_alias=True)
    schema = _with_definitions(schema)
    _allow_interpolation(schema)
    for name, model in _TYPED.items():
        _add_types(schema["definitions"][name], model)
    _add_shorthands(schema)
    # One environment's file overrides another's, so no key is required in each. Kedro drops keys that start
    # with `_`, which hold shared parts.
    schema.pop("required")
    schema["patternProperties"] = {
        "^_": True,
        r"^flows\..": {**schema["properties"]["flows"]["additionalProperties"], "description": _ONE_FLOW},
    }
    return {"$schema": DIALECT, "title": "prefect.yml of kedro-prefect-hooks", **schema}


def _with_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    """pydantic's schema converted to draft 7, without the titles that pydantic generates."""
    converted = copy.deepcopy(schema)
    converted["definitions"] = converted.pop("$defs")
    for node in _nodes(converted):
        if "$ref" in node:
            node["$ref"] = str(node["$ref"]).replace("#/$defs/", "#/definitions/")
        if isinstance(node.get("title"), str):
            del node["title"]
    for name, definition in converted["definitions"].items():
        definition["description"] = _first_paragraph(_model(name))
    converted["description"] = _first_paragraph(models.PrefectConfig)
    return converted


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(each)


def _model(name: str) -> type[Model]:
    modules = (models, schedule, node_settings, notify, typed)
    found: type[Model] = next(getattr(module, name) for module in modules if hasattr(module, name))
    return found


def _first_paragraph(model: type[Model]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].split())


def examples(model: type[Model]) -> list[str]:
    """The YAML examples in a model's docstring."""
    return _EXAMPLE.findall(inspect.cleandoc(model.__doc__ or ""))


def _add_types(definition: dict[str, Any], model: type[typed.TypedConfig]) -> None:
    """Add Prefect's types of this kind, and the arguments of each; a user's own class accepts any."""
    names = objects.type_names(model.kind)
    description = definition["properties"]["type"]["description"]
    mapping = {key: definition.pop(key) for key in list(definition) if key != "description"}
    accepted = [{"enum": names}, _DOTTED_PATH, _INTERPOLATION]
    mapping["properties"]["type"] = {"anyOf": accepted, "description": description}
    mapping["additionalProperties"] = True
    mapping["allOf"] = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {
                "properties": {"type": True, **_arguments(model.kind, name)},
                "additionalProperties": False,
            },
        }
        for name in names
    ]
    definition["anyOf"] = [mapping, *accepted]


def _arguments(kind: str, name: str) -> dict[str, Any]:
    cls = objects.prefect_classes(kind)[name]
    refused = objects.KINDS[kind].refused_arguments
    return {
        argument: _argument(objects.annotation_of(cls, argument), is_environment=argument == "env")
        for argument in objects.parameters_of(cls)[0]
        if argument not in refused
    }


def _argument(annotation: Any, *, is_environment: bool) -> Any:
    """The schema of an argument: editors mark only what is certainly wrong."""
    if is_environment:
        return {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    alternatives = [each for each in typing.get_args(annotation) or (annotation,) if each is not type(None)]
    if typing.get_origin(annotation) is not typing.Union and annotation not in _JSON_TYPES:
        return True
    if all(each in _JSON_TYPES for each in alternatives):
        types = sorted({_JSON_TYPES[each] for each in alternatives} | {"null"})
        return {"anyOf": [{"type": types}, _INTERPOLATION]}
    return True


def _add_shorthands(schema: dict[str, Any]) -> None:
    """Add what the models accept besides mappings: an empty value, or a single name."""
    definitions = schema["definitions"]
    for name in ("FlowSettings", "FlowConfig"):
        properties = definitions[name]["properties"]
        for key in (
            "storage",
            "run_config",
            "executor",
            "retries",
            "nodes",
            "group_by",
            "is_async",
            "log_stdout",
            "report",
            "artifacts",
            "pipeline",
        ):
            if key in properties:
                properties[key] = _or_null(properties[key])
        nodes = properties["nodes"]["anyOf"][0]
        nodes["additionalProperties"] = {"anyOf": [nodes["additionalProperties"], _NULL]}
    top = schema["properties"]
    for key in ("register", "defaults", "api"):
        top[key] = _or_null(top[key])
    top["flows"]["additionalProperties"] = {"anyOf": [top["flows"]["additionalProperties"], _NULL]}
    top["flows"]["minProperties"] = 1
    secret = {"type": "string", "pattern": r"^[A-Za-z_][\w.-]*$"}
    for model, shorthands in (("SlackConfig", [secret, {"const": True}]), ("WebhookConfig", [secret])):
        mapping = definitions[model]
        definitions[model] = {"description": mapping.pop("description"), "anyOf": [mapping, *shorthands]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    annotations: dict[str, Any] = {
        key: schema.pop(key) for key in ("description", "default", "examples") if key in schema
    }
    return {**annotations, "anyOf": [schema, _NULL]}


def _allow_interpolation(schema: dict[str, Any]) -> None:
    """Accept OmegaConf's ``${globals:retries}`` wherever a number or one of a few words is accepted."""
    for node in list(_nodes(schema)):
        is_leaf = node.get("type") in ("integer", "number", "boolean") or "enum" in node
        if is_leaf and "anyOf" not in node:
            leaf = {key: node.pop(key) for key in list(node) if key not in ("description", "default")}
            node["anyOf"] = [leaf, _INTERPOLATION]
