"""Snippets in the documentation work: YAML is valid, imports succeed. test_commands.py has the commands."""

from __future__ import annotations

import ast
from typing import Any, Mapping

import pytest
import yaml

from kedro_prefect_hooks.config import models, notify, parse_config, schedule
from kedro_prefect_hooks.errors import ConfigError
from tests.docs.pages import Block, blocks

OTHER_FILES = ("parameters.yml", "catalog.yml", "credentials.yml", "mlflow.yml")
OTHER_PACKAGES = ("mlflow", "kedro_mlflow")
"""Packages that pages mention and the extra [test] does not install."""
OF_OTHER_FILES = [
    block for block in blocks("yaml") if any(name in block.before.splitlines()[-1] for name in OTHER_FILES)
]
YAML = [block for block in blocks("yaml") if block not in OF_OTHER_FILES]
PYTHON = list(blocks("python"))


def test_there_are_snippets_to_test() -> None:
    assert len(YAML) > 30
    assert len(PYTHON) > 5


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


def test_yaml_of_other_files_can_be_read() -> None:
    assert OF_OTHER_FILES
    for block in OF_OTHER_FILES:
        assert isinstance(yaml.safe_load(block.text), dict), block.place


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
