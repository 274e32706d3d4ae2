"""The Prefect API that an agent polls. Knows neither agents nor the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import ApiError

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import PrefectConfig


class ApiAddress(NamedTuple):
    """The URL of a Prefect API, and the token that it requires, if any."""

    url: str
    token: str | None = None


def configured_api(project_path: Path, config: PrefectConfig) -> ApiAddress:
    """Return the API at `api:` in prefect.yml, once it has responded.

    Raises:
        ApiError: it is unreachable, or it is the embedded API and that is not running.
    """
    from kedro_prefect_hooks.api.connection import open_api

    running = None
    if config.api == "embedded":
        from kedro_prefect_hooks.embedded import location

        running = location.running(project_path)
        if running is None:
            raise ApiError(
                "The embedded API is not running. Start it together with an agent "
                f"(`{typed('kedro prefect up')}`), or without one "
                f"(`{typed('kedro prefect up --no-agent')}`), then start this agent again."
            )
    with open_api(config, project_path) as api:
        api.transport.graphql("query { hello }")
        return ApiAddress(api.transport.url, running.token if running else None)
