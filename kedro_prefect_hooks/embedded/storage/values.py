"""How values of the real API's column types are stored in SQLite, and how they are written in answers.

SQLite has neither timestamps nor uuids nor jsonb. Times are stored as microseconds since 1970 in UTC, which
compare and sort correctly; JSON is stored in one canonical form, so that equal documents are equal strings;
uuids are stored in lower case. Knows nothing of tables or GraphQL.
"""

from __future__ import annotations

import calendar
import datetime
import json
import os
import re
import time
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from kedro_prefect_hooks.embedded.storage import request_budget

SECOND = 1_000_000
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
EARLIEST = -62_135_596_800 * SECOND
LATEST = 253_402_300_799 * SECOND + SECOND - 1
"""The times that Python and ISO 8601 can write: from the year 1 to 9999."""

_LONGEST = 1_000 * 366 * 86_400 * SECOND
"""Of an interval: added to a time of this millennium, it is still a time that can be written."""

_TIMESTAMP = re.compile(
    r"^\s*(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?)?\s*$"
)


class DataError(ValueError):
    """A value that is invalid for its column's type; the message is PostgreSQL's."""


def canonical_json(value: Any) -> str:
    """`value` as JSON in the form that is stored: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def parse_uuid(value: Any) -> str:
    """The uuid in its usual lower-case form. Raises DataError with PostgreSQL's message."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise DataError(f'invalid input syntax for type uuid: "{value}"') from None


def new_id() -> str:
    """A new uuid, of version 7: its first 60 bits are the time, in steps of a quarter of a microsecond.

    Rows that are inserted together are neighbours in each index on their ids. With random uuids, a run of ten
    tasks changes a page of the file per row and index, all of which must be written.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    tail = int.from_bytes(os.urandom(8), "big") >> 2 | 1 << 63
    digits = f"{milliseconds:012x}7{fraction:03x}{tail:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def now() -> int:
    """The current time, in microseconds since 1970, UTC."""
    return to_microseconds(datetime.datetime.now(datetime.timezone.utc))


def to_microseconds(moment: datetime.datetime) -> int:
    """Microseconds since 1970. A time without a zone is read as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    # Not by a subtraction: with pendulum's times that gives pendulum's own type.
    return calendar.timegm(moment.utctimetuple()) * SECOND + moment.microsecond


def to_datetime(microseconds: int) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(microseconds=microseconds)


def parse_timestamp(value: Any) -> int:
    """Microseconds since 1970, from an ISO 8601 string, or from microseconds.

    Python 3.8's ``fromisoformat`` accepts neither ``Z`` nor numbers of fractional digits other than three and
    six; the client sends both. Raises DataError with PostgreSQL's message.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if not EARLIEST <= value <= LATEST:
            raise DataError(f'date/time field value out of range: "{value}"')
        return value
    if isinstance(value, datetime.datetime):
        return to_microseconds(value)
    found = _TIMESTAMP.match(str(value))
    if found is None:
        if str(value).strip().lower() == "now":
            return now()
        raise DataError(f'invalid input syntax for type timestamp with time zone: "{value}"')
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime.datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            tzinfo=_zone(zone),
        )
        return to_microseconds(moment)
    except (ValueError, OverflowError):
        raise DataError(f'date/time field value out of range: "{value}"') from None


def _zone(text: str | None) -> datetime.timezone:
    if text is None or text.upper() in ("Z", "UTC"):
        return datetime.timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return datetime.timezone(-offset if text[0] == "-" else offset)


def format_timestamp(microseconds: int) -> str:
    """As PostgreSQL writes a timestamp in JSON: no trailing zeros in the fraction, ``+00:00`` at the end."""
    seconds, fraction = divmod(microseconds, SECOND)
    text = to_datetime(seconds * SECOND).replace(tzinfo=None).isoformat()
    return text + (f".{fraction:06d}".rstrip("0") if fraction else "") + "+00:00"


def parse_interval(value: Any) -> int:
    """Microseconds, from seconds as a number or string, or from PostgreSQL's ``[N days ]HH:MM:SS[.f]``."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _in_range(value * SECOND, value)
    found = re.match(
        r"^\s*(?:(-?\d+) days?,?\s*)?(?:(\d+):(\d\d):(\d\d(?:\.\d+)?)|(\d+(?:\.\d+)?))?\s*$", str(value)
    )
    if found is None:
        raise DataError(f'invalid input syntax for type interval: "{value}"')
    days, hours, minutes, seconds, plain = found.groups()
    total = float(plain) if plain else int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
    return _in_range((int(days or 0) * 86400 + total) * SECOND, value)


def _in_range(interval: float, value: Any) -> int:
    if not -_LONGEST <= interval <= _LONGEST:  # nor is NaN
        raise DataError(f'interval field value out of range: "{value}"')
    return int(interval)


def format_interval(microseconds: int) -> str:
    """As PostgreSQL writes an interval: ``00:01:00``, ``1 day 02:00:00``."""
    days, rest = divmod(microseconds, 86400 * SECOND)
    seconds, fraction = divmod(rest, SECOND)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    text += f".{fraction:06d}".rstrip("0") if fraction else ""
    if not days:
        return text
    return f"{days} day{'s' if days != 1 else ''}" + (f" {text}" if rest else "")


class Uuid(TypeDecorator[str]):
    impl = sa.String(36)
    cache_ok = True


class Timestamp(TypeDecorator[int]):
    impl = sa.BigInteger
    cache_ok = True


class Interval(TypeDecorator[int]):
    impl = sa.BigInteger
    cache_ok = True


class Json(TypeDecorator[Any]):
    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        if value is None:
            return None
        request_budget.spend(len(value))
        return json.loads(value)
