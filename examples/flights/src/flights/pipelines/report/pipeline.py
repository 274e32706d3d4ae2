"""The report pipeline: tables and scores in, two plots and a Markdown page out."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from flights.pipelines.report import nodes


def create_pipeline() -> Pipeline:
    """Create two plots and the page that shows them."""
    return Pipeline(
        [
            node(
                nodes.plot_delays,
                ["delays_by_month_and_hour", "delays_by_carrier", "params:late_minutes"],
                "delay_plot",
                name="plot_delays",
                tags="plot",
            ),
            node(
                nodes.plot_model,
                ["predictions", "feature_importance", "model_metrics"],
                "model_plot",
                name="plot_model",
                tags="plot",
            ),
            node(
                nodes.write_report,
                {
                    "by_month": "delays_by_month",
                    "by_carrier": "delays_by_carrier",
                    "by_visibility": "delays_by_visibility",
                    "by_destination": "delays_by_destination",
                    "worst_days": "worst_days",
                    "metrics": "model_metrics",
                    "importance": "feature_importance",
                    "late_minutes": "params:late_minutes",
                },
                "report",
                name="write_report",
            ),
        ],
        tags="report",
    )
