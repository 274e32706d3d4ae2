"""Schedules create runs: ten ahead, each once, with the parameters and labels of their clocks."""

from __future__ import annotations

import datetime
import itertools
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pendulum
import pytest
from dateutil.rrule import rruleset, rrulestr
from prefect.schedules import CronSchedule, IntervalSchedule, Schedule
from prefect.schedules.clocks import CronClock, DatesClock, IntervalClock, RRuleClock
from prefect.schedules.filters import is_weekday
from prefect.serialization.schedule import ScheduleSchema

from kedro_prefect_hooks.embedded.operations import due_times, recurrence, scheduled_runs
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.embedded.services import scheduler
from kedro_prefect_hooks.embedded.settings import Settings
from kedro_prefect_hooks.embedded.storage.values import SECOND, new_id, parse_timestamp
from tests.embedded.conftest import Caller, Seed
from tests.statements import Statements

START = parse_timestamp("2026-11-23T10:02:00+00:00")
MINUTE = 60 * SECOND


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> int:
        self.time += 1
        return self.time


class World:
    """An API whose clock the test sets."""

    def __init__(self, server: EmbeddedServer, clock: Clock) -> None:
        self.api, self.clock, self.database = Caller(server.url), clock, server.database
        self.seed = Seed(self.api)
        self.project_id = self.seed.project("p")

    def register(self, schedule: Any, **more: Any) -> str:
        serialized = ScheduleSchema().dump(schedule) if schedule else None
        return self.seed.flow(self.project_id, "f", schedule=serialized, **more)

    def runs(self, flow_id: str) -> List[Dict[str, Any]]:
        query = f"""{{ flow_by_pk(id: "{flow_id}") {{
            flow_runs(order_by: [{{scheduled_start_time: asc}}, {{labels: asc}}]) {{
                id scheduled_start_time idempotency_key auto_scheduled state labels parameters
            }}
        }} }}"""
        found: List[Dict[str, Any]] = self.api.data(query)["flow_by_pk"]["flow_runs"]
        return found

    def times(self, flow_id: str) -> List[str]:
        return [run["scheduled_start_time"][:16] for run in self.runs(flow_id)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = Clock()
    with EmbeddedServer(tmp_path / "api.sqlite", services=False, settings=Settings(clock=clock)) as server:
        yield World(server, clock)


def test_ten_runs_are_created_ahead_each_once(world: World) -> None:
    flow_id = world.register(CronSchedule("*/5 * * * *"))
    first = world.times(flow_id)
    assert first == [f"2026-11-23T10:{minute:02d}" for minute in range(5, 55, 5)]
    runs = world.runs(flow_id)
    assert runs[0]["idempotency_key"] == "auto-scheduled:2026-11-23T10:05:00+00:00"
    assert all(run["auto_scheduled"] and run["state"] == "Scheduled" for run in runs)
    assert scheduler.run(world.database) == 0
    world.clock.time += 11 * MINUTE
    assert scheduler.run(world.database) == 2
    assert world.times(flow_id) == [*first, "2026-11-23T10:55", "2026-11-23T11:00"]


def test_pausing_a_schedule_deletes_its_waiting_runs(world: World) -> None:
    flow_id = world.register(CronSchedule("*/5 * * * *"))
    done, asked = world.runs(flow_id)[0]["id"], world.seed.run(flow_id)
    world.seed.flow_state(done, "Success")
    assert world.api.do("set_schedule_inactive", {"flow_id": flow_id}) is True
    assert {run["id"] for run in world.runs(flow_id)} == {done, asked}
    assert scheduler.run(world.database) == 0
    world.clock.time += 60 * MINUTE
    assert world.api.do("set_schedule_active", {"flow_id": flow_id}) is True
    assert len(world.runs(flow_id)) == 12


def test_only_the_current_version_is_scheduled(world: World) -> None:
    old = world.register(CronSchedule("*/5 * * * *"))
    new = world.register(CronSchedule("*/30 * * * *"))
    assert world.runs(old) == []
    assert world.times(new)[:2] == ["2026-11-23T10:30", "2026-11-23T11:00"]
    assert scheduler.run(world.database) == 0


def test_a_flow_without_a_schedule_is_not_switched_on(world: World) -> None:
    flow_id = world.register(None)
    assert world.api.do("set_schedule_active", {"flow_id": flow_id}) is False
    assert world.api.do("set_schedule_active", {"flow_id": world.project_id}) is False


def test_a_schedule_must_give_required_parameters(world: World) -> None:
    required = [{"name": "x", "slug": "x", "required": True, "default": None}]
    clock = CronClock("*/5 * * * *")
    flow_id = world.register(Schedule(clocks=[clock]), parameters=required)
    assert world.runs(flow_id) == []
    message = world.api.fails("set_schedule_active", {"flow_id": flow_id})
    assert message == "Can not schedule a flow that has required parameters."
    given = CronClock("*/5 * * * *", parameter_defaults={"x": 1})
    flow_id = world.register(Schedule(clocks=[given]), parameters=required)
    assert {run["parameters"]["x"] for run in world.runs(flow_id)} == {1}


def _at(hour: int, minute: int = 0) -> pendulum.DateTime:
    return pendulum.datetime(2026, 11, 23, hour, minute)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (
            IntervalSchedule(interval=datetime.timedelta(hours=1), start_date=_at(9, 30)),
            ["23T10:30", "23T11:30"],
        ),
        (
            Schedule(clocks=[RRuleClock(rrulestr("FREQ=HOURLY;BYMINUTE=15", dtstart=_at(9)))]),
            ["23T10:15", "23T11:15"],
        ),
        (Schedule(clocks=[DatesClock([_at(9), _at(12)])]), ["23T12:00"]),
        (Schedule(clocks=[CronClock("0 6 * * *")], filters=[is_weekday]), ["24T06:00", "25T06:00"]),
        (CronSchedule("0 6 * * *", start_date=_at(0)), ["24T06:00", "25T06:00"]),
    ],
)
def test_every_kind_of_clock(world: World, schedule: Any, expected: List[str]) -> None:
    found = [time[8:] for time in world.times(world.register(schedule))]
    assert found[: len(expected)] == expected
    assert len(found) <= 10


