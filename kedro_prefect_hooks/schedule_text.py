"""A serialised schedule in words that fit one line. Knows nothing of flows."""

from __future__ import annotations

import datetime
from typing import Any, Mapping


def in_words(schedule: Mapping[str, Any] | None) -> str:
    """Such as ``cron 0 6 * * * (Europe/Paris)``; clocks are joined by ``and``."""
    if schedule is None:
        return "none"
    words = " and ".join(_clock(clock) for clock in schedule.get("clocks") or ()) or "no clock"
    filtered = any(schedule.get(name) for name in ("filters", "or_filters", "not_filters", "adjustments"))
    return f"{words}, filtered" if filtered else words


def _clock(clock: Mapping[str, Any]) -> str:
    if clock.get("cron"):
        words = f"cron {clock['cron']}"
    elif clock.get("interval"):
        # Prefect writes intervals in microseconds.
        words = f"every {datetime.timedelta(microseconds=int(clock['interval']))}"
    elif clock.get("dates"):
        words = f"on {', '.join(_moment(date) for date in clock['dates'])}"
    else:
        words = f"rrule {_rule(clock)}"
    start, end = clock.get("start_date"), clock.get("end_date")
    zone = (start or {}).get("tz")
    words += f" ({zone})" if zone and zone != "UTC" else ""
    words += f" from {_moment(start)}" if start and not str(start["dt"]).startswith("2019-01-01") else ""
    words += f" until {_moment(end)}" if end else ""
    if clock.get("parameter_defaults"):
        values = ", ".join(f"{name}={value}" for name, value in sorted(clock["parameter_defaults"].items()))
        words += f" with {values}"
    if clock.get("labels"):
        words += f" on agents with {', '.join(sorted(clock['labels']))}"
    return words


def _moment(date: Mapping[str, Any]) -> str:
    return str(date["dt"]).replace("T00:00:00", "")


def _rule(clock: Mapping[str, Any]) -> str:
    rule = clock.get("rrule") or {}
    return str(rule.get("rr", "")).split("RRULE:")[-1].strip() or "set"
