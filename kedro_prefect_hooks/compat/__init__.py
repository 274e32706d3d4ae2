"""Differences between versions of Kedro, and workarounds for Prefect 1.1.0, each with its reason."""