def test_a_schedule_follows_daylight_saving_time(world: World) -> None:
    start = pendulum.datetime(2026, 1, 1, tz="Europe/Paris")
    world.clock.time = parse_timestamp("2026-10-23T12:00:00Z")
    flow_id = world.register(CronSchedule("0 6 * * *", start_date=start))
    # Daylight saving time ends on the 25th.
    assert world.times(flow_id)[:3] == ["2026-10-24T04:00", "2026-10-25T05:00", "2026-10-26T05:00"]


def test_clocks_with_parameters_and_labels_run_at_the_same_time(world: World) -> None:
    clocks = [
        IntervalClock(
            datetime.timedelta(hours=1), start_date=_at(9), labels=[name], parameter_defaults={"x": name}
        )
        for name in ("a", "b")
    ]
    flow_id = world.register(Schedule(clocks=clocks))
    found = [(r["scheduled_start_time"][11:16], r["labels"], r["parameters"]) for r in world.runs(flow_id)]
    assert found[:4] == [
        ("11:00", ["a"], {"x": "a"}),
        ("11:00", ["b"], {"x": "b"}),
        ("12:00", ["a"], {"x": "a"}),
        ("12:00", ["b"], {"x": "b"}),
    ]
    assert scheduler.run(world.database) == 0
    assert len({run["idempotency_key"] for run in world.runs(flow_id)}) == 20


