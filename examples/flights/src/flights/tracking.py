"""The model's scores as metrics of an MLflow run, if kedro-mlflow is installed.

kedro-mlflow adds its own hook to every project. It opens one MLflow run for each Kedro run, under Prefect for
each flow run, and logs the parameters of each node. Of metrics, it logs those that the catalog declares as
datasets of MLflow. Here, `model_metrics` stays a JSON file, which the report can load without MLflow.
"""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl


class TrackMetrics:
    """Logs `model_metrics` to the MLflow run that kedro-mlflow has opened."""

    @hook_impl
    def after_node_run(self, outputs: dict[str, Any]) -> None:
        """Called where the node runs, and while the MLflow run is open."""
        if "model_metrics" not in outputs:
            return
        import mlflow

        if mlflow.active_run():  # none for pipelines that mlflow.yml excludes
            mlflow.log_metrics(outputs["model_metrics"])
