"""`kedro prefect up`."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Iterator
from urllib.parse import quote, urlsplit

import click

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.cli.docker_command import keep_state_out
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.terminal import echo

if TYPE_CHECKING:
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.embedded.server import EmbeddedServer

PORT = 4200
"""The port of Prefect's own server, and so the one that Prefect's tools try first."""


@base.command(
    name="up", short_help="Start the embedded Prefect API with its services and web page, and an agent."
)
@base.env_option
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, help="0 for any free port.")
@click.option(
    "--host", default="127.0.0.1", metavar="ADDRESS", help="Any but this machine's own requires a token."
)
@click.option(
    "--token",
    envvar=env_vars.TOKEN,
    metavar="TOKEN",
    help=f"Token that requests must send as `Authorization: Bearer TOKEN`. Prefer the variable "
    f"{env_vars.TOKEN}: others on this machine can see a command's options. Default: the project's own, in "
    ".kedro_prefect/token.",
)
@click.option(
    "--no-token", is_flag=True, help="Require no token: every account on this machine can start flow runs."
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Name by which requests may call this API, such as that of a reverse proxy. Can be repeated.",
)
@click.option("--no-agent", is_flag=True, help="Do not start an agent.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Additional label for the agent.")
@base.prepare_option
def command(
    *,
    env: str | None,
    port: int,
    host: str,
    token: str | None,
    no_token: bool,
    hosts: tuple[str, ...],
    no_agent: bool,
    labels: tuple[str, ...],
    prepare: bool,
) -> None:
    """Start the embedded Prefect API with its services and web page, and an agent for this project.

    All of it runs in one process and keeps its data in .kedro_prefect/api.sqlite. Other commands and
    `kedro run --env deploy` find the API and its token automatically. The printed URL of the web page
    contains the token.

    Press Ctrl+C to stop it: the agent stops polling, running flow runs are cancelled and their processes
    stopped, then the API shuts down.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config import load_config
    from kedro_prefect_hooks.embedded import location

    if token and no_token:
        raise click.UsageError("--token and --no-token exclude each other.")
    project = OpenProject(env)
    project.describe_environment()
    config = load_config(project.context.config_loader, project_path=project.path)
    if config.api != "embedded":
        raise KedroPrefectError(
            f"prefect.yml has `api: {config.api}`, but this command starts the embedded API. Set "
            f"`api: embedded`, or start an agent for that API with `{typed('kedro prefect agent')}`."
        )
    for line in keep_state_out(project.path):
        echo(line)
    running = location.running(project.path)
    if running is not None:
        raise KedroPrefectError(
            f"The embedded API is already running at {running.url} (process {running.pid}). Use it, or stop "
            f"it with Ctrl+C in its terminal (or `kill {running.pid}`)."
        )
    from kedro_prefect_hooks.embedded.server import EmbeddedServer
    from kedro_prefect_hooks.embedded.settings import Settings
    from kedro_prefect_hooks.embedded.web.page import Place

    if not token and not no_token:
        token = location.own_token(project.path)
    settings = Settings(retention=config.retention)
    place = Place(project.path.name, project.env)
    with EmbeddedServer(
        location.database_path(project.path),
        host,
        port,
        token=token,
        settings=settings,
        names=hosts,
        place=place,
    ) as server:
        location.write_endpoint(project.path, server.url, token=token)
        try:
            for line in _greeting(server, host, project, env, token=token, retention=config.retention):
                echo(line)
            if no_agent:
                echo(f"Flow runs wait for an agent (`{typed('kedro prefect agent')}`).")
                echo("Press Ctrl+C to stop the API.")
                _wait_for_interrupt()
            else:
                from kedro_prefect_hooks.agent.api_address import ApiAddress
                from kedro_prefect_hooks.cli.running_agent import run_project_agent

                api = ApiAddress(server.url, token)
                hint = "Press Ctrl+C to stop the API and the agent."
                # It cancels its flow runs while the API still responds.
                run_project_agent(
                    project, config, api, labels=labels, cancel_on_exit=True, prepare=prepare, hint=hint
                )
            echo("Stopping …")
        finally:
            location.remove_endpoint(project.path)
    echo("Stopped.")


def _greeting(
    server: EmbeddedServer,
    host: str,
    project: OpenProject,
    env: str | None,
    *,
    token: str | None,
    retention: float | None,
) -> Iterator[str]:
    flag = f" --env {env}" if env else ""
    yield f"The embedded Prefect API is running at {server.url} (process {os.getpid()})."
    if host in ("0.0.0.0", "::"):
        yield f"  Network    it listens at all addresses of this machine, port {urlsplit(server.url).port}"
    yield f"  Web page   {server.url}/" + (f"#token={quote(token, safe='')}" if token else "")
    yield f"  Database   {project.path / '.kedro_prefect' / 'api.sqlite'}"
    kept = "for ever" if retention is None else f"for {round(retention / 86_400, 1):g} days"
    yield f"  History    finished flow runs are kept {kept} (`retention` in prefect.yml)"
    yield f"  Prefect's own tools need   {_prefects_environment(server, project, token)}"
    yield "Next, in another terminal:"
    yield "  " + typed(f"kedro prefect register{flag}")
    yield "  " + typed(f"kedro prefect run FLOW --watch{flag}")


def _prefects_environment(server: EmbeddedServer, project: OpenProject, token: str | None) -> str:
    """The variables for `prefect …` in a shell; a token is not printed a second time."""
    variables = f"PREFECT__BACKEND=server PREFECT__SERVER__ENDPOINT={server.url}"
    file = project.path / ".kedro_prefect" / "token"
    if not token:
        return variables
    known = file.exists() and file.read_text(encoding="utf-8").strip() == token
    return f"{variables} PREFECT__CLOUD__API_KEY=" + (f'"$(cat {file})"' if known else "TOKEN")


def _wait_for_interrupt() -> None:
    """Wait for SIGINT or SIGTERM."""
    interrupted = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in numbers}
    try:
        while not interrupted.wait(1):  # on Windows a wait without a timeout cannot be interrupted
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
