"""`kedro prefect up`."""

from __future__ import annotations

from kedro_prefect_hooks.cli import command as base


@base.command(name="up", short_help="To come.")
def command() -> None:
    """To come."""
