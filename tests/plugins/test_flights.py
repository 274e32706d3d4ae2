"""The example project beside kedro-mlflow: a flow run leaves one MLflow run, with parameters and metrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.example.conftest import copy_of_the_example, run_python

pytest.importorskip("kedro_mlflow", reason="kedro-mlflow is not installed: install the extra [plugins]")


def test_a_flow_run_of_the_example_is_one_mlflow_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    project = copy_of_the_example(tmp_path)
    flow_run = ["prefect", "run", "flight-delays", "--local", "--param", "model.test_size=0.3"]
    run_python(project, "-m", "kedro", *flow_run)

    monkeypatch.chdir(project)
    client = mlflow.MlflowClient("sqlite:///mlflow.db")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    (run,) = client.search_runs(experiments)
    assert run.info.status == "FINISHED"
    assert run.data.params["model.test_size"] == "0.3"
    assert run.data.params["late_minutes"] == "15"
    assert run.data.metrics["model_roc_auc"] > run.data.metrics["baseline_roc_auc"]
    assert len(run.data.metrics) == 6
