"""Errors in the file name the key, what was found, what is accepted, and the nearest spelling."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kedro_prefect_hooks.config import PrefectConfig, parse_config
from kedro_prefect_hooks.errors import ConfigError

FILE = {"": "conf/base/prefect.yml"}


def message_of(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        parse_config(yaml.safe_load(text), files=FILE)
    assert "pydantic" not in str(raised.value)
    return str(raised.value)


def parsed(text: str) -> PrefectConfig:
    return parse_config(yaml.safe_load(text), files=FILE)


CASES: dict[str, tuple[str, list[str]]] = {
    "top key": ("flow: {}\nflows: {a: }", ["flow: unknown key 'flow'", "Did you mean 'flows'?", "register"]),
    "nested key": (
        "flows: {flight-delays: {retries: {max_retry: 2}}}",
        [
            "flows.flight-delays.retries.max_retry",
            "Did you mean 'max_retries'?",
            "Accepted: max_retries, retry_delay",
        ],
    ),
    "key of a node": ("flows: {a: {nodes: {b.c: {retry: 1}}}}", ['flows.a.nodes."b.c".retry', "timeout"]),
    "key of a clock": (
        "flows: {a: {schedule: {clocks: [{cron: '* * * * *', label: x}]}}}",
        ["flows.a.schedule.clocks[0].label", "Did you mean 'labels'?"],
    ),
    "key in defaults": ("defaults: {executer: {}}\nflows: {a: }", ["defaults.executer", "'executor'?"]),
    "filter in defaults": ("defaults: {pipeline: b}\nflows: {a: }", ["defaults.pipeline: unknown key"]),
    "no flows": ("api: embedded", ["flows: missing"]),
    "empty flows": ("flows: {}", ["flows: found no flows, expected at least one"]),
    "null flows": ("flows:", ["flows: found no flows, expected at least one"]),
    "list of flows": ("flows: [a]", ["flows: found ['a'], expected a mapping"]),
    "flow that is a string": ("flows: {a: b}", ["flows.a: found 'b', expected a mapping"]),
    "number as name": ("flows: {1: }", ["flows.1: found the key 1, expected a string"]),
    "word": (
        "register: {on_error: rais}\nflows: {a: }",
        ["unknown value 'rais'", "raise, warn"],
    ),
    "negative": ("flows: {a: {retries: {max_retries: -1}}}", ["found -1, expected 0 or more"]),
    "boolean as number": (
        "flows: {a: {retries: {max_retries: yes}}}",
        ["found true, expected an integer"],
    ),
    "string as number": ("flows: {a: {retries: {max_retries: two}}}", ["found 'two', expected an integer"]),
    "part of a retry": ("flows: {a: {retries: {max_retries: 1.5}}}", ["found 1.5, expected an integer"]),
    "duration": ("flows: {a: {retries: {retry_delay: soon}}}", ["found 'soon'", "90s, 5m, 1h 30m"]),
    "no time": (
        "register: {timeout: 0}\nflows: {a: }",
        ["register.timeout: found 0 seconds, expected more than 0"],
    ),
    "part of a second": ("flows: {a: {nodes: {b: {timeout: 1.5}}}}", ["nodes.b.timeout", "whole seconds"]),
    "list item": (
        "flows: {a: {labels: [1]}}",
        ["flows.a.labels[0]: found 1, expected a string: put it in quotes"],
    ),
    "not a list": ("flows: {a: {tags: 3}}", ["flows.a.tags: found 3, expected a list"]),
    "cron expression alone": (
        "flows: {a: {schedule: '0 6 * * *'}}",
        ['expected a mapping: {cron: "0 6 * * *"}'],
    ),
    "no clock": ("flows: {a: {schedule: {timezone: UTC}}}", ["expected one of cron, interval, rrule, dates"]),
    "two clocks": (
        "flows: {a: {schedule: {cron: '* * * * *', interval: 4h}}}",
        ["cron and interval together"],
    ),
    "clock beside clocks": (
        "flows: {a: {schedule: {cron: '* * * * *', clocks: [{interval: 4h}]}}}",
        ["found `cron` beside `clocks`"],
    ),
    "no date": ("flows: {a: {schedule: {dates: []}}}", ["schedule.dates: found an empty list"]),
    "date": ("flows: {a: {schedule: {dates: [soon]}}}", ["schedule.dates[0]: found 'soon', expected a date"]),
    "dates reversed": (
        "flows: {a: {schedule: {interval: 1h, start_date: 2026-02-01, end_date: 2026-01-01}}}",
        ["start_date is after end_date"],
    ),
    "api": (
        "api: embeded\nflows: {a: }",
        ["api: unknown API 'embeded'", "Did you mean 'embedded'?", "http://"],
    ),
    "executor as list": (
        "flows: {a: {executor: [LocalExecutor]}}",
        ["flows.a.executor", "expected a mapping"],
    ),
    "type as number": (
        "flows: {a: {executor: {type: 3}}}",
        ["flows.a.executor.type: found 3, expected a string"],
    ),
}


@pytest.mark.parametrize(("text", "parts"), CASES.values(), ids=CASES)
def test_one_clear_message(text: str, parts: list[str]) -> None:
    message = message_of(text)
    assert message.startswith("conf/base/prefect.yml, ")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_all_problems_are_reported_once() -> None:
    message = message_of("api: x\ndefaults: {executors: 1}\nflows: {a: {b: 1}, c: {d: 1}}")
    assert message.splitlines()[0] == "4 problems in conf/base/prefect.yml:"
    assert [line.split(":")[0] for line in message.splitlines()[1:]] == [
        "- api", "- defaults.executors", "- flows.a.b", "- flows.c.d",
    ]  # fmt: skip


WEBHOOK = "https://hooks.slack.com/services/T000/B000/XXXX"
SECRETS = {
    "slack": f"flows: {{a: {{notify: {{slack: '{WEBHOOK}'}}}}}}",
    "slack secret": f"flows: {{a: {{notify: {{slack: {{secret: '{WEBHOOK}'}}}}}}}}",
    "slack env": f"flows: {{a: {{notify: {{slack: {{env: '{WEBHOOK}'}}}}}}}}",
    "slack url": f"flows: {{a: {{notify: {{slack: {{url: '{WEBHOOK}'}}}}}}}}",
    "notify": f"flows: {{a: {{notify: '{WEBHOOK}'}}}}",
    "in defaults": f"defaults: {{notify: {{slack: '{WEBHOOK}'}}}}\nflows: {{a: }}",
    "environment": "flows: {a: {run_config: {env: {DB_PASSWORD: XXXX}}}}",
    "url": "flows: {a: {run_config: {env: {DB: 'postgresql://me:XXXX@host/db'}}}}",
    "deep": "flows: {a: {result: {type: S3Result, bucket: b, boto3_kwargs: {aws_secret_access_key: XXXX}}}}",
    "argument": "flows: {a: {result: {type: AzureResult, container: c, connection_string: XXXX}}}",
    "api": "api: https://me:XXXX@host\nflows: {a: }",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_secret_in_the_file_is_rejected_and_not_repeated(text: str) -> None:
    assert "XXXX" not in message_of(text)


@pytest.mark.parametrize("text", [SECRETS["slack"], SECRETS["slack env"], SECRETS["notify"]])
def test_the_message_explains_how_to_name_a_webhook(text: str) -> None:
    message = message_of(text)
    assert "slack: {secret: SLACK_WEBHOOK_URL}" in message
    assert "slack: {env: SLACK_WEBHOOK_URL}" in message


@pytest.mark.parametrize(
    "storage",
    [
        "{type: GitHub, repo: a/b, path: c, access_token_secret: GITHUB}",
        "{type: Git, flow_path: a, git_token_secret_name: GITHUB}",
        "{type: S3, bucket: b, key: flows/a}",
    ],
)
def test_names_of_secrets_are_accepted(storage: str) -> None:
    assert parsed(f"flows: {{a: {{storage: {storage}}}}}").flows["a"].storage.type


def test_a_storage_that_no_agent_can_load_is_refused() -> None:
    storage = "type: Git, flow_path: a.py, git_clone_url_secret_name: CLONE_URL"
    with pytest.raises(ConfigError, match=r"git_clone_url_secret_name: .* without `repo`"):
        parsed(f"flows: {{a: {{storage: {{{storage}}}}}}}").flows["a"].build_storage()
    assert parsed(f"flows: {{a: {{storage: {{repo: a/b, {storage}}}}}}}").flows["a"].build_storage()


@pytest.mark.parametrize(
    "env", ["{API_KEY: ''}", "{TOKENIZERS_PARALLELISM: 'false'}", "{A: 'https://x/y@z'}"]
)
def test_what_only_resembles_a_secret_is_accepted(env: str) -> None:
    assert parsed(f"flows: {{a: {{run_config: {{env: {env}}}}}}}")


SECONDS: list[tuple[Any, float]] = [
    (60, 60), (0.5, 0.5), ("90", 90), ("90s", 90), ("5m", 300), ("1h 30m", 5400), ("1h30m", 5400),
    ("2 days", 172800), ("1 hour and 1 minute", 3660), ("1.5h", 5400), ("1w", 604800),
]  # fmt: skip


@pytest.mark.parametrize(("given", "seconds"), SECONDS)
def test_durations(given: object, seconds: float) -> None:
    config = parse_config({"register": {"timeout": given}, "flows": {"a": None}})
    assert config.registration.timeout == seconds


@pytest.mark.parametrize("given", ["", "m", "5 parsecs", "5m!", "-5", -5, True, None, [5], "1h 2"])
def test_invalid_durations(given: object) -> None:
    with pytest.raises(ConfigError, match=r"register\.timeout: found"):
        parse_config({"register": {"timeout": given}, "flows": {"a": None}})


def test_many_problems_of_one_kind_are_folded() -> None:
    flows = ", ".join(f"f{number}: {{report: word{number}}}" for number in range(12))
    lines = message_of(f"{{flows: {{{flows}, other: {{labels: [1]}}}}}}").splitlines()
    assert lines[0] == "13 problems in conf/base/prefect.yml:"
    assert lines[1].startswith("- flows.f0.report: unknown value 'word0'")
    assert lines[-2] == "- flows.other.labels[0]: found 1, expected a string: put it in quotes"
    rest = "flows.f5.report, flows.f6.report, flows.f7.report, flows.f8.report and 3 more"
    assert lines[-1] == f"- {rest}: the same kind of problem"
    assert len(lines) == 8
