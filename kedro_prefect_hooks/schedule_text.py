"""A serialised schedule in words. Knows Prefect's serialised clocks, and nothing of flows.

The usual cron lines become plain words; an unusual one stays as it is rather than being worded wrongly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, List, Mapping, Sequence

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_DAY_NUMBERS = {day[:3].upper(): number for number, day in enumerate(_DAYS)}
_ALIASES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
_UNITS = ((604800, "week"), (86400, "day"), (3600, "hour"), (60, "minute"))
_LISTED_DATES = 3

_NUMBER = re.compile("[0-9]+")
_NUMBERS = re.compile("[0-9]+(,[0-9]+)*")
_STEP = re.compile(r"\*/([0-9]+)")


@dataclass(frozen=True)
class ClockText:
    """One clock of a schedule.

    Args:
        words: such as ``every day at 06:00``; None if only `code` says it.
        code: the cron line or recurrence rule; None for other clocks.
        zone: its time zone, if it matters.
        details: first and last date, parameters and labels, such as ``with size=3``; may be empty.
    """

    words: str | None
    code: str | None = None
    zone: str | None = None
    details: str = ""

    def __str__(self) -> str:
        words = self.words or f"{'rrule' if '=' in str(self.code) else 'cron'} {self.code}"
        return " ".join(filter(None, [words, self.zone and f"({self.zone})", self.details]))


def in_words(schedule: Mapping[str, Any] | None) -> str:
    """A schedule on one line, such as ``every day at 06:00 (Europe/Paris)``; clocks are joined by ``and``."""
    if schedule is None:
        return "none"
    words = " and ".join(map(str, clocks_in_words(schedule))) or "no clock"
    return f"{words}, filtered" if is_filtered(schedule) else words


def clocks_in_words(schedule: Mapping[str, Any] | None) -> List[ClockText]:
    """Each clock of a schedule."""
    return [_clock(clock) for clock in (schedule or {}).get("clocks") or ()]


def is_filtered(schedule: Mapping[str, Any] | None) -> bool:
    """Whether some of the clocks' times are left out or moved."""
    names = ("filters", "or_filters", "not_filters", "adjustments")
    return schedule is not None and any(schedule.get(name) for name in names)


def cron_in_words(line: str) -> str | None:
    """A cron line such as ``0 6 * * *`` in words, or None if it is not one of the usual ones."""
    fields = _ALIASES.get(line.strip(), line).split()
    if len(fields) != 5:
        return None
    minute, hour, date, month, weekday = fields
    if month != "*":
        return None
    if date == weekday == "*":
        words = _repeating(minute, hour)
        if words is not None:
            return words
    if not _NUMBER.fullmatch(minute) or not _NUMBERS.fullmatch(hour):
        return None
    times = _joined([f"{int(each):02}:{int(minute):02}" for each in hour.split(",")])
    if _NUMBER.fullmatch(date) and weekday == "*":
        return f"on day {date} of every month at {times}"
    days = _weekdays(weekday) if date == "*" else None
    return days and f"{days} at {times}"


def _repeating(minute: str, hour: str) -> str | None:
    """Every so many minutes or hours; None for anything else."""
    if hour == minute == "*":
        return "every minute"
    if hour == "*" and _step(minute, 60):
        return _every(_step(minute, 60), "minute")
    hours = 1 if hour == "*" else _step(hour, 24)
    if not hours or not _NUMBER.fullmatch(minute):
        return None
    past = int(minute)
    return _every(hours, "hour") + (f" at {past} minute{'' if past == 1 else 's'} past" if past else "")


def _step(text: str, total: int) -> int:
    """The step of ``*/step``; 0 if it is not one, or if its last interval before `total` is a shorter one."""
    match = _STEP.fullmatch(text)
    step = int(match[1]) if match else 0
    return step if step and total % step == 0 else 0


def _every(count: float, unit: str) -> str:
    return f"every {unit}" if count == 1 else f"every {count:g} {unit}s"


def _weekdays(text: str) -> str | None:
    if text == "*":
        return "every day"
    if text.upper() in ("1-5", "MON-FRI"):
        return "Monday to Friday"
    parts = text.upper().split(",")
    if not all(part in _DAY_NUMBERS or re.fullmatch("[0-7]", part) for part in parts):
        return None
    numbers = (_DAY_NUMBERS[part] if part in _DAY_NUMBERS else int(part) % 7 for part in parts)
    return _joined([f"{_DAYS[number]}s" for number in numbers])


def _joined(words: Sequence[str]) -> str:
    """Such as ``one, two and three``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _clock(clock: Mapping[str, Any]) -> ClockText:
    try:
        return _known_clock(clock)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Another client, or a later Prefect, may have registered what this one does not write.
        return ClockText("on a schedule")


def _known_clock(clock: Mapping[str, Any]) -> ClockText:
    zone = (clock.get("start_date") or {}).get("tz")
    details = " ".join(_details(clock))
    if clock.get("cron"):
        return ClockText(cron_in_words(clock["cron"]), clock["cron"], zone or "UTC", details)
    zone = None if zone == "UTC" else zone
    if clock.get("interval"):
        # Prefect writes intervals in microseconds.
        return ClockText(_interval(int(clock["interval"]) / 1e6), None, zone, details)
    if clock.get("dates"):
        return ClockText(_dates(clock["dates"]), None, None, details)
    if clock.get("rrule_obj"):
        rule = str(clock["rrule_obj"].get("rr", "")).split("RRULE:")[-1].strip()
        return ClockText(None if rule else "by a set of recurrence rules", rule or None, zone, details)
    return ClockText(str(clock.get("type") or "on a schedule"), None, zone, details)


def _interval(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return _every(seconds / size, unit)
    return _every(seconds, "second")


def _dates(dates: Sequence[Mapping[str, Any]]) -> str:
    if len(dates) > _LISTED_DATES:
        return f"on {len(dates)} dates"
    return f"on {_joined([_moment(date) for date in dates])}"


def _details(clock: Mapping[str, Any]) -> Iterator[str]:
    start, end = clock.get("start_date"), clock.get("end_date")
    # The first day that Prefect gives a schedule which needs one and has none.
    if start and not str(start["dt"]).startswith("2019-01-01"):
        yield f"from {_moment(start)}"
    if end:
        yield f"until {_moment(end)}"
    if clock.get("parameter_defaults"):
        values = (f"{name}={value}" for name, value in sorted(clock["parameter_defaults"].items()))
        yield f"with {', '.join(values)}"
    if clock.get("labels"):
        yield f"on agents labelled {', '.join(sorted(clock['labels']))}"


def _moment(date: Mapping[str, Any]) -> str:
    return str(date["dt"]).replace("T00:00:00", "")
