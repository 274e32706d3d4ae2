"""Which routes are late in which month: one partition per month."""

from flights.pipelines.months.pipeline import create_pipeline

__all__ = ["create_pipeline"]
