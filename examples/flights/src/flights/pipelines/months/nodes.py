"""The delays of each route, month by month.

`count_routes` and `find_worst_routes` look at each month alone, so they can be mapped: called once per month
rather than once with all of them, they return the same.
"""

from __future__ import annotations

import logging
from typing import Callable

import pandas as pd

logger = logging.getLogger(__name__)


def split_by_month(flights: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the flights of each month, by its name, such as ``2013-01``."""
    months = flights.groupby(flights["date"].dt.strftime("%Y-%m"))
    return {month: rows.reset_index(drop=True) for month, rows in months}


def count_routes(
    flights_by_month: dict[str, Callable[[], pd.DataFrame]], late_minutes: int
) -> dict[str, pd.DataFrame]:
    """Return, for each month, one row per route: its flights, and the share of those that were late."""
    return {month: _routes(month, load(), late_minutes) for month, load in flights_by_month.items()}


def _routes(month: str, flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    arrived = flights.dropna(subset=["arr_delay"])
    routes = (
        arrived.assign(late=arrived["arr_delay"] >= late_minutes)
        .groupby(["origin", "dest"])
        .agg(flights=("flight", "size"), late=("late", "sum"))
        .reset_index()
    )
    routes["late_share"] = (routes["late"] / routes["flights"]).round(4)
    logger.info("%s: %d routes, %.0f%% late", month, len(routes), 100 * routes["late"].sum() / len(arrived))
    return routes


def find_worst_routes(
    routes_by_month: dict[str, Callable[[], pd.DataFrame]], min_flights: int, count: int
) -> dict[str, pd.DataFrame]:
    """Return, for each month, the `count` routes with the largest share of late flights."""
    worst = {}
    for month, load in routes_by_month.items():
        routes = load()
        often = routes[routes["flights"] >= min_flights]
        worst[month] = often.sort_values(
            ["late_share", "origin", "dest"], ascending=[False, True, True], ignore_index=True
        ).head(count)
    return worst


def list_worst_routes(worst_by_month: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the worst routes of all months in one table."""
    tables = [table.assign(month=month) for month, table in sorted(worst_by_month.items())]
    return pd.concat(tables, ignore_index=True)[["month", "origin", "dest", "flights", "late", "late_share"]]
