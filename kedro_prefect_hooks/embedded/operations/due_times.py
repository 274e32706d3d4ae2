"""When a schedule is due next: the one place where the embedded API imports Prefect, and only when called.

Schedules are stored as Prefect serialized them: with cron, interval, dates or rrule clocks, filters and
adjustments. Only Prefect can read all of these correctly.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

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


def next_events(schedule: Dict[str, Any], after: int, count: int) -> List[Event]:
    """The next `count` events of a serialized schedule after a time.

    Raises ValueError when Prefect cannot read it.
    """
    _prepare_prefect()
    import pendulum

    from kedro_prefect_hooks.compat.prefect_schemas import schedule_schema

    try:
        events = (
            schedule_schema()
            .load(schedule)
            .next(count, after=pendulum.instance(values.to_datetime(after)), return_events=True)
        )
    except Exception as error:
        # The exceptions of clocks and parsers have no common base class.
        raise ValueError(f"The schedule {schedule} cannot be read: {error}") from error
    return [
        Event(values.to_microseconds(event.start_time), event.parameter_defaults or None, event.labels)
        for event in events
    ]


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
