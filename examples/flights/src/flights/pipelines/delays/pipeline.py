"""The delays pipeline: `flights_enriched` in, one small table per question out."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from flights.pipelines.delays import nodes


def create_pipeline() -> Pipeline:
    """Create six tables that do not depend on each other."""
    return Pipeline(
        [
            node(
                nodes.delays_by_carrier,
                ["flights_enriched", "params:late_minutes"],
                "delays_by_carrier",
                name="delays_by_carrier",
            ),
            node(
                nodes.delays_by_month,
                ["flights_enriched", "params:late_minutes"],
                "delays_by_month",
                name="delays_by_month",
            ),
            node(
                nodes.delays_by_month_and_hour,
                ["flights_enriched", "params:late_minutes"],
                "delays_by_month_and_hour",
                name="delays_by_month_and_hour",
            ),
            node(
                nodes.delays_by_visibility,
                ["flights_enriched", "params:late_minutes"],
                "delays_by_visibility",
                name="delays_by_visibility",
            ),
            node(
                nodes.delays_by_destination,
                ["flights_enriched", "params:late_minutes", "params:delays.min_flights"],
                "delays_by_destination",
                name="delays_by_destination",
            ),
            node(
                nodes.find_worst_days,
                ["flights_enriched", "params:late_minutes", "params:delays.worst_days"],
                "worst_days",
                name="find_worst_days",
            ),
        ],
        tags="delays",
    )
