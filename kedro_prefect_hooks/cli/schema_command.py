"""`kedro prefect schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kedro_prefect_hooks import terminal
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.terminal import echo

FILE_NAME = "prefect.schema.json"
"""In the configuration's root folder: in an environment's folder, Kedro would read it as configuration."""


@base.command(name="schema", short_help="Print the JSON Schema of prefect.yml, for editors.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False), help="Write the schema to this file instead."
)
def command(output: str | None) -> None:
    """Print the JSON Schema of prefect.yml.

    Editors with YAML schema support (VS Code with the YAML extension, PyCharm, Neovim with
    yaml-language-server) use it to complete keys and mark mistakes. `kedro prefect init` writes it to
    conf/prefect.schema.json and refers to it in the first line of prefect.yml. Write it again after an
    upgrade:

    \b
      kedro prefect schema -o conf/prefect.schema.json
    """
    if output is None:
        terminal.send_logs_to_stderr()
    text = schema_text()
    if output is None:
        echo(text, nl=False)
        return
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    Path(output).write_text(text, encoding="utf-8")
    echo(f"Wrote {output}.")


def schema_text() -> str:
    """The content of the schema file."""
    from kedro_prefect_hooks.config import json_schema

    return json.dumps(json_schema(), indent=2) + "\n"
