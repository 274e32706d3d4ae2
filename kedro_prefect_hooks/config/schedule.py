"""Models of `schedule:` in `prefect.yml`: when a flow runs automatically.

Knows nothing of Prefect's schedules and clocks: see `prefect.schedules`.
"""

from __future__ import annotations

from typing import List, Optional

from kedro_prefect_hooks.compat.pydantic_models import Field, PydanticCustomError, model_validator
from kedro_prefect_hooks.config.fields import DateTime, Duration, JsonValues, Model, Names
from kedro_prefect_hooks.config.messages import format_names

_MEANINGFUL = {
    "cron": ("start_date", "end_date", "day_or"),
    "interval": ("start_date", "end_date"),
    "rrule": ("start_date", "end_date"),
    "dates": ("start_date", "end_date"),
}
"""Which of the keys that limit a clock have an effect on it."""

CLOCKS = ("cron", "interval", "rrule", "dates")


class ClockConfig(Model):
    """One clock: exactly one of `cron`, `interval`, `rrule` and `dates`.

    Example:
        ```yaml
        cron: "0 6 * * 1-5"
        timezone: Europe/Paris
        start_date: 2026-01-01
        parameters: {model.test_size: 0.3}
        labels: [nightly]
        ```
    """

    cron: Optional[str] = Field(
        None, description="A cron expression of five fields.", examples=["0 6 * * *", "*/15 8-18 * * 1-5"]
    )
    interval: Optional[Duration] = Field(
        None, description="The time between two runs, at least a minute: seconds, or a string such as 90m."
    )
    rrule: Optional[str] = Field(
        None, description="An iCalendar recurrence rule.", examples=["FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=6"]
    )
    dates: Optional[List[DateTime]] = Field(None, min_length=1, description="The exact dates to run at.")
    timezone: Optional[str] = Field(
        None, description="An IANA time zone. Default: UTC.", examples=["Europe/Paris"]
    )
    start_date: Optional[DateTime] = Field(None, description="No runs before this date.")
    end_date: Optional[DateTime] = Field(None, description="No runs after this date.")
    day_or: Optional[bool] = Field(
        None,
        description="For cron: whether the day of month or the day of week must match (true, the default), "
        "or both (false).",
    )
    parameters: JsonValues = Field(
        default_factory=dict, description="Values of the flow's parameters in the runs of this clock."
    )
    labels: Names = Field(default_factory=list, description="Labels for the runs of this clock.")

    @property
    def clock(self) -> str | None:
        """Which of `cron`, `interval`, `rrule` and `dates` is given."""
        return next((name for name in CLOCKS if getattr(self, name) is not None), None)

    def _check_one_clock(self) -> None:
        given = [name for name in CLOCKS if getattr(self, name) is not None]
        if not given:
            raise PydanticCustomError(
                "no_clock", "found no time, expected one of {clocks}", {"clocks": format_names(CLOCKS)}
            )
        self._check_keys_without_effect(given[0])
        if len(given) > 1:
            raise PydanticCustomError(
                "many_clocks",
                "found {given} together, expected only one: give each its own entry under `clocks:`",
                {"given": " and ".join(given)},
            )
        if (
            self.start_date
            and self.end_date
            and self.start_date.replace(tzinfo=None) > self.end_date.replace(tzinfo=None)
        ):
            raise PydanticCustomError(
                "dates_reversed", "start_date is after end_date: the flow would never run"
            )

    def _check_keys_without_effect(self, clock: str) -> None:
        useless = [
            name
            for name in ("start_date", "end_date", "day_or")
            if getattr(self, name) is not None and name not in _MEANINGFUL.get(clock, (name,))
        ]
        if useless:
            raise PydanticCustomError(
                "useless_keys",
                "found {keys} beside `{clock}`, where it has no effect, expected {clock} without it",
                {"keys": format_names(f"`{name}`" for name in useless), "clock": clock},
            )
        if self.rrule is not None and self.start_date is not None and "DTSTART" in self.rrule.upper():
            raise PydanticCustomError(
                "two_starts", "found `start_date` beside a rule with DTSTART, expected one of them"
            )

    @model_validator(mode="after")
    def _validate_clocks(self) -> ClockConfig:
        self._check_one_clock()
        return self


class ScheduleConfig(ClockConfig):
    """When the flow runs automatically: one clock, or several under `clocks`.

    The time zone, dates, parameters and labels given beside `clocks` are defaults for each of them.

    Example:
        ```yaml
        schedule:
          timezone: Europe/Paris
          clocks:
            - cron: "0 6 * * *"
            - interval: 4h
              parameters: {model.test_size: 0.5}
              labels: [big-machine]
        ```
    """

    clocks: Optional[List[ClockConfig]] = Field(
        None, min_length=1, description="Several clocks, each with its own parameters and labels."
    )

    @model_validator(mode="before")
    @classmethod
    def _not_a_string(cls, value: object) -> object:
        if isinstance(value, str):
            raise PydanticCustomError(
                "schedule_string",
                "found {found}, expected a mapping: {example}",
                {
                    "found": repr(value),
                    "example": f'{{cron: "{value}"}}',
                },
            )
        return value

    def _check_one_clock(self) -> None:
        if self.clocks is None:
            super()._check_one_clock()
        elif self.clock is not None:
            raise PydanticCustomError(
                "clock_beside_clocks",
                "found `{clock}` beside `clocks`, expected one or the other: move it into `clocks`",
                {"clock": self.clock},
            )

    def merged_clocks(self) -> list[ClockConfig]:
        """The clocks, each with the settings given beside `clocks` as defaults."""
        if self.clocks is None:
            return [self]
        all_shared = self.model_dump(exclude_unset=True, exclude={"clocks"})
        merged = []
        for clock in self.clocks:
            limits = {"start_date", "end_date", "day_or"} - set(_MEANINGFUL[clock.clock or ""])
            shared = {name: value for name, value in all_shared.items() if name not in limits}
            own = clock.model_dump(exclude_unset=True)
            own["parameters"] = {**self.parameters, **clock.parameters}
            merged.append(ClockConfig.model_validate({**shared, **own}))
        return merged
