"""Who is late, when, where, and in what weather."""

from flights.pipelines.delays.pipeline import create_pipeline

__all__ = ["create_pipeline"]
