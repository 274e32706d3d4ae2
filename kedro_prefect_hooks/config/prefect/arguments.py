"""Values of `prefect.yml` as the arguments of a Python signature: checked against its annotations.

Knows nothing of Prefect. A signature says less than one would wish, so what it leaves open passes.
"""

from __future__ import annotations

import collections.abc
import datetime
import inspect
import typing
from typing import Any, Mapping

from pydantic import TypeAdapter, ValidationError

from kedro_prefect_hooks.config.fields import seconds
from kedro_prefect_hooks.config.messages import Key, shown

_PLAIN = {str, int, float, bool, dict, list, tuple, set, bytes, type(None), object}
_LISTS = (list, tuple, set, frozenset, collections.abc.Iterable, collections.abc.Sequence)
_CALLED = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a mapping"}


class WrongValue(ValueError):
    """A value that the annotation does not allow; `key` leads to it from the argument."""

    def __init__(self, text: str, key: Key = ()) -> None:
        super().__init__(text)
        self.key = key


def converted(value: Any, annotation: Any, *, is_environment: bool = False) -> Any:
    """The value as the annotation wants it: one name as a list of one, seconds as a time span.

    Args:
        value: what stands in the file.
        annotation: the argument's annotation; anything but plain types passes unchecked.
        is_environment: the value is a mapping of environment variables, which must be texts.

    Raises:
        WrongValue: it cannot be meant.
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
            raise WrongValue(str(error)) from None
    lists = [each for each in accepted if (typing.get_origin(each) or each) in _LISTS]
    if lists and isinstance(value, str) and str not in accepted:
        return [value]
    wanted = [_as_list(each) for each in accepted]
    if isinstance(value, bool) and not {bool, object} & set(map(_hashable, accepted)):
        raise WrongValue(f"found {shown(value)}, expected {_said(wanted)}")
    try:
        wants: Any = typing.Union[tuple(wanted)]
        checked = TypeAdapter(wants).validate_python(value)
        return value if checked == value else checked
    except ValidationError as error:
        key = tuple(part for part in error.errors()[0]["loc"] if isinstance(part, int))
        found = value[key[0]] if key and isinstance(value, list) else value
        hint = " (put it in quotes)" if wanted == [str] and isinstance(value, (int, float)) else ""
        raise WrongValue(f"found {shown(found)}, expected {_said(wanted)}{hint}") from None


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise WrongValue(f"found {shown(value)}, expected a mapping of names to texts")
    for name, text in value.items():
        if isinstance(text, (Mapping, list)) or text is None:
            raise WrongValue(f"found {shown(text)}, expected a text", (str(name),))
    # As written in the file: `true`, not Python's `True`.
    return {str(name): text if isinstance(text, str) else shown(text) for name, text in value.items()}


def _alternatives(annotation: Any) -> list[Any] | None:
    """The plain types that an annotation allows, or None when it allows what cannot be checked."""
    each = (
        list(typing.get_args(annotation)) if typing.get_origin(annotation) is typing.Union else [annotation]
    )
    known = []
    for one in each:
        origin = typing.get_origin(one) or one
        if one is type(None):
            continue
        if origin in _LISTS or origin in (collections.abc.Mapping, datetime.timedelta) or _in_plain(origin):
            known.append(one)
        elif origin is collections.abc.Callable or inspect.isclass(origin):
            continue  # a class or function cannot stand in a YAML file, so what else is allowed is meant
        else:
            return None
    return known or None


def _in_plain(origin: Any) -> bool:
    return isinstance(origin, type) and origin in _PLAIN


def _hashable(annotation: Any) -> Any:
    return typing.get_origin(annotation) or annotation


def _as_list(annotation: Any) -> Any:
    """pydantic checks no `Iterable` before it is walked, so a list is asked for."""
    if (typing.get_origin(annotation) or annotation) in _LISTS:
        inner = [each for each in typing.get_args(annotation) if each is not Ellipsis]
        return typing.List[inner[0]] if inner else typing.List[typing.Any]  # type: ignore[valid-type]
    return annotation


def _said(wanted: list[Any]) -> str:
    words = []
    for each in wanted:
        origin = typing.get_origin(each) or each
        if origin is list:
            inner = (typing.get_args(each) or (Any,))[0]
            words.append(
                f"a list of {_CALLED.get(inner, 'values').replace('a ', '')}s".replace("valuess", "values")
            )
        else:
            words.append(
                _CALLED.get(origin, "a mapping" if origin is collections.abc.Mapping else str(origin))
            )
    return " or ".join(words)
