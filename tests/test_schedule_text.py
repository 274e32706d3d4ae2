"""Schedules in words: the usual cron lines plainly, the unusual ones as they are."""

from __future__ import annotations

import datetime
from typing import Any, Dict, Optional, Tuple

import pendulum
import pytest
from dateutil import rrule
from prefect.schedules import Schedule, clocks, filters
from prefect.serialization.schedule import ScheduleSchema

from kedro_prefect_hooks.schedule_text import clocks_in_words, cron_in_words, in_words, is_filtered

CRON = {
    "* * * * *": "every minute",
    "*/15 * * * *": "every 15 minutes",
    "0 * * * *": "every hour",
    "5 * * * *": "every hour at 5 minutes past",
    "1 * * * *": "every hour at 1 minute past",
    "0 */6 * * *": "every 6 hours",
    "30 */6 * * *": "every 6 hours at 30 minutes past",
    "0 6 * * *": "every day at 06:00",
    "@daily": "every day at 00:00",
    "@hourly": "every hour",
    "30 6,18 * * *": "every day at 06:30 and 18:30",
    "0 6,12,18 * * *": "every day at 06:00, 12:00 and 18:00",
    "0 6 * * 1-5": "Monday to Friday at 06:00",
    "0 6 * * MON,THU": "Mondays and Thursdays at 06:00",
    "0 6 * * mon-fri": "Monday to Friday at 06:00",
    "0 6 * * 7": "Sundays at 06:00",
    "0 6 1 * *": "on day 1 of every month at 06:00",
    # The unusual stays as it is rather than being worded wrongly.
    "0 6 1 * 1": None,
    "0 6 1 2 *": None,
    "0-10 6 * * *": None,
    "0 6 * * 1#2": None,
    "0 6 * * 1-3": None,
    "0 6 * * 8": None,
    "0 0 6 * * *": None,
    "*/15 6 * * *": None,
    "*/7 * * * *": None,
    "0 */5 * * *": None,
    "*/0 * * * *": None,
    "nonsense": None,
    "": None,
}


@pytest.mark.parametrize("line", CRON)
def test_cron_lines(line: str) -> None:
    assert cron_in_words(line) == CRON[line]


CLOCKS: Dict[str, Tuple[Dict[str, Any], Tuple[Optional[str], Optional[str], Optional[str]], str]] = {
    "cron in a zone": (
        {
            "type": "CronClock",
            "cron": "0 6 * * *",
            "start_date": {"dt": "2019-01-01T00:00:00", "tz": "Asia/Tokyo"},
        },
        ("every day at 06:00", "0 6 * * *", "Asia/Tokyo"),
        "every day at 06:00 (Asia/Tokyo)",
    ),
    "unusual cron": (
        {"type": "CronClock", "cron": "0 6 1 2 *", "start_date": None},
        (None, "0 6 1 2 *", "UTC"),
        "cron 0 6 1 2 * (UTC)",
    ),
    "interval": (
        {"type": "IntervalClock", "interval": 5400 * 10**6, "start_date": None},
        ("every 90 minutes", None, None),
        "every 90 minutes",
    ),
    "one date": (
        {"type": "DatesClock", "dates": [{"dt": "2030-01-01T00:00:00", "tz": "UTC"}]},
        ("on 2030-01-01", None, None),
        "on 2030-01-01",
    ),
    "future": (
        {"type": "SomethingOfTheFuture"},
        ("SomethingOfTheFuture", None, None),
        "SomethingOfTheFuture",
    ),
    "malformed": ({"type": "CronClock", "cron": 6}, ("on a schedule", None, None), "on a schedule"),
    "no object": ("daily", ("on a schedule", None, None), "on a schedule"),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("name", CLOCKS)
def test_clocks_of_every_kind(name: str) -> None:
    clock, parts, line = CLOCKS[name]
    (text,) = clocks_in_words({"clocks": [clock]})
    assert (text.words, text.code, text.zone) == parts
    assert in_words({"clocks": [clock]}) == line


def test_no_schedule_and_no_clock() -> None:
    assert clocks_in_words(None) == []
    assert in_words(None) == "none"
    assert in_words({"clocks": []}) == "no clock"


def _serialised(*parts: Any, **options: Any) -> Dict[str, Any]:
    schedule: Dict[str, Any] = ScheduleSchema().dump(Schedule(clocks=list(parts), **options))
    return schedule


HOURS = datetime.timedelta(hours=1)
DAY = pendulum.datetime(2030, 1, 1, 6)
REAL = {
    "every 2 hours": clocks.IntervalClock(2 * HOURS),
    "every hour": clocks.IntervalClock(HOURS),
    "every day": clocks.IntervalClock(24 * HOURS),
    "every 2 weeks": clocks.IntervalClock(14 * 24 * HOURS),
    "every 90 seconds": clocks.IntervalClock(datetime.timedelta(seconds=90)),
    "every day at 06:00 (UTC)": clocks.CronClock("0 6 * * *"),
    "every day at 06:00 (UTC) from 2030-01-01 until 2031-01-01T12:00:00": clocks.CronClock(
        "0 6 * * *", start_date=pendulum.datetime(2030, 1, 1), end_date=pendulum.datetime(2031, 1, 1, 12)
    ),
    "every hour with rate=0.5, rows=3 on agents labelled big, fast": clocks.IntervalClock(
        HOURS, parameter_defaults={"rows": 3, "rate": 0.5}, labels=["fast", "big"]
    ),
    "on 2030-01-01T06:00:00 and 2030-01-02T06:00:00": clocks.DatesClock([DAY, DAY.add(days=1)]),
    "on 4 dates": clocks.DatesClock([DAY.add(days=days) for days in range(4)]),
    "rrule FREQ=WEEKLY;BYDAY=MO": clocks.RRuleClock(rrule.rrule(rrule.WEEKLY, byweekday=rrule.MO)),
}


@pytest.mark.parametrize("line", REAL)
def test_what_prefect_serialises(line: str) -> None:
    assert in_words(_serialised(REAL[line])) == line


def test_several_clocks_and_filters() -> None:
    schedule = _serialised(REAL["every hour"], REAL["every day"], filters=[filters.is_weekday])
    assert in_words(schedule) == "every hour and every day, filtered"
    assert is_filtered(schedule)
    assert not is_filtered(_serialised(REAL["every hour"]))
    assert not is_filtered(None)
