"""The JSON Schema agrees with parsing: valid files pass, invalid ones are marked."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from kedro.pipeline import Pipeline, node

from kedro_prefect_hooks.config import check, json_schema, parse_config
from kedro_prefect_hooks.config.prefect import objects
from kedro_prefect_hooks.config.template import first_prefect_yml
from tests.config import test_objects, test_project_check, test_schedules, test_validation

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def errors(content: Any) -> list[str]:
    # Editors, and OmegaConf, read dates in YAML as strings.
    return [error.message for error in VALIDATOR.iter_errors(json.loads(json.dumps(content, default=str)))]


def test_it_is_a_valid_schema_and_plain_json() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


VALID = [
    *test_project_check.VALID,
    *(text for text, _ in test_project_check.FILTERED),
    *(f"{{{kind}: {text}}}" for kind, text, _ in test_objects.BUILT.values()),
    *(f"{{schedule: {text}}}" for text, _ in test_schedules.TIMES.values()),
    "{retries: {max_retries: 2, retry_delay: 5m}, notify: {slack: NAME}, labels: x, description: d}",
    "{notify: {slack: {env: NAME}}}",
    "{executor: , storage: , nodes: , retries: , schedule: , notify: , labels: , pipeline: , is_async: }",
    "{is_async: true}",
    "{notify: {webhook: NAME, smtp: {host: a, sender: b, to: c, user: d, password: {env: E}}}}",
    "{notify: {webhook: {env: NAME, format: teams}}, log_stdout: , run_name: '{date}', extra_loggers: x}",
    "{nodes: {clean: {trigger: always_run, state_handlers: a.b, checkpoint: false, log_stdout: true}}}",
    "{retries: {max_retries: '${globals:retries}'}, executor: '${_executor}'}",
]


@pytest.mark.parametrize("text", VALID)
def test_valid_flows_pass(text: str) -> None:
    assert errors({"flows": {"a": yaml.safe_load(text)}}) == []


def test_is_async_is_a_boolean_of_flows_and_defaults() -> None:
    for where in ("defaults", "flows"):
        for value, valid in ((True, True), ("threads", False), (2, False)):
            settings = {"is_async": value}
            content = {"flows": {"a": settings if where == "flows" else None}}
            content.update({"defaults": settings} if where == "defaults" else {})
            assert (errors(content) == []) is valid, (where, value)


def test_a_flow_may_be_a_top_level_key() -> None:
    assert errors({"flows.night": {"labels": ["x"]}, "flows.day": None, "_shared": 1}) == []
    assert errors({"flows.night": {"label": ["x"]}})
    assert errors({"flow.night": {}})


NOT_MARKED = {"number as name", "no clock", "two clocks", "clock beside clocks", "date", "dates reversed"}
NOT_MARKED |= {"duration", "no time", "part of a second", "api", "no flows", "null flows"}


@pytest.mark.parametrize(
    "text",
    [text for name, (text, _) in test_validation.CASES.items() if name not in NOT_MARKED],
    ids=[name for name in test_validation.CASES if name not in NOT_MARKED],
)
def test_invalid_files_are_marked(text: str) -> None:
    assert errors(yaml.safe_load(text))


@pytest.mark.parametrize(
    "name", ["type", "argument", "argument of base", "string for boolean", "environment"]
)
def test_invalid_types_and_arguments_are_marked(name: str) -> None:
    kind, text, _ = test_objects.INVALID[name]
    given = yaml.safe_load(text)
    if kind == "run_config":
        given["type"] = "LocalRun"
    assert errors({"flows": {"a": {kind: given}}})


@pytest.mark.parametrize(("kind", "name"), test_objects.ALL_TYPES)
def test_every_type_of_prefect_is_accepted(kind: str, name: str) -> None:
    if kind != "serializer":
        assert errors({"flows": {"a": {kind: {"type": name}}}}) == []
        assert errors({"flows": {"a": {kind: {"type": name, "no_such_argument": 1}}}})
        assert f'"{name}"' in json.dumps(SCHEMA)


def test_partial_files_and_private_keys_pass() -> None:
    assert errors({"api": "prefect"}) == []
    assert errors({"_shared": {"anything": 1}, "flows": {"a": None}}) == []


def test_every_key_has_a_description() -> None:
    for name, definition in SCHEMA["definitions"].items():
        for schema in [definition, *definition.get("anyOf", [])]:
            for key, value in schema.get("properties", {}).items():
                assert value is True or value.get("description"), f"{name}.{key}"
        assert definition["description"], name


def test_types_are_those_of_prefect() -> None:
    mapping = SCHEMA["definitions"]["ExecutorConfig"]["anyOf"][0]
    assert mapping["properties"]["type"]["anyOf"][0]["enum"] == objects.type_names("executor")


def identity(value: Any) -> Any:
    return value


@pytest.mark.parametrize("others", [[], ["data_science", "1", "a b"]])
def test_the_first_prefect_yml_is_valid(others: list[str]) -> None:
    pipeline = Pipeline([node(identity, "a", "b", name="one")])
    pipelines = {"__default__": pipeline, **dict.fromkeys(others, pipeline)}
    text = first_prefect_yml("my_project", pipelines, environment="prod", schema="../schema.json")
    assert text.startswith("# yaml-language-server: $schema=../schema.json\n")
    content = yaml.safe_load(text)
    config = parse_config(content)
    check(config, pipelines=pipelines, parameters={})
    assert errors(content) == []
    assert list(config.flows) == ["my-project"]
    assert config.registration.environments == ["prod"]


def test_its_comments_can_be_uncommented() -> None:
    pipeline = Pipeline([node(identity, "a", "b", name="one")])
    text = first_prefect_yml("p", {"__default__": pipeline, "other": pipeline}, schema="s")
    lines = text.splitlines()
    flows = lines.index("flows:")
    uncommented = [line.replace("# ", "", 1) if line.startswith("  # ") else line for line in lines[flows:]]
    content = yaml.safe_load("\n".join(uncommented))
    assert content == {"flows": {"p": {"pipeline": "__default__"}, "p-other": {"pipeline": "other"}}}
    examples = [line.strip()[2:] for line in lines[:flows] if line.startswith("  # ") and ": {" in line]
    assert len(examples) >= 5
    for example in examples:
        raw = {"defaults": yaml.safe_load(example), "flows": {"a": None}}
        check(parse_config(raw), pipelines={"__default__": pipeline}, parameters={})
        assert errors(raw) == []
