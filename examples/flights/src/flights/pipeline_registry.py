"""The project's pipelines by name, for ``kedro run --pipeline`` and ``prefect.yml``."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from flights.pipelines import delays, ingest, model, months, report


def register_pipelines() -> dict[str, Pipeline]:
    """Return all pipelines, and the sum of those for the report as ``__default__``."""
    pipelines = {
        "ingest": ingest.create_pipeline(),
        "delays": delays.create_pipeline(),
        "model": model.create_pipeline(),
        "report": report.create_pipeline(),
    }
    default = sum(pipelines.values(), Pipeline([]))
    return {**pipelines, "months": months.create_pipeline(), "__default__": default}
