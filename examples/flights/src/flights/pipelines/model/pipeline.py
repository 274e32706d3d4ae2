"""The model pipeline: `flights_enriched` in; a model, its scores and its most important features out."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from flights.pipelines.model import nodes


def create_pipeline() -> Pipeline:
    """Split the data, train a model and a baseline, and evaluate both."""
    return Pipeline(
        [
            node(
                nodes.select_features,
                ["flights_enriched", "params:model.features", "params:late_minutes"],
                "model_input",
                name="select_features",
            ),
            node(
                nodes.split_days,
                ["model_input", "params:model.test_size", "params:model.seed"],
                ["train_set", "test_set"],
                name="split_days",
            ),
            node(
                nodes.train_model,
                ["train_set", "params:model.features", "params:model.trees", "params:model.seed"],
                "delay_model",
                name="train_model",
                tags="slow",
            ),
            node(nodes.train_baseline, "train_set", "baseline_rates", name="train_baseline"),
            node(
                nodes.predict_test_days,
                ["delay_model", "baseline_rates", "test_set", "params:model.features"],
                "predictions",
                name="predict_test_days",
            ),
            node(nodes.evaluate_model, "predictions", "model_metrics", name="evaluate_model"),
            node(
                nodes.rank_features,
                [
                    "delay_model",
                    "test_set",
                    "params:model.features",
                    "params:model.importance",
                    "params:model.seed",
                ],
                "feature_importance",
                name="rank_features",
                tags="slow",
            ),
        ],
        tags="model",
    )
