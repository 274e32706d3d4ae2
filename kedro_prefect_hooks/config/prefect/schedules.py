"""Builds Prefect schedules from `schedule:` in `prefect.yml`.

Every clock gets a fixed start: a schedule that depends on when it was built would look changed at each
registration.
"""

from __future__ import annotations

import datetime
import itertools
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from kedro_prefect_hooks.config.messages import InvalidConfigError, Place, Problem
from kedro_prefect_hooks.config.schedule import ClockConfig, ScheduleConfig
from kedro_prefect_hooks.errors import did_you_mean

if TYPE_CHECKING:
    import prefect

EPOCH = datetime.datetime(2019, 1, 1)
"""The start of clocks without a start date: the one that Prefect's `IntervalClock` uses."""

ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
"""What croniter accepts in place of five fields."""

_RANDOM = re.compile(r"r(\(|/|$)", re.IGNORECASE)

MOST_STEPS = 300_000
"""How often a rule may have fired already: Prefect counts from the first time at each question."""

LAST_START = 9000
"""A year. Prefect looks ahead from a clock's start, and Python has no dates after the year 9999."""

SHORTEST_INTERVAL = datetime.timedelta(minutes=1)
"""Prefect's serialization refuses a shorter one (`IntervalClockSchema`)."""


def build_schedule(config: ScheduleConfig, place: Place) -> prefect.schedules.Schedule:
    """Build the Prefect schedule for a flow.

    Args:
        config: `schedule:` of the flow.
        place: its place in the file, for messages.

    Raises:
        ConfigError: a cron expression, a rule or a time zone is invalid, or an interval is shorter than a
            minute.
    """
    from prefect.schedules import Schedule

    places = [place] if config.clocks is None else [place.at("clocks", n) for n in range(len(config.clocks))]
    return Schedule(clocks=[_clock(clock, where) for clock, where in zip(config.merged_clocks(), places)])


def _clock(config: ClockConfig, place: Place) -> prefect.schedules.clocks.Clock:
    from prefect.schedules import clocks

    zone = _zone(config.timezone, place)
    start = _date_time(config.start_date, zone)
    shared: dict[str, Any] = {
        "parameter_defaults": dict(config.parameters) or None,
        "labels": list(config.labels) or None,
    }
    end = _date_time(config.end_date, zone)
    if config.dates is not None:
        # Prefect's own clock of dates has no other start and end than its dates.
        dates = sorted(_date_time(date, zone) for date in config.dates)
        within = [date for date in dates if (start is None or date >= start) and (end is None or date <= end)]
        if not within:
            _fail(place.at("dates"), "no date is between start_date and end_date: the flow would never run")
        return clocks.DatesClock(dates=within, **shared)
    if start is not None and start.year > LAST_START:
        _fail(place.at("start_date"), f"found the year {start.year}: the flow would never run")
    shared["end_date"] = end
    # Prefect reads the time zone of a clock from its start date.
    if start is None and (config.timezone is not None or config.rrule is not None):
        start = _date_time(EPOCH, zone)
    shared["start_date"] = start
    if config.cron is not None:
        _check_cron(config.cron, place)
        if config.day_or is not None:
            shared["day_or"] = config.day_or
        return clocks.CronClock(config.cron, **shared)
    if config.interval is not None:
        if config.interval < SHORTEST_INTERVAL:
            _fail(
                place.at("interval"),
                f"found {config.interval.total_seconds():g} seconds, expected at least 60",
            )
        return clocks.IntervalClock(config.interval, **shared)
    return clocks.RRuleClock(_rule(config.rrule or "", start, place), **shared)


def _pendulum() -> Any:
    import pendulum

    return pendulum


def _fail(place: Place, text: str) -> NoReturn:
    raise InvalidConfigError([Problem(place, text)])


def _zone(name: str | None, place: Place) -> Any:
    pendulum = _pendulum()
    if name is None:
        return pendulum.timezone("UTC")
    try:
        return pendulum.timezone(name)
    except Exception:  # pendulum 2 and 3 raise different classes
        text = f"unknown time zone {name!r}.{did_you_mean(name, _zone_names())}"
        _fail(
            place.at("timezone"), f"{text} Accepted: IANA names such as Europe/Paris, America/New_York, UTC."
        )


def _zone_names() -> list[str]:
    import pytz

    return list(pytz.all_timezones)


def _date_time(value: datetime.datetime | None, zone: Any) -> Any:
    pendulum = _pendulum()
    if value is None:
        return None
    if value.tzinfo is None:
        return pendulum.datetime(
            value.year, value.month, value.day, value.hour, value.minute, value.second, tz=zone
        )
    return pendulum.instance(value).in_timezone(zone)


def _check_cron(line: str, place: Place) -> None:
    reason = _why_invalid(line)
    if reason is not None:
        _fail(
            place.at("cron"),
            f"invalid cron expression {line!r} ({reason}). "
            "Accepted: minute, hour, day of month, month, day of week, such as '0 6 * * 1-5'.",
        )


