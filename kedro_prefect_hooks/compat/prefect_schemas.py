"""Prefect's schemas of schedules, storages and run configs, each created once.

Prefect creates the schema of a clock, a storage or a run config for each one that it serializes or reads, and
that takes much longer than using it. The results are the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from marshmallow import fields
from prefect.serialization.run_config import RunConfigSchema
from prefect.serialization.schedule import ClockSchema, ScheduleSchema
from prefect.serialization.storage import StorageSchema


def _created(schemas: Any) -> Any:
    return {name: schema() for name, schema in schemas.items()}


class _Clocks(ClockSchema):
    type_schemas = _created(ClockSchema.type_schemas)


class _Schedules(ScheduleSchema):
    clocks = fields.Nested(_Clocks, required=True, many=True)


class _Storages(StorageSchema):
    type_schemas = _created(StorageSchema.type_schemas)


class _RunConfigs(RunConfigSchema):
    type_schemas = _created(RunConfigSchema.type_schemas)


@lru_cache(maxsize=None)
def schedule_schema() -> Any:
    """Like Prefect's `ScheduleSchema()`."""
    return _Schedules()


@lru_cache(maxsize=None)
def storage_schema() -> Any:
    """Like Prefect's `StorageSchema()`."""
    return _Storages()


@lru_cache(maxsize=None)
def run_config_schema() -> Any:
    """Like Prefect's `RunConfigSchema()`."""
    return _RunConfigs()
