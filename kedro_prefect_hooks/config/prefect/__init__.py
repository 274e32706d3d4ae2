"""Builds the Prefect objects that `prefect.yml` describes."""
