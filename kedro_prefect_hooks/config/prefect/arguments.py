"""Converts values of `prefect.yml` to the arguments of a Python signature, and checks them against it.

Knows nothing of Prefect. Annotations are often incomplete, so whatever they do not rule out is accepted.
"""

from __future__ import annotations

import collections.abc
import datetime
import inspect
import typing
from functools import lru_cache
from typing import Any, Mapping

from kedro_prefect_hooks.compat.pydantic_models import TypeAdapter, ValidationError
from kedro_prefect_hooks.config.fields import seconds
from kedro_prefect_hooks.config.messages import Key, format_value

_PLAIN = {str, int, float, bool, dict, list, tuple, set, bytes, type(None), object}
_LISTS = (list, tuple, set, frozenset, collections.abc.Iterable, collections.abc.Sequence)
_TYPE_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    dict: "a mapping",
    collections.abc.Mapping: "a mapping",
}
_ITEM_NAMES = {str: "strings", int: "integers", float: "numbers", dict: "mappings"}


class InvalidValueError(ValueError):
    """A value that the annotation does not allow; `key` is the path to it from the argument."""

    def __init__(self, text: str, key: Key = ()) -> None:
        super().__init__(text)
        self.key = key


def converted(value: Any, annotation: Any, *, is_environment: bool = False) -> Any:
    """Convert a value to the annotated type: a single name to a list, seconds to a timedelta.

    Args:
        value: the value in the file.
        annotation: the argument's annotation; only plain types are checked.
        is_environment: the value is a mapping of environment variables, which must be strings.

    Raises:
        InvalidValueError: the annotation does not allow the value.
    """
    if is_environment and value is not None:
        return _environment(value)
    accepted = _alternatives(annotation)
    if value is None or accepted is None:
        return value
    if datetime.timedelta in accepted and not isinstance(value, datetime.timedelta):
        try:
            return datetime.timedelta(seconds=seconds(value))
        except ValueError as error:
            raise InvalidValueError(str(error)) from None
    lists = [each for each in accepted if (typing.get_origin(each) or each) in _LISTS]
    if lists and isinstance(value, str) and str not in accepted:
        return [value]
    types = [_as_list(each) for each in accepted]
    origins = {typing.get_origin(each) or each for each in accepted}
    if isinstance(value, bool) and not origins & {bool, object}:
        raise InvalidValueError(f"found {format_value(value)}, expected {_expected(types)}")
    try:
        checked = _adapter(tuple(types)).validate_python(value)
        return value if checked == value else checked
    except ValidationError as error:
        key = tuple(part for part in error.errors()[0]["loc"] if isinstance(part, int))
        found = value[key[0]] if key and isinstance(value, list) else value
        hint = " (put it in quotes)" if types == [str] and isinstance(value, (int, float)) else ""
        raise InvalidValueError(f"found {format_value(found)}, expected {_expected(types)}{hint}") from None


@lru_cache(maxsize=None)
def _adapter(types: tuple[Any, ...]) -> TypeAdapter[Any]:
    # Creating one takes a hundred times longer than validating a value with it.
    union: Any = typing.Union[types]
    return TypeAdapter(union)


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise InvalidValueError(f"found {format_value(value)}, expected a mapping of names to strings")
    for name, text in value.items():
        if isinstance(text, (Mapping, list)) or text is None:
            raise InvalidValueError(f"found {format_value(text)}, expected a string", (str(name),))
    # As written in the file: `true`, not Python's `True`.
    return {str(name): text if isinstance(text, str) else format_value(text) for name, text in value.items()}


def _alternatives(annotation: Any) -> list[Any] | None:
    """The plain types that an annotation allows, or None when it allows something that cannot be checked."""
    is_union = typing.get_origin(annotation) is typing.Union
    known = []
    for each in typing.get_args(annotation) if is_union else (annotation,):
        origin = typing.get_origin(each) or each
        if each is type(None):
            continue
        if origin in _LISTS or origin in (collections.abc.Mapping, datetime.timedelta) or _is_plain(origin):
            known.append(each)
        elif origin is collections.abc.Callable or inspect.isclass(origin):
            continue  # YAML cannot hold a class or function, so the value must be of another alternative
        else:
            return None
    return known or None


def _is_plain(origin: Any) -> bool:
    return isinstance(origin, type) and origin in _PLAIN


def _as_list(annotation: Any) -> Any:
    """A list in place of an iterable: pydantic does not check the items of an `Iterable`."""
    if (typing.get_origin(annotation) or annotation) in _LISTS:
        inner = [each for each in typing.get_args(annotation) if each is not Ellipsis]
        return typing.List[inner[0]] if inner else typing.List[typing.Any]  # type: ignore[valid-type]
    return annotation


def _expected(types: list[Any]) -> str:
    names = []
    for each in types:
        origin = typing.get_origin(each) or each
        if origin is list:
            item = (typing.get_args(each) or (Any,))[0]
            names.append(f"a list of {_ITEM_NAMES.get(item, 'values')}")
        else:
            names.append(_TYPE_NAMES.get(origin, str(origin)))
    return " or ".join(names)
