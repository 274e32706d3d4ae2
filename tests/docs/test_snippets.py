"""Snippets in the documentation work: YAML is valid, imports succeed, commands and options exist."""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any, Mapping

import click
import pytest
import yaml

from kedro_prefect_hooks.cli import COMMANDS, prefect
from kedro_prefect_hooks.config import models, notify, parse_config, schedule
from kedro_prefect_hooks.errors import ConfigError
from tests.docs.pages import PAGES, Block, blocks

OTHER_FILES = ("parameters.yml", "catalog.yml", "credentials.yml", "mlflow.yml")
OTHER_PACKAGES = ("mlflow", "kedro_mlflow")
"""Packages that pages mention and the extra [test] does not install."""
YAML = [
    block
    for block in blocks("yaml")
    if not any(name in block.before.splitlines()[-1] for name in OTHER_FILES)
]
PYTHON = list(blocks("python"))
CONSOLE = list(blocks("console"))


def test_there_are_snippets_to_test() -> None:
    assert len(YAML) > 30
    assert len(PYTHON) > 5
    assert len(CONSOLE) > 20


def test_each_snippet_says_only_its_language() -> None:
    """Otherwise the tests of this file would not find it."""
    for page in PAGES:
        opened = [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if "```" in line]
        assert all(re.fullmatch(r"```\w*", line) for line in opened), page


def complete_file(content: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a snippet to a `prefect.yml`. It may be a part of the file, of a flow, of a schedule.

    Raises:
        AssertionError: it is not a part of `prefect.yml`.
    """
    keys = {key for key in content if not key.startswith("flows.")}
    top = {field.alias or name for name, field in models.PrefectConfig.model_fields.items()}
    if keys <= top:
        return {"flows": {"snippet": None}, **content}
    if keys <= set(models.FlowConfig.model_fields):
        return {"flows": {"snippet": dict(content)}}
    if keys <= set(schedule.ScheduleConfig.model_fields):
        return {"flows": {"snippet": {"schedule": dict(content)}}}
    if keys <= set(notify.NotifyConfig.model_fields):
        return {"flows": {"snippet": {"notify": dict(content)}}}
    if keys <= set(notify.SmtpConfig.model_fields):
        smtp = {"host": "a", "sender": "b", "to": "c", "user": "d", "password": {"env": "E"}, **content}
        return {"flows": {"snippet": {"notify": {"smtp": smtp}}}}
    raise AssertionError(f"not a part of prefect.yml: {sorted(keys)}")


def is_interpolated(value: object) -> bool:
    return "${" in str(value)


@pytest.mark.parametrize("block", YAML, ids=lambda block: block.place)
def test_yaml_is_valid(block: Block) -> None:
    config = parse_config(complete_file(yaml.safe_load(block.text)))
    if is_interpolated(block.text):
        return
    try:
        build_all(config)
    except ConfigError as error:
        # a service that is not installed for the tests
        if "needs a package that is not installed here" not in str(error):
            raise


def build_all(config: models.PrefectConfig) -> None:
    for flow in config.flows.values():
        flow.build_schedule()
        flow.build_storage()
        flow.build_run_config()
        flow.build_result()
        if not str(flow.executor.type_name).startswith("flights."):  # a class of the reader
            flow.build_executor()


def test_invalid_yaml_is_detected() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'schedule'"):
        parse_config(complete_file({"flows": {"x": {"shedule": {"cron": "0 6 * * *"}}}}))
    with pytest.raises(AssertionError):
        complete_file({"shedule": {}})


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_python_can_be_parsed_and_its_imports_succeed(block: Block) -> None:
    tree = ast.parse(block.text)
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    try:
        exec(compile(ast.Module(imports, []), block.place, "exec"), {})
    except ModuleNotFoundError as error:
        if error.name not in OTHER_PACKAGES:
            raise
        pytest.skip(f"{error.name} is not installed: install the extra [plugins]")


def our_commands() -> list[tuple[str, str]]:
    return [
        (block.place, line.strip().lstrip("$ "))
        for block in CONSOLE
        for line in block.text.splitlines()
        if "kedro prefect " in line and line.strip().lstrip("$ ").split(" ")[0] in ("kedro",)
    ]


@pytest.mark.parametrize(("place", "line"), our_commands(), ids=lambda text: text[:60])
def test_commands_have_the_options_that_are_shown(place: str, line: str) -> None:
    words = shlex.split(line, comments=True)[2:]
    if words and words[0].startswith("-"):
        assert words[0] in ("--help", "-h")
        return
    name = words[0]
    assert name in COMMANDS, f"{place}: no command {name}"
    command = prefect.get_command(click.Context(prefect), name)
    if isinstance(command, click.Group) and words[1] != "[OPTIONS]":
        assert words[1] in command.commands, f"{place}: no command {name} {words[1]}"
        command = command.commands[words[1]]
    assert command is not None
    known = {option for param in command.params for option in param.opts} | {"--help", "-h"}
    given = {word.split("=")[0] for word in words[1:] if word.startswith("-") and len(word) > 1}
    assert given <= known, f"{place}: {given - known}"
