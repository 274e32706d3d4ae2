"""`kedro prefect graph`."""

from __future__ import annotations

from kedro_prefect_hooks.cli import command as base


@base.command(name="graph", short_help="To come.")
def command() -> None:
    """To come."""
