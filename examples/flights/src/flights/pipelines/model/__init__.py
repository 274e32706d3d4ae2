"""Can delays be predicted? A model that uses only what is known before departure."""

from flights.pipelines.model.pipeline import create_pipeline

__all__ = ["create_pipeline"]
