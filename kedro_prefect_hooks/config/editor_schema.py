"""The JSON Schema of `prefect.yml`, from which editors complete keys, show what they mean and mark errors.

Says as much as can be said without the project: keys, values, Prefect's own types and their arguments.
"""

from __future__ import annotations

import copy
import inspect
import re
import typing
from typing import Any, Iterator

from kedro_prefect_hooks.config import models, node_settings, notify, schedule, typed
from kedro_prefect_hooks.config.fields import Model
from kedro_prefect_hooks.config.prefect import objects

DIALECT = "http://json-schema.org/draft-07/schema#"

_TYPED = {
    "StorageConfig": typed.StorageConfig,
    "RunConfigConfig": typed.RunConfigConfig,
    "ExecutorConfig": typed.ExecutorConfig,
    "ResultConfig": typed.ResultConfig,
}
_DOTTED_PATH = {"type": "string", "pattern": r"^\w+(\.\w+)+$", "description": "Your own class."}
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object"}
_EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_NULL = {"type": "null"}
_INTERPOLATION = {"type": "string", "pattern": r"\$\{.+\}"}


def json_schema() -> dict[str, Any]:
    """The schema (draft 7, which editors' YAML servers know) as plain data."""
    schema = models.PrefectConfig.model_json_schema(by_alias=True)
    schema = _with_definitions(schema)
    _allow_interpolation(schema)
    for name, model in _TYPED.items():
        _say_types(schema["definitions"][name], model)
    _say_shorthands(schema)
    # A file of one environment is laid over another's, so it need not be whole by itself; Kedro drops keys
    # that start with `_`, which is where shared parts are kept.
    schema.pop("required")
    schema["patternProperties"] = {"^_": True}
    return {"$schema": DIALECT, "title": "prefect.yml of kedro-prefect-hooks", **schema}


def _with_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    """pydantic's schema in the words of draft 7, without the titles it makes up."""
    text = copy.deepcopy(schema)
    text["definitions"] = text.pop("$defs")
    for node in _nodes(text):
        if "$ref" in node:
            node["$ref"] = str(node["$ref"]).replace("#/$defs/", "#/definitions/")
        if isinstance(node.get("title"), str):
            del node["title"]
    for name, definition in text["definitions"].items():
        definition["description"] = _first_paragraph(_model(name))
    text["description"] = _first_paragraph(models.PrefectConfig)
    return text


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(each)


def _model(name: str) -> type[Model]:
    homes = (models, schedule, node_settings, notify, typed)
    found: type[Model] = next(getattr(home, name) for home in homes if hasattr(home, name))
    return found


def _first_paragraph(model: type[Model]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].split())


def examples(model: type[Model]) -> list[str]:
    """The YAML examples in a model's docstring."""
    return _EXAMPLE.findall(inspect.cleandoc(model.__doc__ or ""))


def _say_types(definition: dict[str, Any], model: type[typed.TypedConfig]) -> None:
    """Prefect's types of this kind, and for each its arguments; a class of the user's own takes any."""
    names = objects.names(model.kind)
    about = definition["properties"]["type"]["description"]
    whole = {key: definition.pop(key) for key in list(definition) if key != "description"}
    accepted = [{"enum": names}, _DOTTED_PATH, _INTERPOLATION]
    whole["properties"]["type"] = {"anyOf": accepted, "description": about}
    whole["additionalProperties"] = True
    whole["allOf"] = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {
                "properties": {"type": True, **_arguments(model.kind, name)},
                "additionalProperties": False,
            },
        }
        for name in names
    ]
    definition["anyOf"] = [whole, *accepted]


def _arguments(kind: str, name: str) -> dict[str, Any]:
    cls = objects._own_classes(kind)[name]
    accepted = (each for each in objects.parameters_of(cls)[0] if each not in objects.KINDS[kind].not_here)
    return {
        each: _argument(objects._annotation(cls, each), is_environment=each == "env") for each in accepted
    }


def _argument(annotation: Any, *, is_environment: bool) -> Any:
    """What the schema can say of an argument: only what is surely wrong is marked."""
    if is_environment:
        return {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
    alternatives = [each for each in typing.get_args(annotation) or (annotation,) if each is not type(None)]
    if typing.get_origin(annotation) is not typing.Union and annotation not in _JSON_TYPES:
        return True
    if all(each in _JSON_TYPES for each in alternatives):
        types = sorted({_JSON_TYPES[each] for each in alternatives} | {"null"})
        return {"anyOf": [{"type": types}, _INTERPOLATION]}
    return True


def _say_shorthands(schema: dict[str, Any]) -> None:
    """What the models take besides mappings: nothing, or a name alone."""
    definitions = schema["definitions"]
    for name in ("FlowSettings", "FlowConfig"):
        properties = definitions[name]["properties"]
        for key in ("storage", "run_config", "executor", "retries", "nodes", "group_by", "pipeline"):
            if key in properties:
                properties[key] = _or_nothing(properties[key])
        of_node = (properties["nodes"]["anyOf"][0])["additionalProperties"]
        properties["nodes"]["anyOf"][0]["additionalProperties"] = {"anyOf": [of_node, _NULL]}
    top = schema["properties"]
    for key in ("register", "defaults", "api"):
        top[key] = _or_nothing(top[key])
    top["flows"]["additionalProperties"] = {"anyOf": [top["flows"]["additionalProperties"], _NULL]}
    top["flows"]["minProperties"] = 1
    slack = definitions["SlackConfig"]
    about = slack.pop("description")
    definitions["SlackConfig"] = {
        "description": about,
        "anyOf": [slack, {"type": "string", "pattern": r"^[A-Za-z_][\w.-]*$"}, {"const": True}],
    }


def _or_nothing(about: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {
        key: about.pop(key) for key in ("description", "default", "examples") if key in about
    }
    return {**known, "anyOf": [about, _NULL]}


def _allow_interpolation(schema: dict[str, Any]) -> None:
    """OmegaConf's ``${globals:retries}`` may stand wherever a number or one of a few words may."""
    for node in list(_nodes(schema)):
        is_leaf = node.get("type") in ("integer", "number", "boolean") or "enum" in node
        if is_leaf and "anyOf" not in node:
            leaf = {key: node.pop(key) for key in list(node) if key not in ("description", "default")}
            node["anyOf"] = [leaf, _INTERPOLATION]
