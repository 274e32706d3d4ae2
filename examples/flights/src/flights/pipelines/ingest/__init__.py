"""Clean the five raw tables and join them into one row per flight."""

from flights.pipelines.ingest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
