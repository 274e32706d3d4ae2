"""The ingest pipeline: raw tables in, `flights_enriched` out."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from flights.pipelines.ingest import nodes


def create_pipeline() -> Pipeline:
    """Clean four tables independently, then join them."""
    return Pipeline(
        [
            node(nodes.clean_flights, "raw_flights", "flights", name="clean_flights"),
            node(nodes.clean_planes, ["raw_planes", "params:flight_year"], "planes", name="clean_planes"),
            node(
                nodes.clean_weather,
                ["raw_weather", "params:weather.fill_hours"],
                "weather",
                name="clean_weather",
            ),
            node(nodes.clean_airports, "raw_airports", "airports", name="clean_airports"),
            node(
                nodes.join_tables,
                ["flights", "planes", "weather", "airports", "raw_airlines"],
                "flights_enriched",
                name="join_tables",
            ),
        ],
        tags="ingest",
    )
