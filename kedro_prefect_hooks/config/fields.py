"""The kinds of value that `prefect.yml` holds besides plain text: durations, counts, lists of names, dates.

Knows nothing of which keys hold them.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, List

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from typing_extensions import Annotated  # Python 3.8 has none of its own; pydantic brings this one

from kedro_prefect_hooks.config.messages import shown

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d|weeks?|w)(?![a-z])\s*(?:,|and)?\s*",
    re.IGNORECASE,
)
_DURATION_SAYS = "a number of seconds, or a text such as 90s, 5m, 1h 30m, 2 days"
_DURATION_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [60, "5m", "1h 30m"]}


class Model(BaseModel):
    """Base of all concepts of `prefect.yml`: unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, protected_namespaces=())


def seconds(value: Any) -> float:
    """A duration in seconds, from a number or from a text such as ``1h 30m``.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        parts = list(_DURATION.finditer(text))
        if parts and "".join(part.group() for part in parts) == text:
            return float(sum(float(part["number"]) * _UNITS[part["unit"][0].lower()] for part in parts))
    raise ValueError(f"found {shown(value)}, expected a duration: {_DURATION_SAYS}")


def _positive(value: float) -> float:
    if not 0 < value < 10 * 365 * 86400:
        raise ValueError(f"found {value:g} seconds, expected more than 0 and less than ten years")
    return value


def _duration(value: Any) -> datetime.timedelta:
    return datetime.timedelta(seconds=_positive(seconds(value)))


def _whole_seconds(value: Any) -> int:
    number = _positive(seconds(value))
    if number != int(number):
        raise ValueError(
            f"found {number:g} seconds, expected whole seconds: Prefect's timeouts have no parts"
        )
    return int(number)


def _not_a_boolean(value: Any) -> Any:
    # YAML's `yes`, `on` and `true` would otherwise pass for the number 1.
    if isinstance(value, bool):
        raise ValueError(f"found {shown(value)}, expected a whole number")
    return value


def _names(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    if isinstance(value, datetime.datetime) or value is None:
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, str) and not value.strip().lstrip("+-").isdigit():
        return value
    raise ValueError(f"found {shown(value)}, expected a date such as 2026-01-31 or 2026-01-31T06:00:00")


def _unique(value: List[str]) -> List[str]:
    return list(dict.fromkeys(value))


Duration = Annotated[datetime.timedelta, BeforeValidator(_duration), WithJsonSchema(_DURATION_SCHEMA)]
"""A positive span of time."""

Seconds = Annotated[
    float, BeforeValidator(seconds), AfterValidator(_positive), WithJsonSchema(_DURATION_SCHEMA)
]
"""A positive number of seconds."""

WholeSeconds = Annotated[int, BeforeValidator(_whole_seconds), WithJsonSchema(_DURATION_SCHEMA)]
"""A positive number of seconds without a part."""

Count = Annotated[int, Field(ge=0), BeforeValidator(_not_a_boolean)]
"""A whole number from 0 up."""

Names = Annotated[
    List[str],
    BeforeValidator(_names),
    AfterValidator(_unique),
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}, {"type": "null"}]}
    ),
]
"""Names, each once, in the order given. One name may stand without a list, and nothing means none."""

Moment = Annotated[
    datetime.datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-01-31", "2026-01-31T06:00:00"]}),
]
"""A date, or a date and time; without an offset it is in the time zone given beside it."""
