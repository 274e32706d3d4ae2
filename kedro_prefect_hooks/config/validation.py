"""Turns pydantic's errors into problems: the key, what was found, what is accepted, the nearest spelling."""

from __future__ import annotations

import re
import typing
from typing import Any, Callable, Iterator, Mapping

from kedro_prefect_hooks.compat.pydantic_models import BaseModel, ValidationError
from kedro_prefect_hooks.config.messages import Key, Place, Problem, format_value, unknown_name

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "datetime_type": "a date such as 2026-01-31 or 2026-01-31T06:00:00",
    "datetime_parsing": "a date such as 2026-01-31 or 2026-01-31T06:00:00",
    "datetime_from_date_parsing": "a date such as 2026-01-31 or 2026-01-31T06:00:00",
}


def problems_of(error: ValidationError, model: type[BaseModel], place: Place) -> list[Problem]:
    """One problem per error of pydantic, in the order of the file's keys.

    Args:
        error: raised by `model`.
        model: the model that was validated.
        place: the place of what was validated.
    """
    return [_problem(dict(details), model, place) for details in error.errors()]


def _problem(details: dict[str, Any], model: type[BaseModel], place: Place) -> Problem:
    # For an invalid key of a mapping, pydantic's location is ("1", "[key]"); no key of ours is named `[key]`.
    key: Key = tuple(part for part in details["loc"] if part != "[key]")
    is_key = "[key]" in details["loc"]
    found = details["input"]
    if is_key and details["type"] == "value_error":
        return Problem(place.at(*map(str, key)), str(details["ctx"]["error"]))
    if is_key:
        text = f"found the key {format_value(found)}, expected a string: put it in quotes"
        return Problem(place.at(*map(str, key)), text)
    return Problem(place.at(*key), _text(details, model, key))


def _text(details: dict[str, Any], model: type[BaseModel], key: Key) -> str:
    kind, found, context = details["type"], details["input"], details.get("ctx", {})
    if kind in _EXPECTED:
        return f"found {format_value(found)}, expected {_EXPECTED[kind]}{_quoting_hint(kind, found)}"
    messages: dict[str, Callable[[], str]] = {
        "extra_forbidden": lambda: _unknown_key(str(key[-1]), model_at(model, key[:-1])),
        "missing": lambda: "missing: this key is required",
        "literal_error": lambda: unknown_name("value", _as_word(found), _literal_values(context["expected"])),
        "greater_than_equal": lambda: f"found {format_value(found)}, expected {context['ge']} or more",
        "less_than_equal": lambda: f"found {format_value(found)}, expected {context['le']} or less",
        "too_short": lambda: "found an empty list, expected at least one item",
        "value_error": lambda: str(context["error"]),
    }
    return messages[kind]() if kind in messages else str(details["msg"])


def _as_word(found: object) -> str:
    return found if isinstance(found, str) else format_value(found)


def _literal_values(expected: str) -> list[str]:
    """The values in pydantic's ``'raise', 'ask' or 'warn'``."""
    return re.findall(r"'([^']*)'", expected)


def _quoting_hint(kind: str, found: object) -> str:
    is_number = isinstance(found, (int, float)) and kind == "string_type"
    return ": put it in quotes" if is_number else ""


def _unknown_key(found: str, model: type[BaseModel] | None) -> str:
    accepted = keys_of(model) if model is not None else []
    return unknown_name("key", found, accepted)


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a model accepts in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def model_at(model: type[BaseModel], key: Key) -> type[BaseModel] | None:
    """The model of the mapping at a key path, or None."""
    annotation: Any = model
    for part in key:
        annotation = _annotation_at(annotation, part)
    models = [each for each in _alternatives(annotation) if _is_model(each)]
    return models[0] if models else None


def _annotation_at(annotation: Any, part: str | int) -> Any:
    for each in _alternatives(annotation):
        origin = typing.get_origin(each)
        if _is_model(each):
            for name, field in each.model_fields.items():
                if part in (name, field.alias):
                    return field.annotation
        elif origin in (dict, Mapping) and isinstance(part, str):
            return typing.get_args(each)[1]
        elif origin is list and isinstance(part, int):
            return typing.get_args(each)[0]
    return None


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation: the members of a `Union` or `Optional`."""
    if typing.get_origin(annotation) is typing.Union:
        for each in typing.get_args(annotation):
            yield from _alternatives(each)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
