"""When a schedule is due next. The one place where the embedded API imports Prefect, and only when asked.

A schedule is what Prefect's own serialisation made of one: cron, interval, dates or rrule clocks, filters and
adjustments. Only Prefect reads them all right.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from kedro_prefect_hooks.embedded.storage import values


class Event(NamedTuple):
    """One time a schedule is due (microseconds), with what its clock gives the run."""

    start_time: int
    parameters: Optional[Dict[str, Any]]
    labels: Optional[List[str]]

    @property
    def is_particular(self) -> bool:
        """Whether it differs from another clock's run at the same time."""
        return bool(self.parameters) or self.labels is not None


def next_events(schedule: Dict[str, Any], after: int, count: int) -> List[Event]:
    """The next `count` events of a serialised schedule after a moment.

    Raises ValueError when it cannot be read.
    """
    _prepare_prefect()
    import pendulum
    from prefect.serialization.schedule import ScheduleSchema

    try:
        events = (
            ScheduleSchema()
            .load(schedule)
            .next(count, after=pendulum.instance(values.to_datetime(after)), return_events=True)
        )
    except Exception as error:
        # What third-party clocks and parsers raise has no common base.
        raise ValueError(f"The schedule {schedule} cannot be read: {error}") from error
    return [
        Event(values.to_microseconds(event.start_time), event.parameter_defaults or None, event.labels)
        for event in events
    ]


def check_clock(clock: Dict[str, Any]) -> None:
    """Raises ValueError for a clock that Prefect cannot read."""
    _prepare_prefect()
    from prefect.serialization.schedule import ClockSchema

    try:
        ClockSchema().load(clock)
    except Exception:
        raise ValueError(f"Invalid clock provided for schedule: {clock}") from None


def _prepare_prefect() -> None:
    """What must be in place before Prefect's schedules are read."""
    import kedro_prefect_hooks.compat.prefect  # noqa: F401
