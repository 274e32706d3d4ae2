"""The example project alone: a plain `kedro run` on the real tables, and its outputs."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pandas as pd
import pytest

# Counted once in the raw tables, with a script that shares nothing with the project.
FLIGHTS, CANCELLED, ARRIVED, LATE = 336_776, 8_255, 327_346, 80_100


@pytest.fixture
def log(example: Path) -> str:
    """Return the output of a plain `kedro run` of the example."""
    return (example / ".kedro_prefect" / "demo" / "1-kedro-run.log").read_text(encoding="utf-8")


@pytest.fixture
def outputs(example: Path) -> Path:
    """Return the folder that the plain run wrote."""
    return example / "data" / "local"


def _newest(versioned: Path) -> Path:
    return max(versioned.iterdir()) / versioned.name


def test_every_node_runs_and_is_logged(log: str) -> None:
    assert "Completed 21 out of 21 tasks" in log
    assert "Read 336,776 flights, 8,255 of them cancelled" in log


def test_a_plain_run_registers_nothing(log: str) -> None:
    assert "flight-delays" not in log


def test_no_telemetry_is_sent(example: Path) -> None:
    # kedro-telemetry writes a project id here if it has consent.
    assert "kedro_telemetry" not in (example / "pyproject.toml").read_text(encoding="utf-8")


def test_every_flight_is_in_the_joined_table(outputs: Path) -> None:
    flights = pd.read_parquet(outputs / "03_primary" / "flights_enriched.parquet")
    assert len(flights) == FLIGHTS
    assert flights["airline"].notna().all()
    assert flights["temperature"].notna().mean() > 0.99


@pytest.mark.parametrize("what", ["carrier", "month", "month_and_hour"])
def test_the_tables_add_up(outputs: Path, what: str) -> None:
    table = pd.read_csv(outputs / "08_reporting" / f"delays_by_{what}.csv")
    sums = table[["flights", "cancelled", "arrived", "late"]].sum()
    assert sums.tolist() == [FLIGHTS, CANCELLED, ARRIVED, LATE]


def test_the_model_beats_the_baseline_on_days_it_has_not_seen(outputs: Path) -> None:
    metrics = json.loads(_newest(outputs / "08_reporting" / "model_metrics.json").read_text(encoding="utf-8"))
    assert metrics["model_roc_auc"] > metrics["baseline_roc_auc"] + 0.03
    assert metrics["model_brier"] < metrics["baseline_brier"]


def test_the_versioned_datasets_share_one_version(outputs: Path) -> None:
    model, metrics = (
        outputs / "06_models" / "delay_model.pickle",
        outputs / "08_reporting" / "model_metrics.json",
    )
    assert [path.name for path in model.iterdir()] == [path.name for path in metrics.iterdir()]
    with _newest(model).open("rb") as file:
        assert pickle.load(file).predict_proba


def test_the_report_shows_both_plots(outputs: Path) -> None:
    page = (outputs / "08_reporting" / "report.md").read_text(encoding="utf-8")
    assert "336,776 flights" in page
    for name in ("delay_plot.png", "model_plot.png"):
        assert f"({name})" in page
        picture = (outputs / "08_reporting" / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 50_000
