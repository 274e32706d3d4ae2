"""Recurrence rules, walked from now and in bounded time, as dateutil walks them from their start.

A rule for each second since 2019 has had a quarter of a billion occurrences, and some rules have none at all.
Knows nothing of clocks and schedules.
"""

from __future__ import annotations

import copy
import datetime
import math
import time
from typing import Any, Callable, Iterable, Iterator, Tuple

from dateutil import rrule

WALK_SECONDS = 5.0
"""Of all rules of one clock."""

_MARGIN = datetime.timedelta(days=2)
"""More than any two time zones differ."""

_UNITS = {
    rrule.WEEKLY: datetime.timedelta(weeks=1),
    rrule.DAILY: datetime.timedelta(days=1),
    rrule.HOURLY: datetime.timedelta(hours=1),
    rrule.MINUTELY: datetime.timedelta(minutes=1),
    rrule.SECONDLY: datetime.timedelta(seconds=1),
}


class TakesTooLong(ValueError):
    """The rules have no occurrence that could be found in time."""


def bounded(rules: Any, after: datetime.datetime) -> Any:
    """The same occurrences after a time, and perhaps some before it.

    Args:
        rules: an ``rrule`` or ``rruleset`` of dateutil.
        after: a time with a zone.

    Returns:
        An ``rruleset``. Walking it raises TakesTooLong once `WALK_SECONDS` have passed.
    """
    deadline = time.monotonic() + WALK_SECONDS
    found = rrule.rruleset()
    is_set = isinstance(rules, rrule.rruleset)
    for rule in rules._rrule if is_set else [rules]:
        found.rrule(_Walk(rule, after, deadline))
    if is_set:
        for rule in rules._exrule:
            found.exrule(_Walk(rule, after, deadline))
        for date in rules._rdate:
            found.rdate(date)
        for date in rules._exdate:
            found.exdate(date)
    return found


class _Walk:
    def __init__(self, rule: Any, after: datetime.datetime, deadline: float) -> None:
        self._rule = copy.copy(moved(rule, after))
        self._deadline = deadline
        for name in _CONDITIONS:
            condition = getattr(self._rule, name)
            if condition:
                setattr(self._rule, name, _Watched(condition, self._check))

    def _check(self) -> None:
        if time.monotonic() > self._deadline:
            raise TakesTooLong(
                "Its recurrence rule has no next occurrence that can be found within "
                f"{WALK_SECONDS:g} seconds. Use UNTIL instead of COUNT, or a later start."
            )

    def __iter__(self) -> Iterator[datetime.datetime]:
        for occurrence in self._rule:
            self._check()
            yield occurrence


_CONDITIONS = [
    f"_by{name}"
    for name in (
        *("month", "monthday", "nmonthday", "yearday", "weekno", "weekday", "nweekday", "easter"),
        *("setpos", "hour", "minute", "second"),
    )
]
"""What dateutil asks of each day and time: of all until the year 9999, if they exclude each other."""


class _Watched(Tuple[Any, ...]):
    """The values of a condition, which look at the time whenever they are asked."""

    _check: Callable[[], None]

    def __new__(cls, values: Iterable[Any], check: Callable[[], None]) -> _Watched:
        made = super().__new__(cls, values)
        made._check = check
        return made

    def __contains__(self, value: object) -> bool:
        self._check()
        return super().__contains__(value)

    def __iter__(self) -> Iterator[Any]:
        self._check()
        return super().__iter__()


def moved(rule: Any, after: datetime.datetime) -> Any:
    """The rule with a start that is later by a multiple of its interval, but still before `after`.

    A rule with COUNT has to be walked from its own start.
    """
    if rule._count is not None:
        return rule
    zone = rule._dtstart.tzinfo
    # Plain local times, which rules are made of; not pendulum's, which follow daylight saving time.
    start = datetime.datetime(*rule._dtstart.timetuple()[:6])
    target = after.astimezone(zone or datetime.timezone.utc)
    end = datetime.datetime(*target.timetuple()[:6]) - _MARGIN
    if end <= start:
        return rule
    if rule._freq in _UNITS:
        step = _UNITS[rule._freq] * rule._interval
        later = start + (end - start) // step * step
    else:
        later = _years_later(start, end, rule._interval, is_monthly=rule._freq == rrule.MONTHLY)
    return rule.replace(dtstart=later.replace(tzinfo=zone))


def _years_later(
    start: datetime.datetime, end: datetime.datetime, interval: int, *, is_monthly: bool
) -> datetime.datetime:
    """`start` in a later year, in which the rule recurs in its month too."""
    step = interval // math.gcd(interval, 12) if is_monthly else interval
    for year in range(start.year + (end.year - 1 - start.year) // step * step, start.year, -step):
        try:
            return start.replace(year=year)
        except ValueError:  # it has no February 29th
            continue
    return start
