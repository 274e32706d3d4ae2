"""Predict before departure how likely a flight is to arrive late.

The departure delay is not used: the model sees only the timetable, the plane and the weather.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

logger = logging.getLogger(__name__)

BASELINE_KEYS = ["carrier", "hour"]

# A flow run executes several nodes in parallel. OpenMP's threads wait by spinning: on busy processors,
# training with all threads took seven times as long as with one.
ONE_THREAD = 1


def select_features(flights: pd.DataFrame, features: dict[str, list[str]], late_minutes: int) -> pd.DataFrame:
    """Return the flights that arrived, with the model's features, their date, and whether they were late."""
    arrived = flights[flights["arr_delay"].notna()]
    table = arrived[["date", *features["categories"], *features["numbers"]]].copy()
    table["late"] = (arrived["arr_delay"] >= late_minutes).astype("int8")
    logger.info("%s flights arrived, %.1f%% of them late", f"{len(table):,}", 100 * table["late"].mean())
    return table.reset_index(drop=True)


def split_days(model_input: pd.DataFrame, test_size: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the flights into whole days for training and whole days for testing.

    A single storm delays hundreds of flights on one day. If flights of the same day were in both sets, the
    model would be tested on days that it has already seen.
    """
    days = np.sort(model_input["date"].unique())
    test_days = np.random.default_rng(seed).choice(days, size=round(test_size * len(days)), replace=False)
    is_test = model_input["date"].isin(test_days)
    logger.info("Training on %d days, testing on %d", len(days) - len(test_days), len(test_days))
    return model_input[~is_test].reset_index(drop=True), model_input[is_test].reset_index(drop=True)


def train_model(
    train_set: pd.DataFrame, features: dict[str, list[str]], settings: dict[str, Any], seed: int
) -> Pipeline:
    """Train gradient boosted trees, with categorical features and missing values unchanged."""
    categories, numbers = list(features["categories"]), list(features["numbers"])
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), categories),
        ("passthrough", numbers),
    )
    trees = HistGradientBoostingClassifier(
        categorical_features=list(range(len(categories))), early_stopping=False, random_state=seed, **settings
    )
    model = make_pipeline(encode, trees)
    logger.info("Training on %s flights, %d features", f"{len(train_set):,}", len(categories) + len(numbers))
    with threadpool_limits(ONE_THREAD):
        model.fit(train_set[categories + numbers], train_set["late"])
    return model


def train_baseline(train_set: pd.DataFrame) -> pd.DataFrame:
    """Return how often each airline is late at each hour of the day: what a frequent flyer knows."""
    rates = train_set.groupby(BASELINE_KEYS, as_index=False).agg(baseline=("late", "mean"))
    logger.info("Baseline: %d pairs of airline and hour", len(rates))
    return rates


def predict_test_days(
    delay_model: Pipeline,
    baseline_rates: pd.DataFrame,
    test_set: pd.DataFrame,
    features: dict[str, list[str]],
) -> pd.DataFrame:
    """Return the outcome and the predictions of model and baseline for each flight of the test days."""
    columns = [*features["categories"], *features["numbers"]]
    predictions = test_set[["date", "late", *BASELINE_KEYS]].merge(
        baseline_rates, on=BASELINE_KEYS, how="left"
    )
    predictions["baseline"] = predictions["baseline"].fillna(baseline_rates["baseline"].mean())
    with threadpool_limits(ONE_THREAD):
        predictions["model"] = delay_model.predict_proba(test_set[columns])[:, 1]
    return predictions


def evaluate_model(predictions: pd.DataFrame) -> dict[str, float]:
    """Return the scores of the model and the baseline on the test days.

    ROC AUC: how often a late flight has a higher predicted risk than a punctual one (0.5 is guessing).
    Brier score: the mean squared error of the predicted probability (lower is better).
    """
    late = predictions["late"]
    metrics = {
        "test_flights": len(predictions),
        "late_share": round(float(late.mean()), 4),
    }
    for who in ("model", "baseline"):
        metrics[f"{who}_roc_auc"] = round(float(roc_auc_score(late, predictions[who])), 4)
        metrics[f"{who}_brier"] = round(float(brier_score_loss(late, predictions[who])), 4)
    logger.info("ROC AUC on unseen days: model %(model_roc_auc).3f, baseline %(baseline_roc_auc).3f", metrics)
    return metrics


def rank_features(
    delay_model: Pipeline,
    test_set: pd.DataFrame,
    features: dict[str, list[str]],
    importance: dict[str, int],
    seed: int,
) -> pd.DataFrame:
    """Return the loss in ROC AUC when each feature is shuffled, on a sample of the test days."""
    columns = [*features["categories"], *features["numbers"]]
    sample = test_set.sample(n=min(importance["sample"], len(test_set)), random_state=seed)
    with threadpool_limits(ONE_THREAD):
        result = permutation_importance(
            delay_model,
            sample[columns],
            sample["late"],
            scoring="roc_auc",
            n_repeats=importance["repeats"],
            random_state=seed,
        )
    table = pd.DataFrame({"feature": columns, "auc_lost": result.importances_mean.round(4) + 0.0})
    return table.sort_values(["auc_lost", "feature"], ascending=[False, True], ignore_index=True)
