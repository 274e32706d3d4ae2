"""Two pictures and a page to read."""

from flights.pipelines.report.pipeline import create_pipeline

__all__ = ["create_pipeline"]
