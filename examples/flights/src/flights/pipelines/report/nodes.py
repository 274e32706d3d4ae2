"""The report: two plots, and a Markdown page that shows and explains them."""

from __future__ import annotations

import calendar
import logging

import pandas as pd
from matplotlib.figure import Figure

from flights.pipelines.report.plots import draw_delays, draw_model

logger = logging.getLogger(__name__)

PAGE = """\
# How late were New York's flights in 2013?

{flights:,} flights were scheduled to depart from Newark, Kennedy and LaGuardia. {cancelled:,} of them \
({cancelled_share:.1%}) were cancelled. Of those that arrived, **{late_share:.1%}** were at least \
{late_minutes} minutes late.

![Share of late flights by month and hour, and by airline](delay_plot.png)

- The best month was {best_month} ({best_month_share:.0%} late), the worst {worst_month} \
({worst_month_share:.0%}).
- {worst_airline} was late most often ({worst_airline_share:.0%}), {best_airline} least \
({best_airline_share:.0%}).
- Visibility matters: {fog_share:.0%} were late with less than a mile of it, {clear_share:.0%} with ten.

## The worst days

{worst_days}

## Where delays go

{destinations}

## Can delays be predicted?

The model uses the timetable, the plane and the weather at departure, but not the departure delay. Given \
a late and a punctual flight on days that it has not seen, it predicts a higher risk for the late one \
{model_auc:.0%} of the time (ROC AUC, {test_flights:,} flights). Airline and hour alone achieve \
{baseline_auc:.0%}. The most important features: {features}.

![Predicted risk against the share of late flights, and the importance of each feature](model_plot.png)
"""


def plot_delays(by_month_and_hour: pd.DataFrame, by_carrier: pd.DataFrame, late_minutes: int) -> Figure:
    """Plot late flights by month and hour, and by airline."""
    logger.info("Drawing %d cells and %d airlines", len(by_month_and_hour), len(by_carrier))
    return draw_delays(by_month_and_hour, by_carrier, late_minutes)


def plot_model(predictions: pd.DataFrame, importance: pd.DataFrame, metrics: dict[str, float]) -> Figure:
    """Plot the calibration of the model, and the importance of its features."""
    logger.info("Drawing %s predictions", f"{len(predictions):,}")
    return draw_model(predictions, importance, metrics)


def write_report(
    *,
    by_month: pd.DataFrame,
    by_carrier: pd.DataFrame,
    by_visibility: pd.DataFrame,
    by_destination: pd.DataFrame,
    worst_days: pd.DataFrame,
    metrics: dict[str, float],
    importance: pd.DataFrame,
    late_minutes: int,
) -> str:
    """Return the Markdown page that shows the two plots."""
    months = by_month.sort_values("late_share", ignore_index=True)
    total = by_month[["flights", "cancelled", "arrived", "late"]].sum()
    page = PAGE.format(
        flights=total["flights"],
        cancelled=total["cancelled"],
        cancelled_share=total["cancelled"] / total["flights"],
        late_share=total["late"] / total["arrived"],
        late_minutes=late_minutes,
        best_month=calendar.month_name[months["month"].iloc[0]],
        best_month_share=months["late_share"].iloc[0],
        worst_month=calendar.month_name[months["month"].iloc[-1]],
        worst_month_share=months["late_share"].iloc[-1],
        worst_airline=by_carrier["airline"].iloc[0],
        worst_airline_share=by_carrier["late_share"].iloc[0],
        best_airline=by_carrier["airline"].iloc[-1],
        best_airline_share=by_carrier["late_share"].iloc[-1],
        fog_share=by_visibility["late_share"].iloc[0],
        clear_share=by_visibility["late_share"].iloc[-1],
        worst_days=_table(
            ["Day", "Flights", "Late", "Cancelled", "Disrupted"],
            [
                [
                    f"{day.date:%a %d %b %Y}",
                    f"{day.flights:,}",
                    f"{day.late:,}",
                    f"{day.cancelled:,}",
                    f"{day.disrupted_share:.0%}",
                ]
                for day in worst_days.itertuples()
            ],
        ),
        destinations=_table(
            ["Destination", "Flights", "Late", "Mean delay"],
            [
                [
                    f"{to.dest_name} ({to.dest})",
                    f"{to.flights:,}",
                    f"{to.late_share:.0%}",
                    f"{to.mean_delay:.0f} min",
                ]
                for to in by_destination.head(10).itertuples()
            ],
        ),
        test_flights=metrics["test_flights"],
        model_auc=metrics["model_roc_auc"],
        baseline_auc=metrics["baseline_roc_auc"],
        features=", ".join(importance["feature"].head(3).str.replace("_", " ")),
    )
    logger.info("Wrote a report of %d lines", page.count("\n"))
    return page


def _table(header: list[str], rows: list[list[str]]) -> str:
    """Format a Markdown table: the first column is text, the others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
