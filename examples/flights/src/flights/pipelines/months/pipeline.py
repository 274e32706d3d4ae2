"""The months pipeline: `flights_enriched` in, the routes of each month and the worst of them out."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from flights.pipelines.months import nodes


def create_pipeline() -> Pipeline:
    """Split the flights by month, count each month's routes, and list the worst ones."""
    return Pipeline(
        [
            node(nodes.split_by_month, "flights_enriched", "flights_by_month", name="split_by_month"),
            node(
                nodes.count_routes,
                ["flights_by_month", "params:late_minutes"],
                "routes_by_month",
                name="count_routes",
            ),
            node(
                nodes.find_worst_routes,
                ["routes_by_month", "params:months.min_flights", "params:months.worst_routes"],
                "worst_by_month",
                name="find_worst_routes",
            ),
            node(nodes.list_worst_routes, "worst_by_month", "worst_routes", name="list_worst_routes"),
        ],
        tags="months",
    )
