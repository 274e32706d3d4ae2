"""Tables of delays. "Late" means arriving at least `late_minutes` after schedule; delays are in minutes."""

from __future__ import annotations

import logging

import pandas as pd

logger = logging.getLogger(__name__)

VISIBILITY_MILES = [-0.01, 1, 3, 6, 9.99, float("inf")]
VISIBILITY_NAMES = ["under 1 mile", "1 to 3 miles", "3 to 6 miles", "6 to 10 miles", "10 miles"]


def delays_by_carrier(flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    """Return one row per airline, sorted by the share of late flights."""
    table = _summarise(flights, ["airline"], late_minutes).sort_values(
        ["late_share", "airline"], ascending=[False, True], ignore_index=True
    )
    best, worst = table.iloc[-1], table.iloc[0]
    logger.info("Most often late: %s; least often: %s", worst["airline"], best["airline"])
    return table


def delays_by_month(flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    """Return one row per month."""
    return _summarise(flights, ["month"], late_minutes)


def delays_by_month_and_hour(flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    """Return one row per month and hour of scheduled departure, for the heat map."""
    return _summarise(flights, ["month", "hour"], late_minutes)


def delays_by_visibility(flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    """Return one row per range of visibility at the departure airport, the lowest visibility first."""
    band = pd.cut(flights["visibility"], VISIBILITY_MILES, labels=VISIBILITY_NAMES)
    return _summarise(flights.assign(visibility=band), ["visibility"], late_minutes)


def delays_by_destination(flights: pd.DataFrame, late_minutes: int, min_flights: int) -> pd.DataFrame:
    """Return one row per destination with at least `min_flights` flights per year, sorted by lateness."""
    named = flights.assign(dest_name=flights["dest_name"].fillna(flights["dest"]))
    table = _summarise(named, ["dest", "dest_name"], late_minutes)
    often = table[table["flights"] >= min_flights]
    logger.info("%d of %d destinations have %d flights or more", len(often), len(table), min_flights)
    return often.sort_values(["late_share", "dest"], ascending=[False, True], ignore_index=True)


def find_worst_days(flights: pd.DataFrame, late_minutes: int, count: int) -> pd.DataFrame:
    """Return the `count` days with the largest share of late or cancelled flights."""
    days = _summarise(flights, ["date"], late_minutes)
    days["disrupted_share"] = (days["late"] + days["cancelled"]) / days["flights"]
    worst = days.sort_values(["disrupted_share", "date"], ascending=[False, True], ignore_index=True).head(
        count
    )
    logger.info("Worst day of the year: %s", worst.loc[0, "date"].date())
    return worst


def _summarise(flights: pd.DataFrame, keys: list[str], late_minutes: int) -> pd.DataFrame:
    """Count flights, cancellations and late arrivals by `keys`, with the late share and mean delay."""
    counted = flights.assign(
        late=flights["arr_delay"] >= late_minutes,
        arrived=flights["arr_delay"].notna(),
    )
    groups = counted.groupby(keys, observed=True)
    table = groups.agg(
        flights=("flight", "size"),
        cancelled=("cancelled", "sum"),
        arrived=("arrived", "sum"),
        late=("late", "sum"),
        mean_delay=("arr_delay", "mean"),
    )
    table["late_share"] = (table["late"] / table["arrived"]).round(4)
    table["mean_delay"] = table["mean_delay"].round(2)
    return table.reset_index()
