"""`schedule:` becomes the right Prefect schedule, and the same one each time."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pendulum
import pytest
import yaml
from prefect.serialization.schedule import ScheduleSchema

from kedro_prefect_hooks.config import FlowConfig, parse_config
from kedro_prefect_hooks.errors import ConfigError

AFTER = pendulum.datetime(2026, 3, 1)


def flow_of(text: str) -> FlowConfig:
    raw = {"flows": {"a": {"schedule": yaml.safe_load(text)}}}
    return parse_config(raw, files={"": "conf/base/prefect.yml"}).flows["a"]


def runs(text: str, count: int = 2, after: Any = AFTER) -> list[str]:
    schedule = flow_of(text).build_schedule()
    assert schedule is not None
    return [date.in_timezone("UTC").format("YYYY-MM-DD HH:mm") for date in schedule.next(count, after=after)]


TIMES: dict[str, tuple[str, list[str]]] = {
    "cron": ("{cron: '0 6 * * *'}", ["2026-03-01 06:00", "2026-03-02 06:00"]),
    "time zone": ("{cron: '0 6 * * *', timezone: Europe/Paris}", ["2026-03-01 05:00", "2026-03-02 05:00"]),
    "interval": ("{interval: 12h}", ["2026-03-01 12:00", "2026-03-02 00:00"]),
    "seconds": ("{interval: 43200}", ["2026-03-01 12:00", "2026-03-02 00:00"]),
    "start": ("{interval: 1d, start_date: 2026-04-01T03:00:00}", ["2026-04-01 03:00", "2026-04-02 03:00"]),
    "start in a zone": (
        "{interval: 1d, start_date: '2026-04-01 03:00', timezone: Asia/Tokyo}",
        ["2026-03-31 18:00", "2026-04-01 18:00"],
    ),
    "start with offset": (
        "{interval: 1d, start_date: '2026-04-01T03:00:00+02:00'}",
        ["2026-04-01 01:00", "2026-04-02 01:00"],
    ),
    "end": ("{cron: '0 6 * * *', end_date: 2026-03-02}", ["2026-03-01 06:00"]),
    "dates": ("{dates: [2026-05-02, 2026-05-01T06:00:00]}", ["2026-05-01 06:00", "2026-05-02 00:00"]),
    "dates within limits": (
        "{dates: [2026-05-01, 2026-05-02, 2026-05-03, 2026-05-04], start_date: 2026-05-02, "
        "end_date: 2026-05-03}",
        ["2026-05-02 00:00", "2026-05-03 00:00"],
    ),
    "dates within the limits of all clocks": (
        "{end_date: 2026-05-01, clocks: [{dates: [2026-05-01, 2026-05-02]}]}",
        ["2026-05-01 00:00"],
    ),
    "dates in a zone": ("{dates: ['2026-05-01'], timezone: Asia/Tokyo}", ["2026-04-30 15:00"]),
    "rrule": (
        "{rrule: 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=6;BYMINUTE=0;BYSECOND=0'}",
        ["2026-03-02 06:00", "2026-03-09 06:00"],
    ),
    "dates of a rule": ("{rrule: 'RDATE:20260501T060000Z'}", ["2026-05-01 06:00"]),
    "rrule in a zone": (
        "{rrule: 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=6;BYMINUTE=0;BYSECOND=0', timezone: Asia/Tokyo}",
        ["2026-03-01 21:00", "2026-03-08 21:00"],
    ),
    "days and weekdays": ("{cron: '0 0 13 * 5', day_or: false}", ["2026-03-13 00:00", "2026-11-13 00:00"]),
    "clocks": (
        "{timezone: Asia/Tokyo, clocks: [{cron: '0 6 * * *'}, {cron: '0 7 * * *', timezone: UTC}]}",
        ["2026-03-01 07:00", "2026-03-01 21:00"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), TIMES.values(), ids=TIMES)
def test_times(text: str, expected: list[str]) -> None:
    assert runs(text) == expected


def test_daylight_saving_time_is_respected() -> None:
    text = "{cron: '0 6 * * *', timezone: Europe/Paris}"
    assert runs(text, after=pendulum.datetime(2026, 3, 28)) == ["2026-03-28 05:00", "2026-03-29 04:00"]


@pytest.mark.parametrize("text", [text for text, _ in TIMES.values()], ids=list(TIMES))
def test_a_schedule_built_twice_is_the_same_and_serializable(text: str) -> None:
    first, second = (ScheduleSchema().dump(flow_of(text).build_schedule()) for _ in range(2))
    assert first == second
    assert first["clocks"]


def test_each_clock_has_its_parameters_and_labels() -> None:
    schedule = flow_of(
        """
        parameters: {a: 1, b: 1}
        labels: [shared]
        clocks:
          - cron: "0 6 * * *"
          - {interval: 4h, parameters: {b: 2}, labels: [own]}
        """
    ).build_schedule()
    assert schedule is not None
    assert [clock.parameter_defaults for clock in schedule.clocks] == [{"a": 1, "b": 1}, {"a": 1, "b": 2}]
    assert [clock.labels for clock in schedule.clocks] == [["shared"], ["own"]]


def test_dates_in_parameters_are_the_strings_that_omegaconf_reads() -> None:
    period = "{start: 2023-11-01, rows: 3}"
    moment = "2023-11-01T06:00:00"
    parameters = f"{{day: 2023-11-01, days: [2023-11-01], period: {period}, moment: {moment}}}"
    given = yaml.safe_load(parameters)
    assert given["day"] == datetime.date(2023, 11, 1), "as Kedro before OmegaConf reads it"
    for text in (
        f"{{cron: '0 6 * * *', parameters: {parameters}}}",
        f"{{clocks: [{{cron: '0 6 * * *', parameters: {parameters}}}]}}",
        f"{{parameters: {parameters}, clocks: [{{cron: '0 6 * * *'}}]}}",
    ):
        schedule = flow_of(text).build_schedule()
        assert schedule is not None
        clock = ScheduleSchema().dump(schedule)["clocks"][0]
        assert json.loads(json.dumps(clock["parameter_defaults"])) == {
            "day": "2023-11-01",
            "days": ["2023-11-01"],
            "period": {"start": "2023-11-01", "rows": 3},
            "moment": "2023-11-01T06:00:00",
        }


INVALID = {
    "cron": (
        "{cron: '0 66 * * *'}",
        "schedule.cron: invalid cron expression '0 66 * * *'",
        "minute, hour, day of month",
    ),
    "cron fields": ("{cron: '0 6'}", "schedule.cron: invalid cron expression '0 6'", "'0 6 * * 1-5'"),
    "cron in clocks": (
        "{clocks: [{interval: 1h}, {cron: x}]}",
        "schedule.clocks[1].cron: invalid cron expression 'x'",
        "",
    ),
    "zone": (
        "{interval: 1h, timezone: Europe/Pariss}",
        "schedule.timezone: unknown",
        "Did you mean 'Europe/Paris'?",
    ),
    "short": ("{interval: 30}", "schedule.interval: found 30 seconds, expected at least 60", ""),
    "rule": ("{rrule: 'FREQ=OFTEN'}", "schedule.rrule: invalid recurrence rule 'FREQ=OFTEN'", "FREQ=WEEKLY"),
    "no date within limits": (
        "{dates: [2026-05-02], end_date: 2026-05-01}",
        "schedule.dates: no date is between start_date and end_date",
        "never run",
    ),
    "no rule": ("{rrule: daily}", "schedule.rrule: invalid recurrence rule 'daily'", "FREQ=WEEKLY"),
}


@pytest.mark.parametrize(("text", "problem", "hint"), INVALID.values(), ids=INVALID)
def test_invalid_schedules(text: str, problem: str, hint: str) -> None:
    flow = flow_of(text)
    with pytest.raises(ConfigError) as raised:
        flow.build_schedule()
    assert str(raised.value).startswith(f"conf/base/prefect.yml, flows.a.{problem}")
    assert hint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("interval", [0, -60, "0s"])
def test_an_interval_must_be_positive(interval: object) -> None:
    with pytest.raises(ConfigError, match=r"flows\.a\.schedule\.interval: found"):
        parse_config({"flows": {"a": {"schedule": {"interval": interval}}}})


def test_dates_that_yaml_reads_as_dates() -> None:
    dates = [datetime.date(2026, 5, 2), datetime.datetime(2026, 5, 1, 6)]
    flow = parse_config({"flows": {"a": {"schedule": {"dates": dates}}}}).flows["a"]
    schedule = flow.build_schedule()
    assert schedule is not None
    assert len(schedule.next(3, after=AFTER)) == 2
