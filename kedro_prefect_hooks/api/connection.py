"""Opens the Prefect API that a project names at `api:` in its `prefect.yml`.

`embedded` is the plugin's own API: the one that is running for this project, or else the same API called
within this process. `prefect` is the API that Prefect itself is configured for. Anything else is a URL.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import prefect

from kedro_prefect_hooks.api.client import Api, Link, connected
from kedro_prefect_hooks.api.http_transport import HttpTransport
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import ApiError

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import PrefectConfig

CLOUD = "prefect.io"

EMBEDDED_BATCH = 10_000
"""Tasks that the embedded API creates in one request, and in one transaction."""


@contextlib.contextmanager
def open_api(config: PrefectConfig, project_path: Path) -> Iterator[Api]:
    """The API that `prefect.yml` names. Sends no request yet.

    Args:
        config: the project's.
        project_path: the project's folder, where the embedded API keeps its file.

    Raises:
        ApiError: there is none to open.
        KedroPrefectError: it is the embedded one, and a package that it needs is not installed.
    """
    with connected(_api(config, project_path)) as api:
        yield api


def _api(config: PrefectConfig, project_path: Path) -> Api:
    timeout = config.registration.timeout
    if config.api == "embedded":
        return _embedded_api(project_path, timeout)
    if config.api == "prefect":
        url, hint = _prefect_url(), "Prefect itself is configured for it (`api: prefect` in prefect.yml)."
    else:
        url, hint = config.api, "It is the URL at `api:` in prefect.yml."
    client = prefect.Client(api_server=url)  # knows the key for that server, if there is one
    transport = HttpTransport(url, timeout, api_key=client.api_key, tenant_id=client._tenant_id, hint=hint)
    return Api(transport, url, _server_link(url), tenant_id=client._tenant_id)


def _embedded_api(project_path: Path, timeout: float) -> Api:
    from kedro_prefect_hooks.embedded import location, packages

    running = location.running(project_path)
    if running is not None:
        hint = "It is the embedded API that is running for this project."
        transport = HttpTransport(running.url, timeout, api_key=running.token, hint=hint)
        link = _embedded_link(running.url)
        return Api(transport, f"embedded, {running.url}", link, batch=EMBEDDED_BATCH)
    packages.require(packages.API)
    from kedro_prefect_hooks.api.embedded_transport import EmbeddedTransport

    database = location.database_path(project_path)
    # Without a server there is no page to link to.
    next_step = f"To view the flows and run them: {typed('kedro prefect up')}"
    in_process = EmbeddedTransport(database)
    name = f"embedded, {database}"
    return Api(in_process, name, lambda *_: None, next_step, batch=EMBEDDED_BATCH, is_served=False)


def _prefect_url() -> str:
    url = str(prefect.Client().api_server)
    if CLOUD in url:
        raise ApiError(
            "`api: prefect` in prefect.yml means the API that Prefect is configured for, which is Prefect "
            f"Cloud 1 ({url}); it has been shut down. Run `prefect backend server` and set "
            "PREFECT__SERVER__HOST for a Prefect Server, or set `api:` to `embedded` or to a server's URL."
        )
    return url


def _embedded_link(url: str) -> Link:
    return lambda group_id, _: f"{url.rstrip('/')}/#/flow/{group_id}"


def _server_link(url: str) -> Link:
    """Prefect Server's UI: the configured one for the configured API, else on port 8080 of the same host."""
    server = prefect.config.server
    if url.rstrip("/") == str(server.endpoint).rstrip("/"):
        page = str(server.ui.endpoint)
    else:
        page = re.sub(r"^(https?://[^/:]+)(:\d+)?(/.*)?$", r"\1:8080", url)
    return lambda group_id, tenant: "/".join([page.rstrip("/"), tenant or "default", "flow", group_id])
