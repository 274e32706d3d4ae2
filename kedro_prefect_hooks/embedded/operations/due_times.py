"""When a schedule is due next: the one place where the embedded API imports Prefect, and only when called.

Schedules are stored as Prefect serialized them: with cron, interval, dates or rrule clocks, filters and
adjustments. Only Prefect can read all of these correctly.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, TypeVar

from kedro_prefect_hooks.embedded.storage import values


class Event(NamedTuple):
    """One time (in microseconds) at which a schedule is due, with its clock's parameters and labels."""

    start_time: int
    parameters: Optional[Dict[str, Any]]
    labels: Optional[List[str]]

    @property
    def has_overrides(self) -> bool:
        """Whether its run differs from that of another clock due at the same time."""
        return bool(self.parameters) or self.labels is not None


_MOST_KNOWN = 1_000
_Key = Tuple[str, int]
_Value = TypeVar("_Value")
_known: OrderedDict[_Key, Tuple[int, List[Event]]] = OrderedDict()
"""Schedules that come to an end: when they were walked, and all events that they still had then."""

_UNTIL_NEXT_TRY = 3600 * values.SECOND
_given_up: OrderedDict[_Key, Tuple[int, str]] = OrderedDict()
"""Schedules that could not be walked, and when: others must not wait for that at each pass."""


def next_events(schedule: Dict[str, Any], after: int, count: int) -> List[Event]:
    """The next `count` events of each clock of a serialized schedule after a time, in order.

    Raises ValueError when Prefect cannot read it, or cannot find them in time.
    """
    key = (values.canonical_json(schedule), count)
    known = _known.get(key)
    if known is not None and known[0] <= after:
        return [event for event in known[1] if event.start_time > after]
    given_up = _given_up.get(key)
    if given_up is not None and after < given_up[0] + _UNTIL_NEXT_TRY:
        raise ValueError(given_up[1])
    try:
        found, is_complete = _walk(schedule, after, count)
    except Exception as error:
        # The exceptions of clocks and parsers have no common base class.
        problem = f"The schedule {schedule} cannot be read: {error}"
        _remember(_given_up, key, (after, problem))
        raise ValueError(problem) from error
    if is_complete:
        # Looking for what does not exist takes longest.
        _remember(_known, key, (after, found))
    return found


def _remember(memory: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    memory[key] = value
    while len(memory) > _MOST_KNOWN:
        memory.popitem(last=False)


def _walk(serialized: Dict[str, Any], after: int, count: int) -> Tuple[List[Event], bool]:
    """The events, and whether there are no others after them."""
    _prepare_prefect()
    import pendulum
    from prefect.schedules import Schedule
    from prefect.schedules.clocks import RRuleClock

    from kedro_prefect_hooks.compat.prefect_schemas import schedule_schema
    from kedro_prefect_hooks.embedded.operations import recurrence

    schedule = schedule_schema().load(serialized)
    now = pendulum.instance(values.to_datetime(after))
    conditions = (schedule.filters, schedule.or_filters, schedule.not_filters)
    found: List[Event] = []
    is_complete = not any(conditions)
    for clock in schedule.clocks:
        if isinstance(clock, RRuleClock):
            first = now if clock.start_date is None else max(now, clock.start_date)
            clock.rrule_obj = recurrence.bounded(clock.rrule_obj, first)
        # Each clock for itself: those that are due often must not keep the others from having runs ahead.
        alone = Schedule([clock], *conditions, schedule.adjustments)
        events: List[Any] = alone.next(count, after=now, return_events=True)
        is_complete = is_complete and len(events) < count
        for event in events:
            start = values.to_microseconds(event.start_time)
            found.append(Event(start, event.parameter_defaults or None, event.labels))
    return sorted(found, key=lambda event: event.start_time), is_complete


def check_clock(clock: Dict[str, Any]) -> None:
    """Raise ValueError if Prefect cannot read a clock."""
    _prepare_prefect()
    from prefect.serialization.schedule import ClockSchema

    try:
        ClockSchema().load(clock)
    except Exception:
        raise ValueError(f"Invalid clock provided for schedule: {clock}") from None


def _prepare_prefect() -> None:
    """Apply the workarounds without which Prefect cannot load its schedules."""
    import kedro_prefect_hooks.compat.prefect  # noqa: F401
