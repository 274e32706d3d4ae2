"""The two plots, drawn with matplotlib's object-oriented interface.

`matplotlib.pyplot` has one current figure for the whole process, so two tasks in two threads would draw into
each other's figures. A separate `Figure` avoids this.
"""

from __future__ import annotations

import calendar

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

INK, MUTED, GRID = "#1f2933", "#6b7785", "#e4e7eb"
ACCENT, REST = "#c2410c", "#8593a1"
PERCENT = PercentFormatter(xmax=1, decimals=0)


def draw_delays(by_month_and_hour: pd.DataFrame, by_carrier: pd.DataFrame, late_minutes: int) -> Figure:
    """Draw a heat map of late flights by month and hour, next to a ranking of the airlines."""
    figure = Figure(figsize=(13, 6.2), facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=[1.55, 1])
    figure.subplots_adjust(left=0.045, right=0.965, top=0.79, bottom=0.1, wspace=0.4)
    _title(
        figure,
        "Flights are later in the evening",
        f"Share of flights from New York's airports that were at least {late_minutes} minutes late, 2013",
    )
    _heat_map(left, by_month_and_hour)
    _carrier_bars(right, by_carrier)
    return figure


def draw_model(predictions: pd.DataFrame, importance: pd.DataFrame, metrics: dict[str, float]) -> Figure:
    """Draw the calibration of the model, next to the importance of its features."""
    figure = Figure(figsize=(13, 6.2), facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    figure.subplots_adjust(left=0.06, right=0.965, top=0.79, bottom=0.12, wspace=0.32)
    _title(
        figure,
        "Timetable and weather explain many of the delays",
        f"{metrics['test_flights']:,} flights on days not used for training: "
        f"ROC AUC {metrics['model_roc_auc']:.2f}, airline and hour alone {metrics['baseline_roc_auc']:.2f}",
    )
    _calibration(left, predictions)
    _importance_bars(right, importance)
    return figure


def _heat_map(axes: Axes, table: pd.DataFrame, min_arrivals: int = 30) -> None:
    """Draw months by hours; a cell with fewer than `min_arrivals` flights is left empty."""
    enough = table[table["arrived"] >= min_arrivals]
    grid = enough.pivot(index="month", columns="hour", values="late_share")
    axes.pcolormesh(grid.to_numpy(), cmap="YlOrRd", vmin=0, vmax=0.6, edgecolors="white", linewidth=1.2)
    for row, month in enumerate(grid.index):
        for column, hour in enumerate(grid.columns):
            share = grid.loc[month, hour]
            if pd.notna(share):
                ink = "white" if share > 0.36 else INK
                axes.text(
                    column + 0.5, row + 0.5, f"{share:.0%}", ha="center", va="center", fontsize=7.5, color=ink
                )
    axes.set_xticks([i + 0.5 for i in range(len(grid.columns))], [str(hour) for hour in grid.columns])
    axes.set_yticks([i + 0.5 for i in range(len(grid.index))], [calendar.month_abbr[m] for m in grid.index])
    axes.invert_yaxis()
    axes.set_xlabel("hour of scheduled departure, local time", color=MUTED, fontsize=9)
    _bare(axes, "By month and hour")


def _carrier_bars(axes: Axes, table: pd.DataFrame) -> None:
    """Draw one bar per airline, coloured if it is above the mean of all flights."""
    mean = table["late"].sum() / table["arrived"].sum()
    ordered = table.iloc[::-1]
    colors = [ACCENT if share > mean else REST for share in ordered["late_share"]]
    bars = axes.barh(ordered["airline"], ordered["late_share"], color=colors, height=0.7)
    shares = [f"{share:.0%}" for share in ordered["late_share"]]
    axes.bar_label(bars, shares, label_type="center", fontsize=8.5, color="white", fontweight="bold")
    axes.axvline(mean, color=INK, linewidth=1, linestyle=(0, (3, 3)))
    axes.text(mean, -1.25, f"all flights {mean:.0%}", ha="center", fontsize=8.5, color=INK)
    axes.set_ylim(-0.8, len(ordered) - 0.3)
    axes.set_xticks([])
    _bare(axes, "By airline")


def _calibration(axes: Axes, predictions: pd.DataFrame) -> None:
    """Draw the share of late flights in ten equal groups, ordered by predicted risk."""
    for who, color, name in (("baseline", REST, "airline and hour"), ("model", ACCENT, "the model")):
        tenth = pd.qcut(predictions[who].rank(method="first"), 10, labels=False)
        groups = predictions.groupby(tenth).agg(predicted=(who, "mean"), actual=("late", "mean"))
        axes.plot(
            groups["predicted"], groups["actual"], "o-", color=color, linewidth=2, markersize=6, label=name
        )
    end = 0.65
    axes.plot([0, end], [0, end], color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=0)
    axes.text(0.545, 0.575, "perfectly calibrated", ha="right", color=MUTED, fontsize=9)
    axes.legend(
        loc="lower right", facecolor="white", edgecolor="white", framealpha=1, fontsize=10, labelcolor=INK
    )
    axes.set(xlim=(0, end), ylim=(0, end))
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("predicted risk", color=MUTED, fontsize=9)
    axes.set_ylabel("share of late flights", color=MUTED, fontsize=9)
    _bare(axes, "Predicted risk and late flights, in ten equal groups")


def _importance_bars(axes: Axes, importance: pd.DataFrame) -> None:
    """Draw one bar per feature, the most important on top; negative values are chance, and drawn as zero."""
    ordered = importance.iloc[::-1]
    lost = ordered["auc_lost"].clip(lower=0)
    bars = axes.barh(ordered["feature"].str.replace("_", " "), lost, color=REST, height=0.7)
    for bar in bars[-3:]:
        bar.set_color(ACCENT)
    axes.bar_label(bars, [f"{value:.3f}" for value in lost], padding=4, fontsize=8.5, color=INK)
    axes.set_xticks([])
    _bare(axes, "Loss in ROC AUC when a feature is shuffled")


def _title(figure: Figure, title: str, subtitle: str) -> None:
    figure.text(0.02, 0.93, title, fontsize=18, fontweight="bold", color=INK)
    figure.text(0.02, 0.88, subtitle, fontsize=10.5, color=MUTED)


def _bare(axes: Axes, title: str) -> None:
    """Remove the frame and the tick marks."""
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=8)
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