@lru_cache(maxsize=1024)
def _why_invalid(line: str) -> str | None:
    """Why a cron expression is invalid, or None."""
    from croniter import CroniterBadDateError, croniter

    fields = line.split()
    if len(fields) != 5 and line not in ALIASES:
        seconds = ": croniter would read the sixth as seconds" if len(fields) == 6 else ""
        return f"found {len(fields)} field{'' if len(fields) == 1 else 's'}, expected five{seconds}"
    drawn = next((field for field in fields if _RANDOM.match(field)), None)
    if drawn is not None:
        return f"found {drawn!r}, which croniter replaces by another random number each time it is asked"
    try:
        croniter(line, EPOCH).get_next(datetime.datetime)
    except CroniterBadDateError:
        return "it never fires: no such date exists"
    except Exception as error:  # croniter's exceptions have no common base
        return str(error).strip().rstrip(".")
    return None


def _rule(text: str, start: Any, place: Place) -> Any:
    from dateutil.rrule import rruleset, rrulestr

    where = place.at("rrule")
    try:
        rule = rrulestr(text) if "DTSTART" in text.upper() else rrulestr(text, dtstart=start)
        is_set = isinstance(rule, rruleset)
        excluded = is_set and bool(rule._exrule)
        rules = rule._rrule if is_set else [rule]
    except Exception as error:  # dateutil raises ValueError, KeyError, TypeError, …
        _fail(
            where,
            f"invalid recurrence rule {text!r} ({str(error).strip() or type(error).__name__}). "
            "Accepted: an iCalendar rule such as 'FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=6;BYMINUTE=0;BYSECOND=0'.",
        )
    if excluded:
        _fail(where, f"found {text!r}, with EXRULE, expected EXDATE with the dates to leave out")
    for each in rules:
        reason = _why_unusable(each)
        if reason is not None:
            _fail(where, f"found {text!r}, {reason}")
    return rule


def _why_unusable(rule: Any) -> str | None:
    """Why Prefect cannot work with a rule, or None. A rule is a generator, and some never yield a date."""
    from dateutil import rrule

    seconds = set(getattr(rule, "_bysecond", None) or ())
    if rule._freq == rrule.SECONDLY or len(seconds) > 1:
        return "which fires more than once a minute, expected a minute or more between two runs"
    if rule._interval < 1:
        return f"with INTERVAL={rule._interval}, expected 1 or more"
    for name, values in (("MINUTE", rule._byminute), ("SECOND", seconds)):
        # dateutil checks neither for a rule of hours or minutes until it fires.
        outside = [value for value in values or () if not 0 <= value < 60]
        if outside:
            return f"with BY{name}={outside[0]}, expected 0 to 59"
    start = rule._dtstart
    if start.year > LAST_START or not _can_fire(rule, rrule):
        return "which never fires: no such date exists"
    unit, seconds_of_unit = _UNITS.get(rule._freq, ("", 0))
    if unit:
        passed = datetime.datetime.now(start.tzinfo) - start
        if passed.total_seconds() / (seconds_of_unit * rule._interval) > MOST_STEPS:
            return (
                f"which counts {unit} from {start:%Y-%m-%d} on and takes seconds each time, expected a rule "
                "with larger steps or a later start: use `interval: 15m`, or a cron expression such as "
                "'*/15 8-18 * * *'"
            )
    return None


_UNITS = {4: ("hours", 3600), 5: ("minutes", 60), 3: ("days", 86400)}
"""Frequencies of dateutil that may take many steps: their names and seconds."""


def _can_fire(rule: Any, rrule: Any) -> bool:
    """Whether there is a day on which a rule may fire, within fifty years: days may not exist, hours do."""
    changes: dict[str, Any] = {"count": None}
    start = rule._dtstart
    if rule._freq in (rrule.HOURLY, rrule.MINUTELY):
        of_each = 1 if rule._freq == rrule.MINUTELY else len(rule._byminute or ())
        if rule._bysetpos and all(abs(position) > of_each for position in rule._bysetpos):
            return False
        changes.update(freq=rrule.DAILY, interval=1, bysetpos=None, byhour=0, byminute=0, bysecond=0)
        # What never fires is looked for until the year 9999: of each day, that takes seconds.
        start = changes["dtstart"] = start.replace(year=9948, month=1, day=1)
    changes["until"] = start + datetime.timedelta(days=50 * 365)
    return any(True for _ in itertools.islice(rule.replace(**changes), 1))


def lies_in_the_past(schedule: prefect.schedules.Schedule) -> bool:
    """Whether no clock of a schedule fires any more."""
    from prefect.schedules.clocks import CronClock, IntervalClock

    endless = (clock for clock in schedule.clocks if isinstance(clock, (CronClock, IntervalClock)))
    if any(clock.end_date is None for clock in endless):
        return False  # most schedules; a cron expression that never fires has been refused
    now = _pendulum().now("UTC")
    return not any(
        any(True for _ in itertools.islice(clock.events(after=now), 1)) for clock in schedule.clocks
    )
