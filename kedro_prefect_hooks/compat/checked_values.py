"""Checks values against annotations with the errors of pydantic 2, where the project has pydantic 1.

Knows the types that the models of `prefect.yml` have, and nothing of models: see `pydantic_1`.
"""

from __future__ import annotations

import collections.abc
import datetime
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Tuple, Union

from typing_extensions import Annotated, Literal, get_args, get_origin

Loc = Tuple[Any, ...]
Errors = List[Dict[str, Any]]

INVALID: Any = object()
"""In place of a value that has been refused."""

STRICT: Any = object()
"""In `Annotated`: nothing is converted."""

_TRUE = {"1", "on", "t", "true", "y", "yes"}
_FALSE = {"0", "off", "f", "false", "n", "no"}


class PydanticCustomError(ValueError):
    """An error with a type and a message of its own."""

    def __init__(self, type: str, template: str, context: Mapping[str, Any] | None = None) -> None:
        self.type = type
        for name, value in (context or {}).items():
            template = template.replace(f"{{{name}}}", str(value))
        super().__init__(template)


class ValidationError(ValueError):
    """What is wrong with a value, as pydantic 2 lists it."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors
        super().__init__("; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in errors))

    def errors(self) -> Errors:
        """One entry per error: type, loc, msg, input, ctx."""
        return self._errors


class BeforeValidator(NamedTuple):
    """In `Annotated`: called with the value before it is checked."""

    func: Callable[[Any], Any]


class AfterValidator(NamedTuple):
    """In `Annotated`: called with the checked value."""

    func: Callable[[Any], Any]


class WithJsonSchema:
    """In `Annotated`: only pydantic 2 makes a JSON Schema."""

    def __init__(self, json_schema: Any) -> None:
        self.json_schema = json_schema


def error_of(kind: str, message: str, loc: Loc, found: Any, **context: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "msg": message, "input": found, "ctx": context}


def called(function: Callable[..., Any], value: Any, loc: Loc, errors: Errors) -> Any:
    """What a validator returns; its error is noted."""
    try:
        return function(value)
    except PydanticCustomError as error:
        errors.append(error_of(error.type, str(error), loc, value))
    except ValueError as error:
        errors.append(error_of("value_error", str(error), loc, value, error=error))
    return INVALID


def limited(limits: Mapping[str, Any], value: Any, loc: Loc, errors: Errors) -> Any:
    if "ge" in limits and value < limits["ge"]:
        errors.append(error_of("greater_than_equal", "too small", loc, value, ge=limits["ge"]))
    elif "le" in limits and value > limits["le"]:
        errors.append(error_of("less_than_equal", "too large", loc, value, le=limits["le"]))
    elif "min_length" in limits and value is not None and len(value) < limits["min_length"]:
        errors.append(error_of("too_short", "too short", loc, value))
    else:
        return value
    return INVALID


def checked(annotation: Any, value: Any, loc: Loc, errors: Errors) -> Any:
    """A value of an annotated type; errors are added, and `INVALID` returned, if it is of another."""
    origin = get_origin(annotation) or annotation
    if origin in (Any, object):
        return value
    if hasattr(origin, "validated"):  # a model
        return origin.validated(value, loc, errors)
    if origin in _COMPOSED:
        return _COMPOSED[origin](get_args(annotation), value, loc, errors)
    if origin in _SCALARS:
        result, kind = _SCALARS[origin](value)
    else:
        result, kind = (value, None) if isinstance(value, origin) else (INVALID, f"{origin.__name__}_type")
    if kind is not None:
        errors.append(error_of(kind, f"expected {origin.__name__}", loc, value))
    return result


def _literal(words: Tuple[Any, ...], value: Any, loc: Loc, errors: Errors) -> Any:
    if isinstance(value, str) and value in words:
        return value
    expected = [repr(each) for each in words]
    listed = " or ".join(filter(None, (", ".join(expected[:-1]), expected[-1])))
    errors.append(error_of("literal_error", f"Input should be {listed}", loc, value, expected=listed))
    return INVALID


def _annotated(arguments: Tuple[Any, ...], value: Any, loc: Loc, errors: Errors) -> Any:
    inner, *more = arguments
    if STRICT in more:
        more = [BeforeValidator(_only(inner))]
    for each in reversed(more):
        if isinstance(each, BeforeValidator) and value is not INVALID:
            value = called(each.func, value, loc, errors)
    if value is not INVALID:
        value = checked(inner, value, loc, errors)
    for each in more:
        if value is not INVALID and isinstance(each, AfterValidator):
            value = called(each.func, value, loc, errors)
        elif value is not INVALID and hasattr(each, "limits"):  # a field
            value = limited(each.limits, value, loc, errors)
    return value


def _only(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise PydanticCustomError(f"{kind.__name__}_type", f"expected {kind.__name__}")
        return value

    return check


def _union(alternatives: Tuple[Any, ...], value: Any, loc: Loc, errors: Errors) -> Any:
    """The alternative that the value has already, or else the first that it can be converted to."""
    if value is None and type(None) in alternatives:
        return None
    others = [each for each in alternatives if each is not type(None)]
    if len(others) == 1:
        return checked(others[0], value, loc, errors)
    failed: Errors = []
    converted = INVALID
    for each in others:
        own: Errors = []
        result = checked(each, value, loc, own)
        failed += own
        if not own and type(result) is type(value) and result == value:
            return result
        converted = result if converted is INVALID and not own else converted
    if converted is INVALID:
        errors += failed
    return converted


def _list(item: Tuple[Any, ...], value: Any, loc: Loc, errors: Errors) -> Any:
    if not isinstance(value, (list, tuple, set, frozenset)):
        errors.append(error_of("list_type", "expected a list", loc, value))
        return INVALID
    before = len(errors)
    made = [
        checked(item[0] if item else Any, each, (*loc, number), errors) for number, each in enumerate(value)
    ]
    return INVALID if len(errors) > before else made


def _dict(types: Tuple[Any, ...], value: Any, loc: Loc, errors: Errors) -> Any:
    if not isinstance(value, Mapping):
        errors.append(error_of("dict_type", "expected a mapping", loc, value))
        return INVALID
    before = len(errors)
    key_type, value_type = types or (Any, Any)
    made = {}
    for key, each in value.items():
        name = checked(key_type, key, (*loc, str(key), "[key]"), errors)
        made[name] = checked(value_type, each, (*loc, str(key)), errors)
    return INVALID if len(errors) > before else made


def _str(value: Any) -> tuple[Any, str | None]:
    return (value, None) if isinstance(value, str) else (INVALID, "string_type")


def _int(value: Any) -> tuple[Any, str | None]:
    if isinstance(value, int):
        return int(value), None
    if isinstance(value, float):
        return (int(value), None) if value.is_integer() else (INVALID, "int_from_float")
    return _parsed(int, value, "int")


def _float(value: Any) -> tuple[Any, str | None]:
    return (float(value), None) if isinstance(value, (int, float)) else _parsed(float, value, "float")


def _parsed(kind: type, value: Any, name: str) -> tuple[Any, str | None]:
    if not isinstance(value, str):
        return INVALID, f"{name}_type"
    try:
        return kind(value), None
    except ValueError:
        return INVALID, f"{name}_parsing"


def _bool(value: Any) -> tuple[Any, str | None]:
    word = value.lower() if isinstance(value, str) else str(int(value)) if value in (0, 1) else None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE, None
    return INVALID, "bool_parsing" if isinstance(value, (str, int)) else "bool_type"


def _datetime(value: Any) -> tuple[Any, str | None]:
    if isinstance(value, datetime.datetime):
        return value, None
    if not isinstance(value, str):
        return INVALID, "datetime_type"
    text = value.strip()
    try:
        return datetime.datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1:] in "Zz" else text), None
    except ValueError:
        return INVALID, "datetime_parsing"


_SCALARS: dict[Any, Callable[[Any], tuple[Any, str | None]]] = {
    str: _str,
    int: _int,
    float: _float,
    bool: _bool,
    datetime.datetime: _datetime,
}
_COMPOSED: dict[Any, Callable[..., Any]] = {
    Annotated: _annotated,
    Literal: _literal,
    Union: _union,
    list: _list,
    dict: _dict,
    collections.abc.Mapping: _dict,
}
