"""Which Prefect API a project means by `api:` in its `prefect.yml`, and opening it.

`embedded` is the plugin's own: the one that runs for this project, or else one in this process for as long as
it is needed. `prefect` is the one that Prefect itself is configured for. Anything else is an URL.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import prefect

from kedro_prefect_hooks.api.client import Api, Link, connected
from kedro_prefect_hooks.api.transport import Transport
from kedro_prefect_hooks.errors import ApiError

if TYPE_CHECKING:
    from kedro_prefect_hooks.config.models import PrefectConfig

CLOUD = "prefect.io"

EMBEDDED_BATCH = 10_000
"""Tasks that the embedded API makes in one request, and in one transaction."""


@contextlib.contextmanager
def open_api(config: PrefectConfig, project_path: Path) -> Iterator[Api]:
    """The API that `prefect.yml` means. Nothing is asked of it yet.

    Args:
        config: the project's.
        project_path: the project's folder, where the embedded API keeps its file.

    Raises:
        ApiError: there is none to open.
        KedroPrefectError: the embedded one is meant, and the packages that it needs are not installed.
    """
    timeout = config.registration.timeout
    if config.api == "embedded":
        with _embedded(project_path, timeout) as api:
            yield api
        return
    url, hint = _of_prefect() if config.api == "prefect" else _of_url(config.api)
    client = prefect.Client(api_server=url)  # knows the key for that server, if there is one
    transport = Transport(url, timeout, api_key=client.api_key, tenant_id=client._tenant_id, hint=hint)
    with connected(Api(transport, url, _server_link(url))) as api:
        yield api


@contextlib.contextmanager
def _embedded(project_path: Path, timeout: float) -> Iterator[Api]:
    from kedro_prefect_hooks.embedded import location

    running = location.running(project_path)
    if running is not None:
        transport = Transport(
            running.url,
            timeout,
            api_key=running.token,
            hint="It is the embedded API that runs for this project.",
        )
        found = Api(transport, f"embedded, {running.url}", _embedded_link(running.url), batch=EMBEDDED_BATCH)
        with connected(found) as api:
            yield api
        return
    from kedro_prefect_hooks.embedded.server import EmbeddedServer

    database = location.database_path(project_path)
    with EmbeddedServer(database, services=False) as server:
        transport = Transport(server.url, timeout, hint="It is the embedded API in this process.")
        # Its address ends with this process, so there is nothing to link to.
        step = "To look at them and to run them: kedro prefect up"
        opened = Api(transport, f"embedded, {database}", lambda *_: None, step, batch=EMBEDDED_BATCH)
        with connected(opened) as api:
            yield api


def _of_prefect() -> tuple[str, str]:
    url = str(prefect.Client().api_server)
    if CLOUD in url:
        raise ApiError(
            "`api: prefect` in prefect.yml means what Prefect is configured for, which is Prefect Cloud 1 "
            f"({url}); it has been shut down. Run `prefect backend server` and set PREFECT__SERVER__HOST "
            "for a Prefect Server, or set `api:` to `embedded` or to a server's URL."
        )
    return url, "Prefect itself is configured for it (`api: prefect` in prefect.yml)."


def _of_url(url: str) -> tuple[str, str]:
    return url, "It is the address at `api:` in prefect.yml."


def _embedded_link(url: str) -> Link:
    return lambda group_id, _: f"{url.rstrip('/')}/#/flow/{group_id}"


def _server_link(url: str) -> Link:
    """Prefect Server's page: the configured one for the configured API, else on the server's port 8080."""
    server = prefect.config.server
    if url.rstrip("/") == str(server.endpoint).rstrip("/"):
        page = str(server.ui.endpoint)
    else:
        page = re.sub(r"^(https?://[^/:]+)(:\d+)?(/.*)?$", r"\1:8080", url)
    return lambda group_id, tenant: "/".join([page.rstrip("/"), tenant or "default", "flow", group_id])
