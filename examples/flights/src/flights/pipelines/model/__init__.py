"""Could one have known? A model of lateness from what is known before departure."""

from flights.pipelines.model.pipeline import create_pipeline

__all__ = ["create_pipeline"]
