"""Clean the five raw tables and join them into one row a flight."""

from flights.pipelines.ingest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
