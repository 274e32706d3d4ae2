"""pydantic's errors in our words: the key, what was found, what is accepted, the nearest spelling."""

from __future__ import annotations

import re
import typing
from typing import Any, Callable, Iterator, Mapping

from pydantic import BaseModel, ValidationError

from kedro_prefect_hooks.config.messages import Key, Place, Problem, shown, unknown

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
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
    """Each thing that pydantic found, in the order of the file's keys.

    Args:
        error: what `model` raised.
        model: the model of the whole.
        place: where the whole stands.
    """
    return [_problem(dict(details), model, place) for details in error.errors()]


def _problem(details: dict[str, Any], model: type[BaseModel], place: Place) -> Problem:
    # pydantic names a mapping's bad key ("1", "[key]"), and never anything of ours so.
    key: Key = tuple(part for part in details["loc"] if part != "[key]")
    is_key = "[key]" in details["loc"]
    found = details["input"]
    if is_key:
        text = f"found the key {shown(found)}, expected a text: put it in quotes"
        return Problem(place.at(*map(str, key)), text)
    return Problem(place.at(*key), _text(details, model, key))


def _text(details: dict[str, Any], model: type[BaseModel], key: Key) -> str:
    kind, found, context = details["type"], details["input"], details.get("ctx", {})
    if kind in _EXPECTED:
        return f"found {shown(found)}, expected {_EXPECTED[kind]}{_quotes(kind, found)}"
    texts: dict[str, Callable[[], str]] = {
        "extra_forbidden": lambda: _unknown_key(str(key[-1]), model_at(model, key[:-1])),
        "missing": lambda: "missing: there must be one",
        "literal_error": lambda: unknown("value", _word(found), _words(context["expected"])),
        "greater_than_equal": lambda: f"found {shown(found)}, expected {context['ge']} or more",
        "too_short": lambda: "found an empty list, expected at least one",
        "value_error": lambda: str(context["error"]),
    }
    return texts[kind]() if kind in texts else str(details["msg"])


def _word(found: object) -> str:
    return found if isinstance(found, str) else shown(found)


def _words(expected: str) -> list[str]:
    """pydantic's ``'raise', 'ask' or 'warn'`` as words."""
    return re.findall(r"'([^']*)'", expected)


def _quotes(kind: str, found: object) -> str:
    is_plain = isinstance(found, (int, float)) and kind == "string_type"
    return ": put it in quotes" if is_plain else ""


def _unknown_key(found: str, model: type[BaseModel] | None) -> str:
    accepted = keys_of(model) if model is not None else []
    return unknown("key", found, accepted)


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a model takes in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def model_at(model: type[BaseModel], key: Key) -> type[BaseModel] | None:
    """The model of the mapping at a key path, or None when none is there."""
    annotation: Any = model
    for part in key:
        annotation = _below(annotation, part)
    models = [each for each in _leaves(annotation) if _is_model(each)]
    return models[0] if models else None


def _below(annotation: Any, part: str | int) -> Any:
    for each in _leaves(annotation):
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


def _leaves(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, `Optional` taken apart."""
    if typing.get_origin(annotation) is typing.Union:
        for each in typing.get_args(annotation):
            yield from _leaves(each)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
