"""The names of the environment variables that this package reads or sets.

docs/reference/environment-variables.md describes them for users.
"""

from __future__ import annotations

PREFIX = "KEDRO_PREFECT_"
"""How the names of all of them begin."""

DISABLE = "KEDRO_PREFECT_DISABLE"
"""Set by users: the hook does not register."""

TRACEBACK = "KEDRO_PREFECT_TRACEBACK"
"""Set by users: `kedro prefect` commands print unexpected errors with their traceback."""

TOKEN = "KEDRO_PREFECT_TOKEN"
"""Set by users: the token of the embedded API."""

PROJECT = "KEDRO_PREFECT_PROJECT"
"""The project's folder: in a registered run config, or in a Dask worker's own environment."""

PACKAGE = "KEDRO_PREFECT_PACKAGE"
"""In a registered run config: the project's Python package."""

KEDRO_ENV = "KEDRO_PREFECT_ENV"
"""In a registered run config: the Kedro environment."""

CONF_SOURCE = "KEDRO_PREFECT_CONF_SOURCE"
"""In a registered run config: the configuration source, if it is not the project's default."""

FLOW = "KEDRO_PREFECT_FLOW"
"""In a registered run config: the flow of `prefect.yml` to load."""

FINGERPRINT = "KEDRO_PREFECT_FINGERPRINT"
"""In a registered run config: a hash of the flow's tasks and edges."""

AGENT = "KEDRO_PREFECT_AGENT"
"""In a container: which project's agent has started it, so that the next one knows its containers."""

SETTINGS = "KEDRO_PREFECT_SETTINGS"
"""In a registered run config: short hashes of the flow's settings, and what a difference means."""

IN_FLOW_RUN = "KEDRO_PREFECT_IN_FLOW_RUN"
"""Set by this package: this process, or the one that started it, is running a flow.

In a local run, Prefect's own context does not reach threads and child processes that a node starts.
"""
