"""The types of values in `prefect.yml` besides strings: durations, counts, names, dates, JSON.

Knows nothing of which keys hold them.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import Any, Dict, List

from typing_extensions import (
    Annotated,
)  # not in Python 3.8's typing; pydantic depends on it

from kedro_prefect_hooks.compat.pydantic_models import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from kedro_prefect_hooks.config.messages import format_value

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d|weeks?|w)(?![a-z])\s*(?:,|and)?\s*",
    re.IGNORECASE,
)
_DURATION_FORMS = "a number of seconds, or a string such as 90s, 5m, 1h 30m, 2 days"
_DURATION_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [60, "5m", "1h 30m"]}


class Model(BaseModel):
    """Base of all models of `prefect.yml`: unknown keys are errors, and instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, protected_namespaces=())


def seconds(value: Any) -> float:
    """Convert a number, or a string such as ``1h 30m``, to seconds.

    Raises:
        ValueError: the value is neither.
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
    raise ValueError(f"found {format_value(value)}, expected a duration: {_DURATION_FORMS}")


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
            f"found {number:g} seconds, expected whole seconds: Prefect's timeouts have no fractions"
        )
    return int(number)


def _not_a_boolean(value: Any) -> Any:
    # YAML's `yes`, `on` and `true` would otherwise pass as the number 1.
    if isinstance(value, bool):
        raise ValueError(f"found {format_value(value)}, expected an integer")
    return value


def _names(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _date_time(value: Any) -> Any:
    if isinstance(value, datetime.datetime) or value is None:
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, str) and not value.strip().lstrip("+-").isdigit():
        return value
    raise ValueError(
        f"found {format_value(value)}, expected a date such as 2026-01-31 or 2026-01-31T06:00:00"
    )


def dates_as_strings(value: Any) -> Any:
    """A value as JSON has it: dates become the strings that they were written as, in lists and mappings too.

    Kedro before OmegaConf reads YAML's dates as dates; OmegaConf leaves them strings.
    """
    if isinstance(value, dict):
        return {name: dates_as_strings(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [dates_as_strings(each) for each in value]
    return value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else value


def tidy_name(value: str) -> str:
    """The name itself.

    Raises:
        ValueError: it is blank, or has spaces around it, or control characters.
    """
    if not value.strip():
        raise ValueError(f"found {value!r}, expected a name that is not blank")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in value.strip()):
        raise ValueError(
            f"found {format_value(value)}, expected a name on one line, without control characters"
        )
    if value != value.strip():
        raise ValueError(
            f"found {format_value(value)}, expected a name without spaces around it: "
            f"{format_value(value.strip())}"
        )
    return value


def _unique(value: List[str]) -> List[str]:
    return list(dict.fromkeys(value))


JsonValues = Annotated[Dict[str, Any], BeforeValidator(dates_as_strings)]
"""Values by name, as Prefect keeps them."""

Duration = Annotated[datetime.timedelta, BeforeValidator(_duration), WithJsonSchema(_DURATION_SCHEMA)]
"""A positive duration."""

Seconds = Annotated[
    float, BeforeValidator(seconds), AfterValidator(_positive), WithJsonSchema(_DURATION_SCHEMA)
]
"""A positive number of seconds."""

WholeSeconds = Annotated[int, BeforeValidator(_whole_seconds), WithJsonSchema(_DURATION_SCHEMA)]
"""A positive whole number of seconds."""

LARGEST_COUNT = 2**31 - 1
"""The largest integer of GraphQL, and so of the Prefect API."""

Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT), BeforeValidator(_not_a_boolean)]
"""A whole number, 0 or more."""

PositiveCount = Annotated[int, Field(ge=1, le=LARGEST_COUNT), BeforeValidator(_not_a_boolean)]
"""A whole number, 1 or more."""

Name = Annotated[str, AfterValidator(tidy_name)]
"""A name that can be typed and compared: not blank, on one line, without spaces around it."""

Names = Annotated[
    List[Name],
    BeforeValidator(_names),
    AfterValidator(_unique),
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}, {"type": "null"}]}
    ),
]
"""Unique names, in the order given. A single name needs no list; an empty value means no names."""

DateTime = Annotated[
    datetime.datetime,
    BeforeValidator(_date_time),
    WithJsonSchema({"type": "string", "examples": ["2026-01-31", "2026-01-31T06:00:00"]}),
]
"""A date, or a date and time; without an offset it is in the time zone of its clock."""
