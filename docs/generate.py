"""Writes the pages of the reference that nobody has to: prefect.yml, the commands, the tested versions.

    python docs/generate.py            write them
    python docs/generate.py --check    exit with 1 when they are not up to date

`tests/docs` runs the check, so a changed docstring, key or option needs a run of this.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any, Iterator

import click

from kedro_prefect_hooks.cli import COMMANDS, prefect
from kedro_prefect_hooks.config import models, node_settings, notify, schedule, typed
from kedro_prefect_hooks.config.editor_schema import examples
from kedro_prefect_hooks.config.fields import Model
from kedro_prefect_hooks.config.messages import Place
from kedro_prefect_hooks.config.prefect import objects as prefect_types

REFERENCE = Path(__file__).resolve().parent / "reference"

NOTE = "<!-- Written by docs/generate.py. Edit the docstrings and descriptions in the code instead. -->\n"

GRID_NOTE = "<!-- Written by docs/generate.py from grid.json: `make grid-docs` after `make test-all`. -->\n"

SECTIONS: list[tuple[str, type[Model]]] = [
    ("The whole file", models.PrefectConfig),
    ("register", models.RegisterConfig),
    ("flows", models.FlowConfig),
    ("defaults", models.FlowSettings),
    ("schedule", schedule.ScheduleConfig),
    ("clocks", schedule.ClockConfig),
    ("retries", node_settings.RetriesConfig),
    ("nodes", node_settings.NodeConfig),
    ("notify", notify.NotifyConfig),
    ("slack", notify.SlackConfig),
    ("storage", typed.StorageConfig),
    ("run_config", typed.RunConfigConfig),
    ("executor", typed.ExecutorConfig),
    ("result", typed.ResultConfig),
]
HEADINGS = {model.__name__: heading for heading, model in SECTIONS}


# --- prefect.yml -----------------------------------------------------------------------------------


def prefect_yml() -> str:
    """The page on all keys of prefect.yml."""
    parts = [
        NOTE,
        "# prefect.yml\n",
        "It stands in `conf/<environment>/`, is read by the project's own config loader, and may be split "
        "into several files whose names begin with `prefect`. Unknown keys are errors. `kedro prefect "
        "schema` prints the same for editors.\n",
        "A *duration* is a number of seconds or a text such as `90s`, `5m`, `1h 30m`, `2 days`. *Names* are "
        "a list, or one name without a list.\n",
    ]
    for heading, model in SECTIONS:
        parts += [f"## {heading}\n", _prose(model), *_examples(model)]
        if issubclass(model, typed.TypedConfig):
            parts += [_types(model)]
        else:
            parts += [_keys(model)]
    return "\n".join(parts)


def _prose(model: type[Model]) -> str:
    text = inspect.cleandoc(model.__doc__ or "").split("Example:")[0].strip()
    return re.sub(r"``([^`]+)``", r"`\1`", text) + "\n"


def _examples(model: type[Model]) -> Iterator[str]:
    for text in examples(model):
        yield f"```yaml\n{textwrap.dedent(text).strip()}\n```\n"


def _keys(model: type[Model]) -> str:
    schema = model.model_json_schema(by_alias=True)
    lines = ["| Key | Value | Default | |", "|---|---|---|---|"]
    inherited = set(models.FlowSettings.model_fields) if model is models.FlowConfig else set()
    for name, field in model.model_fields.items():
        if name in inherited:
            continue
        key = field.alias or name
        default = "" if field.is_required() else _default(field.get_default(call_default_factory=True))
        lines.append(
            f"| `{key}` | {_value(schema['properties'][key])} | {default} | {_cell(field.description)} |"
        )
    if inherited:
        lines.append("| *all keys of* [`defaults`](#defaults) | | | For this flow alone. |")
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    if value is None or value is False or value in ([], {}) or isinstance(value, Model):
        return ""
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _value(schema: dict[str, Any]) -> str:
    """What a key takes, in words."""
    if "$ref" in schema:
        heading = HEADINGS[schema["$ref"].rpartition("/")[2]]
        return f"[{heading}](#{heading})"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if "anyOf" in schema:
        words = list(dict.fromkeys(_value(each) for each in schema["anyOf"] if each != {"type": "null"}))
        if words == ["number", "text"]:
            return "duration"
        return "names" if words == ["list of texts", "text"] else " or ".join(words)
    if "allOf" in schema:
        return _value(schema["allOf"][0])
    return _plain_value(schema)


def _plain_value(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "array":
        inner = _value(schema["items"])
        return f"list of {inner if inner.startswith('[') else inner + 's'}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"name: {_value(values)}" if isinstance(values, dict) and "$ref" in values else "name: value"
    words = {"integer": "whole number", "string": "text", "boolean": "`true` or `false`"}
    return words.get(str(kind), str(kind or "any"))


def _types(model: type[typed.TypedConfig]) -> str:
    lines = ["| `type` | Its arguments |", "|---|---|"]
    for name in prefect_types.names(model.kind):
        cls = prefect_types.class_of(model.kind, name, Place())
        given = prefect_types.parameters_of(cls)[0]
        hidden = prefect_types.KINDS[model.kind].not_here
        names = ", ".join(f"`{each}`" for each in given if each not in hidden)
        lines.append(f"| `{name}` | {names} |")
    return "\n".join(lines) + "\n"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


# --- the commands ----------------------------------------------------------------------------------


def commands() -> str:
    """The page on `kedro prefect …`."""
    parts = [NOTE, "# Commands\n", _help(prefect)]
    context = click.Context(prefect, info_name="kedro prefect")
    for name in COMMANDS:
        command = prefect.get_command(context, name)
        assert command is not None
        arguments = " ".join(
            each.metavar or each.name.upper()
            for each in command.params
            if isinstance(each, click.Argument) and each.name
        )
        parts += [
            f"## kedro prefect {name}\n",
            f"```console\nkedro prefect {name} [OPTIONS]{' ' + arguments if arguments else ''}\n```\n",
            _help(command),
            "| Option | |",
            "|---|---|",
        ]
        parts += [_option(each) for each in command.params if isinstance(each, click.Option)]
        parts.append("")
    return "\n".join(parts)


def _help(command: click.Command) -> str:
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    shown = []
    for paragraph in paragraphs:
        if paragraph.startswith("\b\n"):
            shown.append(_verbatim(paragraph[2:]))
        else:
            shown.append(paragraph)
    return "\n\n".join(shown) + "\n"


def _verbatim(text: str) -> str:
    """Lines that `--help` leaves as they are; the first may be a heading of what is indented below it."""
    heading, _, below = text.partition("\n")
    if below and not heading.startswith(" "):
        return f"{heading}\n\n```text\n{inspect.cleandoc(below)}\n```"
    return f"```text\n{inspect.cleandoc(text)}\n```"


def _option(option: click.Option) -> str:
    metavar = "" if option.is_flag else f" {option.metavar or option.type.name.split()[0].upper()}"
    names = ", ".join(f"`{name}{metavar}`" for name in option.opts)
    default = ""
    if isinstance(option.default, (str, int)) and not isinstance(option.default, bool):
        default = f" Default: `{option.default}`."
    return f"| {names} | {_cell(option.help)}{default} |"


# --- the grid --------------------------------------------------------------------------------------


def grid() -> str:
    """The page on what the whole test suite was run with, from what `make grid-docs` has written."""
    rows = json.loads((REFERENCE / "grid.json").read_text(encoding="utf-8"))
    parts = [
        GRID_NOTE,
        "# Tested versions\n",
        "The last run of the whole test suite with each pair of Python and Kedro, by `make test-all`. Of a "
        "pair that was not run no run of the whole suite is on record.\n",
        "`constraints.txt`, in the repository, has the packages that were installed for the newest Kedro of "
        "each Python that was run.\n",
        "| Python | Kedro | passed | failed | skipped | minutes | on |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        start = f"| {row['python']} | {row['kedro']} |"
        if "passed" not in row:
            parts.append(f"{start} not run | | | | |")
            continue
        minutes = f"{row['seconds'] / 60:.1f}"
        parts.append(
            f"{start} {row['passed']} | {row['failed']} | {row['skipped']} | {minutes} | {row['day']} |"
        )
    parts += [
        "",
        "A skipped test asks for what the Kedro of its row does not have, or for a plugin of "
        "Kedro: `tests/plugins` has an environment of its own.",
    ]
    return "\n".join(parts)


PAGES = {"prefect-yml.md": prefect_yml, "commands.md": commands, "grid.md": grid}


def main() -> int:
    """Write or check the pages; returns the exit code."""
    stale = []
    for name, page in PAGES.items():
        text = page().rstrip() + "\n"
        path = REFERENCE / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"Wrote {path}\n")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"Not up to date: {', '.join(stale)}. Run: python docs/generate.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