def test_the_schedule_of_the_group_overrides_the_flows_own(world: World) -> None:
    flow_id = world.register(CronSchedule("*/5 * * * *"))
    group_id = world.api.data("{ flow_group { id } }")["flow_group"][0]["id"]
    given = {"flow_group_id": group_id, "cron_clocks": [{"cron": "0 12 * * *"}], "timezone": "Asia/Tokyo"}
    assert world.api.do("set_flow_group_schedule", given) is True
    assert world.times(flow_id)[:2] == ["2026-11-24T03:00", "2026-11-25T03:00"]
    hourly = {
        "flow_group_id": group_id,
        "interval_clocks": [{"interval": 3600, "parameter_defaults": {"x": 1}}],
    }
    assert world.api.do("set_flow_group_schedule", hourly) is True
    assert world.runs(flow_id)[0]["parameters"] == {"x": 1}
    assert world.api.do("delete_flow_group_schedule", {"flow_group_id": group_id}) is True
    scheduler.run(world.database)
    assert world.times(flow_id)[0] == "2026-11-23T10:05"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cron_clocks": [{"cron": "not a cron"}]}, "Invalid clock provided for schedule: "),
        (
            {"cron_clocks": [], "timezone": "Mars/Olympus"},
            "Invalid timezone provided for schedule: Mars/Olympus",
        ),
    ],
)
def test_an_invalid_schedule_is_refused(world: World, given: Any, message: str) -> None:
    world.register(CronSchedule("*/5 * * * *"))
    group_id = world.api.data("{ flow_group { id } }")["flow_group"][0]["id"]
    assert world.api.fails("set_flow_group_schedule", {"flow_group_id": group_id, **given}).startswith(
        message
    )


def test_one_flow_with_a_bad_schedule_does_not_stop_the_others(world: World) -> None:
    good = world.register(CronSchedule("*/5 * * * *"))
    bad = world.seed.flow(
        world.project_id, "bad", schedule={"clocks": [{"type": "NoClock"}], "type": "Schedule"}
    )
    assert world.runs(bad) == []
    world.clock.time += 11 * MINUTE
    assert scheduler.run(world.database) == 2
    assert len(world.runs(good)) == 12


def test_simultaneous_schedulers_create_each_run_once(world: World) -> None:
    flow_id = world.register(CronSchedule("*/5 * * * *"))
    for _ in range(5):
        world.clock.time += 50 * MINUTE
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: scheduled_runs.schedule_runs(world.database, [flow_id]), range(4)))
    times = world.times(flow_id)
    assert len(times) == len(set(times)) == 60


def test_a_pass_costs_the_same_however_many_flows_there_are(world: World) -> None:
    counts = []
    for names in (["a", "b"], ["c", "d", "e", "f", "g", "h"]):
        for name in names:
            serialized = ScheduleSchema().dump(CronSchedule("*/5 * * * *"))
            world.seed.flow(world.project_id, name, schedule=serialized)
        with Statements() as nothing:
            assert scheduler.run(world.database) == 0
        world.clock.time += 5 * MINUTE
        with Statements() as one_each:
            made = scheduler.run(world.database)
        counts.append((nothing.count, nothing.transactions, one_each.count, one_each.transactions, made))
    (few, many) = counts
    assert few[:4] == many[:4]
    assert (few[1], few[3], few[4], many[4]) == (0, 1, 2, 8)


def test_the_runs_of_a_large_flow_are_created_in_several_transactions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled_runs, "_MOST_TASK_RUNS", 6)
    flow_id = world.register(CronSchedule("*/5 * * * *"))
    assert len(world.times(flow_id)) == 10
    world.clock.time += 50 * MINUTE
    with Statements() as counted:
        assert scheduler.run(world.database) == 10
    assert counted.transactions == 5
    assert len(set(world.times(flow_id))) == 20
    counts = "{ flow_run { state version task_runs_aggregate { aggregate { count } } states { state } } }"
    runs = world.api.data(counts)["flow_run"]
    expected = {"state": "Scheduled", "version": 1, "states": [{"state": "Scheduled"}]}
    assert all(run == {**expected, "task_runs_aggregate": {"aggregate": {"count": 2}}} for run in runs)


