"""Which flights are late: by airline, time, destination and weather."""

from flights.pipelines.delays.pipeline import create_pipeline

__all__ = ["create_pipeline"]
