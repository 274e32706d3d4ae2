"""`kedro prefect up`."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Iterator

import click

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.labels import labels_in_words

if TYPE_CHECKING:
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config.models import PrefectConfig
    from kedro_prefect_hooks.embedded.server import EmbeddedServer

PORT = 4200
"""Where Prefect's own server listens, and so where Prefect's tools look first."""


@base.command(name="up", short_help="Start the embedded Prefect API, its services and page, and an agent.")
@base.env_option
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, help="0 for any port that is free.")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Beyond this machine only with a token.")
@click.option(
    "--token",
    envvar=env_vars.TOKEN,
    metavar="TEXT",
    help=f"What requests must bring as `Authorization: Bearer TEXT`. Better in the variable "
    f"{env_vars.TOKEN}: others on this machine can see a command's options.",
)
@click.option("--no-agent", is_flag=True, help="Start no agent.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="One more label for the agent.")
def command(
    *, env: str | None, port: int, host: str, token: str | None, no_agent: bool, labels: tuple[str, ...]
) -> None:
    """Start the embedded Prefect API with its services and its page, and an agent for this project.

    All of it is one process, and all that it knows is in .kedro_prefect/api.sqlite. Other commands, and
    `kedro run --env deploy`, find it by themselves. Ctrl-C ends it: the agent asks for no more work, running
    flow runs are cancelled and their processes ended, then the API closes.
    """
    from kedro_prefect_hooks.cli.opened_project import OpenProject
    from kedro_prefect_hooks.config import load_config
    from kedro_prefect_hooks.embedded import location

    project = OpenProject(env)
    config = load_config(project.context.config_loader, project_path=project.path)
    if config.api != "embedded":
        raise KedroPrefectError(
            f"prefect.yml says `api: {config.api}`, and `up` starts the embedded API: say `api: embedded` "
            "there, or start an agent for that API with `kedro prefect agent`."
        )
    running = location.running(project.path)
    if running is not None:
        raise KedroPrefectError(
            f"It is up already, at {running.url} (process {running.pid}). Use that one, or end it with "
            f"Ctrl-C in its terminal (or `kill {running.pid}`)."
        )
    from kedro_prefect_hooks.embedded.server import EmbeddedServer

    server = EmbeddedServer(location.database_path(project.path), host, port, token=token)
    with server:
        location.write_endpoint(project.path, server.url, token=token)
        try:
            for line in _greeting(server, project, env):
                click.echo(line)
            if no_agent:
                click.echo("No agent: flow runs wait for one (`kedro prefect agent`).")
                click.echo("Ctrl-C ends it.")
                _wait()
            else:
                _agent(server, project, config, labels, token)
        finally:
            location.remove_endpoint(project.path)
    click.echo("All of it has ended.")


def _greeting(server: EmbeddedServer, project: OpenProject, env: str | None) -> Iterator[str]:
    flag = f" --env {env}" if env else ""
    yield f"The embedded Prefect API is up at {server.url} (process {os.getpid()})."
    yield f"  its page     {server.url}/"
    yield f"  its file     {project.path / '.kedro_prefect' / 'api.sqlite'}"
    yield "Next, in another terminal:"
    yield f"  kedro prefect register{flag}"
    yield f"  kedro prefect run FLOW --watch{flag}"


def _wait() -> None:
    """Until SIGINT or SIGTERM."""
    done = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: done.set()) for number in numbers}
    try:
        while not done.wait(1):  # on Windows a wait without a timeout cannot be interrupted
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    click.echo("Ending …")


def _agent(
    server: EmbeddedServer,
    project: OpenProject,
    config: PrefectConfig,
    labels: tuple[str, ...],
    token: str | None,
) -> None:
    """The agent, until SIGINT or SIGTERM; it ends its flow runs while the API still answers."""
    from kedro_prefect_hooks.agent.project_agent import pointing_at, run_agent

    with pointing_at(server.url, token):
        agent = project.agent(config, labels=labels, end_runs=True)
        agent.on_ready = lambda: click.echo(
            f"Agent '{agent.name}' takes flow runs with {labels_in_words(agent.labels)}. Ctrl-C ends it all."
        )
        run_agent(agent, server.url)
    click.echo("Ending …")