def test_runs_of_a_schedule_that_was_changed_meanwhile_are_not_created(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_id = world.register(CronSchedule("0 * * * *"))
    group_id = world.api.data("{ flow_group { id } }")["flow_group"][0]["id"]
    world.clock.time += 10 * 60 * MINUTE
    own = due_times.next_events
    changed: List[str] = []

    def changing(*arguments: Any) -> Any:
        events = own(*arguments)
        if not changed:
            changed.append(flow_id)
            clocks = [{"cron": "*/5 * * * *"}]
            world.api.do("set_flow_group_schedule", {"flow_group_id": group_id, "cron_clocks": clocks})
        return events

    monkeypatch.setattr(due_times, "next_events", changing)
    assert scheduler.run(world.database) == 0
    assert world.times(flow_id) == [f"2026-11-23T20:{minute:02d}" for minute in range(5, 55, 5)]


def test_runs_that_were_cancelled_are_not_counted_as_waiting(world: World) -> None:
    flow_id = world.register(CronSchedule("*/5 * * * *"))
    group_id = world.api.data("{ flow_group { id } }")["flow_group"][0]["id"]
    for run in world.runs(flow_id):
        world.api.do("cancel_flow_run", {"flow_run_id": run["id"]}, "state")
    hourly = {"flow_group_id": group_id, "cron_clocks": [{"cron": "0 * * * *"}]}
    assert world.api.do("set_flow_group_schedule", hourly) is True
    assert world.times(flow_id)[9:12] == ["2026-11-23T10:50", "2026-11-23T11:00", "2026-11-23T12:00"]


def test_ids_follow_each_other() -> None:
    found = [new_id() for _ in range(5_000)]
    assert len(set(found)) == len(found)
    assert {uuid.UUID(each).version for each in found} == {7}
    assert {str(uuid.UUID(each)) == each for each in found} == {True}
    # Two within a quarter of a microsecond are in any order.
    assert sum(one > other for one, other in zip(found, found[1:])) < 50


def test_a_plain_clock_runs_beside_one_with_parameters_at_the_same_minute(world: World) -> None:
    clocks = [CronClock("*/5 * * * *", parameter_defaults={"x": 1}), CronClock("0 * * * *")]
    flow_id = world.register(Schedule(clocks=clocks))
    for _ in range(30):
        scheduler.run(world.database)
        world.clock.time += 4 * MINUTE
    plain = [run["scheduled_start_time"][11:16] for run in world.runs(flow_id) if run["parameters"] == {}]
    assert plain[:4] == ["11:00", "12:00", "13:00", "14:00"]


def test_each_of_many_clocks_has_its_runs_ahead(world: World) -> None:
    clocks = [CronClock(f"{minute} * * * *") for minute in range(30)] + [CronClock("0 6 1 1 *")]
    flow_id = world.register(Schedule(clocks=clocks))
    times = world.times(flow_id)
    assert len(times) == len(set(times)) == 310
    assert sum(time.endswith("-01-01T06:00") for time in times) == 10
    with Statements() as counted:
        assert scheduler.run(world.database) == 0
    assert counted.transactions == 0
    world.clock.time += 60 * MINUTE
    assert scheduler.run(world.database) == 30


def test_clocks_that_share_times_create_each_run_once_and_write_nothing_more(world: World) -> None:
    flow_id = world.register(Schedule(clocks=[CronClock("*/5 * * * *"), CronClock("*/10 * * * *")]))
    times = world.times(flow_id)
    assert len(times) == len(set(times)) == 15
    with Statements() as counted:
        assert scheduler.run(world.database) == 0
    assert counted.transactions == 0


def _rules() -> List[str]:
    return [
        "FREQ=SECONDLY;INTERVAL=37",
        "FREQ=SECONDLY;INTERVAL=7;BYSECOND=0,30",
        "FREQ=MINUTELY;INTERVAL=11;BYHOUR=3,4",
        "FREQ=HOURLY;INTERVAL=5",
        "FREQ=HOURLY;INTERVAL=7;BYDAY=MO,TU",
        "FREQ=HOURLY;INTERVAL=7;BYHOUR=2,9,16",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=DAILY;INTERVAL=2;BYMONTHDAY=-1,5",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU;WKST=SU",
        "FREQ=WEEKLY;INTERVAL=2",
        "FREQ=MONTHLY;INTERVAL=5",
        "FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1",
        "FREQ=MONTHLY;INTERVAL=8;BYMONTHDAY=31",
        "FREQ=YEARLY;INTERVAL=3",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "FREQ=YEARLY;BYDAY=20MO",
        "FREQ=DAILY;COUNT=2000;INTERVAL=2",
        "FREQ=DAILY;UNTIL=20261201T000000",
    ]


@pytest.mark.parametrize("rule", _rules())
def test_a_rule_that_is_walked_from_now_recurs_as_from_its_start(rule: str) -> None:
    after = datetime.datetime(2026, 11, 23, 10, 2, tzinfo=datetime.timezone.utc)
    naive = after.replace(tzinfo=None)
    starts = [datetime.datetime(2024, 2, 29, 13, 7, 5), datetime.datetime(2025, 1, 31)]
    if re.search("SECONDLY|MINUTELY|HOURLY", rule):
        # From its start, dateutil itself would take seconds.
        starts = [datetime.datetime(2026, 11, 9, 13, 7, 5), datetime.datetime(2026, 10, 31)]
    for start in starts:
        parsed = rrulestr(rule, dtstart=start)
        expected = list(itertools.islice(parsed.xafter(naive), 8))
        assert expected
        assert list(itertools.islice(recurrence.bounded(parsed, after).xafter(naive), 8)) == expected


def test_a_rule_for_each_second_is_walked_from_now(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "WALK_SECONDS", 60)  # on a machine with much else to do
    rule = rrulestr("FREQ=SECONDLY", dtstart=datetime.datetime(2019, 1, 1))
    flow_id = world.register(Schedule(clocks=[RRuleClock(rule)]))
    assert world.runs(flow_id)[0]["scheduled_start_time"] == "2026-11-23T10:02:01+00:00"


def test_rules_that_exclude_each_other_are_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "WALK_SECONDS", 0.2)
    never = rruleset()
    never.rrule(rrulestr("FREQ=SECONDLY", dtstart=datetime.datetime(2019, 1, 1)))
    never.exrule(rrulestr("FREQ=SECONDLY", dtstart=datetime.datetime(2019, 1, 1)))
    good = world.seed.flow(
        world.project_id, "good", schedule=ScheduleSchema().dump(CronSchedule("*/5 * * * *"))
    )
    assert world.runs(world.register(Schedule(clocks=[RRuleClock(never)]))) == []
    for text in (
        "FREQ=SECONDLY;COUNT=2000000000",
        "FREQ=SECONDLY;BYHOUR=3;BYMINUTE=1;BYSECOND=1;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYWEEKNO=53;BYEASTER=0",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    ):
        rule = rrulestr(text, dtstart=datetime.datetime(2019, 1, 1))
        assert world.runs(world.register(Schedule(clocks=[RRuleClock(rule)]))) == []
    walked: List[int] = []
    walk = due_times._walk
    monkeypatch.setattr(due_times, "_walk", lambda *given: walked.append(1) or walk(*given))
    world.clock.time += 5 * MINUTE
    assert scheduler.run(world.database) == 1
    assert len(world.runs(good)) == 11
    # Nobody waits for the others again, within an hour.
    assert len(walked) == 1


def test_a_schedule_that_has_come_to_an_end_is_walked_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_id = world.register(Schedule(clocks=[DatesClock([_at(9), _at(12), _at(13)])]))
    walked: List[int] = []
    monkeypatch.setattr(due_times, "_walk", lambda *_: walked.append(1))
    for _ in range(5):
        world.clock.time += 60 * MINUTE
        assert scheduler.run(world.database) == 0
    assert walked == []
    assert world.times(flow_id) == ["2026-11-23T12:00", "2026-11-23T13:00"]
