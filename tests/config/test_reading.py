"""`prefect.yml` is read through the project's own config loader, of any class, or a message says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import kedro.config
import pytest

from kedro_prefect_hooks.config import (
    NoPrefectYmlError,
    listed_environments,
    load_config,
    reading,
    run_defaults,
)
from kedro_prefect_hooks.errors import ConfigError
from tests.config.conftest import CONFIG_LOADERS, OMEGA
from tests.scenarios.project_factory import REPOSITORY

Conf = Callable[..., Path]
LoaderOf = Callable[..., Any]
omega = pytest.mark.skipif(OMEGA not in CONFIG_LOADERS, reason="this Kedro has no OmegaConfigLoader")


@pytest.mark.parametrize("name", CONFIG_LOADERS)
def test_environment_replaces_top_level_keys(conf: Conf, loader_of: LoaderOf, name: str) -> None:
    source = conf(
        {
            "base/prefect.yml": "api: prefect\nflows: {a: {}, b: {}}\n",
            "deploy/prefect.yml": "flows:\n  c:\n",
        }
    )
    config = load_config(loader_of(source, "deploy", name))
    assert config.api == "prefect"
    assert list(config.flows) == ["c"]


@pytest.mark.parametrize("name", CONFIG_LOADERS)
@pytest.mark.parametrize(
    "file", ["prefect.yml", "prefect_flows.yaml", "prefect/flows.yml", "deep/prefect.yml"]
)
def test_the_file_may_have_any_of_the_usual_names(
    conf: Conf, loader_of: LoaderOf, name: str, file: str
) -> None:
    config = load_config(loader_of(conf({f"base/{file}": "flows: {a: }"}), "deploy", name))
    assert list(config.flows) == ["a"]


@pytest.mark.parametrize("name", CONFIG_LOADERS)
def test_each_flow_may_have_a_file_of_its_own(conf: Conf, loader_of: LoaderOf, name: str) -> None:
    source = conf(
        {
            "base/prefect.yml": "flows: {together: {labels: [x]}}\n",
            "base/prefect_night.yml": "flows.night: {labels: [base]}\n",
            "base/prefect/day.v2.yml": "flows.day.v2:\n",
            "deploy/prefect_night.yml": "flows.night: {labels: [deploy]}\n",
        }
    )
    config = load_config(loader_of(source, "deploy", name))
    assert {flow: list(each.labels) for flow, each in config.flows.items()} == {
        "together": ["x"],
        "day.v2": [],
        "night": ["deploy"],
    }
    assert str(config.flows["night"].place("labels")) == "conf/deploy/prefect_night.yml, flows.night.labels"
    assert str(config.flows["day.v2"].place()) == 'conf/base/prefect/day.v2.yml, flows."day.v2"'


@omega
def test_globals_interpolation_and_custom_resolvers(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf(
        {
            "base/globals.yml": "delay: 5m\n",
            "base/prefect.yml": """
                _shared: {max_retries: 3, retry_delay: "${globals:delay}"}
                flows:
                  a: {retries: "${_shared}", labels: ["${where:}"]}
                """,
        }
    )
    loader = loader_of(source, custom_resolvers={"where": lambda: "here"})
    flow = load_config(loader).flows["a"]
    assert flow.node_settings("any").retry_delay.total_seconds() == 300
    assert flow.labels == ["here"]


@omega
def test_a_users_own_pattern_is_kept(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf({"base/flows.yml": "flows: {mine: }", "base/prefect.yml": "flows: {a: }"})
    assert list(load_config(loader_of(source, config_patterns={"prefect": ["flows*"]})).flows) == ["mine"]


@pytest.mark.parametrize("name", CONFIG_LOADERS)
def test_a_missing_file_has_its_own_error(conf: Conf, loader_of: LoaderOf, name: str) -> None:
    loader = loader_of(conf({"base/parameters.yml": "a: 1"}), "deploy", name)
    with pytest.raises(NoPrefectYmlError) as raised:
        load_config(loader)
    assert "conf/base or conf/deploy" in str(raised.value)
    assert "kedro prefect init" in str(raised.value)
    assert listed_environments(loader) == ("deploy",)
    assert run_defaults(loader).executor.type_name == "LocalExecutor"


@pytest.mark.parametrize("name", CONFIG_LOADERS)
def test_a_missing_environment_folder_has_its_own_error(conf: Conf, loader_of: LoaderOf, name: str) -> None:
    loader = loader_of(conf({"base/prefect.yml": "flows: {a: }"}), "deplyo", name)
    with pytest.raises(ConfigError) as raised:
        load_config(loader)
    assert not isinstance(raised.value, NoPrefectYmlError)
    message = str(raised.value)
    assert "conf/deplyo does not exist" in message
    assert "Did you mean 'deploy'?" in message
    assert "base, deploy, local" in message


BROKEN = {
    "unclosed": ("flows: {a: \n", "line 2"),
    "tab": ("flows:\n\ta: 1\n", "line 2"),
    "list": ("- flows\n", "found a list, expected a mapping"),
    "plain": ("42\n", "found a plain value, expected a mapping"),
    "unclosed quote": ('api: "embedded\nflows: {a: }\n', "not valid YAML"),
}


@pytest.mark.parametrize("name", CONFIG_LOADERS)
@pytest.mark.parametrize(("text", "part"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_not_a_yaml_mapping(
    conf: Conf, loader_of: LoaderOf, name: str, text: str, part: str
) -> None:
    loader = loader_of(conf({"deploy/prefect.yml": text}), "deploy", name)
    with pytest.raises(ConfigError) as raised:
        load_config(loader)
    assert str(raised.value).startswith("conf/deploy/prefect.yml: ")
    assert part in str(raised.value)
    assert "\n" not in str(raised.value)
    assert listed_environments(loader) == ("deploy",)


@omega
def test_interpolation_without_a_value(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf({"base/prefect.yml": 'api: "${globals:missing}"\nflows: {a: }'})
    with pytest.raises(ConfigError, match="missing"):
        load_config(loader_of(source))


@pytest.mark.parametrize("text", ["", "# nothing\n", "_only: {private: 1}\n"])
def test_empty_file(conf: Conf, loader_of: LoaderOf, text: str) -> None:
    name = OMEGA if OMEGA in CONFIG_LOADERS else "ConfigLoader"
    with pytest.raises(ConfigError) as raised:
        load_config(loader_of(conf({"base/prefect.yml": text}), "deploy", name))
    assert str(raised.value).startswith("conf/base/prefect.yml: the file is empty: expected `flows:`")


def test_message_names_the_file_that_holds_the_key(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf(
        {
            "base/prefect.yml": "register: {on_error: rais}\nflows: {a: }",
            "deploy/prefect.yml": "flows: {a: {retries: {max_retry: 1}}}",
        }
    )
    with pytest.raises(ConfigError) as raised:
        load_config(loader_of(source))
    message = str(raised.value)
    assert "2 problems in conf/base/prefect.yml and conf/deploy/prefect.yml" in message
    assert "conf/base/prefect.yml, register.on_error: unknown value 'rais'. Did you mean 'raise'?" in message
    assert "conf/deploy/prefect.yml, flows.a.retries.max_retry: unknown key 'max_retry'." in message


@pytest.mark.parametrize(
    ("text", "environments"),
    [
        ("flows: {a: }", ("deploy",)),
        ("register: {environments: [a, b]}", ("a", "b")),
        ("register: {environments: prod}", ("prod",)),
        ("register: {environments: []}", ()),
        ("register: {environments: }", ()),
        ("register: {on_error: warn}", ("deploy",)),
        ("register: nonsense", ("deploy",)),
        ("register: {environments: {a: 1}}", ("deploy",)),
    ],
)
def test_environments_that_register(
    conf: Conf, loader_of: LoaderOf, text: str, environments: tuple[str, ...]
) -> None:
    assert listed_environments(loader_of(conf({"base/prefect.yml": text}))) == environments


def test_runs_without_a_flow_use_only_the_defaults(conf: Conf, loader_of: LoaderOf) -> None:
    text = "defaults: {executor: {type: LocalDaskExecutor}}\nflows: {wrong: {nothing: 1}}"
    assert run_defaults(loader_of(conf({"base/prefect.yml": text}))).executor.type == "LocalDaskExecutor"


def test_reading_the_environments_imports_neither_prefect_nor_pydantic(conf: Conf) -> None:
    source = conf({"base/prefect.yml": "register: {environments: [prod]}\nflows: {a: }"})
    code = f"""
import sys
from pathlib import Path
from tests.config.conftest import make_loader
name = {CONFIG_LOADERS[-1]!r}
options = dict(base_env="base", default_run_env="local") if name == {OMEGA!r} else {{}}
loader = make_loader(name, Path({str(source)!r}), None, **options)
before = {{each.split(".")[0] for each in sys.modules}}
from kedro_prefect_hooks.config import listed_environments
assert listed_environments(loader) == ("prod",)
print(sorted({{"prefect", "pydantic"}} & ({{each.split(".")[0] for each in sys.modules}} - before)))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().splitlines()[-1] == "[]"


LISTED = {
    "a list": ("register: {environments: [prod, stage]}\nflows: {a: }\n", ("prod", "stage"), True),
    "a name": ("register:\n  environments: prod\nflows: {a: }\n", ("prod",), True),
    "none": ("register: {environments: []}\nflows: {a: }\n", (), True),
    "not mentioned": ("flows: {a: }\n", ("deploy",), True),
    "other settings": ("register: {on_error: warn}\nflows: {a: }\n", ("deploy",), False),
    "null": ("register: {environments: }\nflows: {a: }\n", (), False),
    "a number": ("register: {environments: [1.0, on]}\nflows: {a: }\n", ("1.0", "True"), False),
    "interpolated": (
        "_e: prod\nregister: {environments: ['${_e}']}\nflows: {a: }\n",
        ("prod",),
        False,
    ),
    "merged": ("_r: &r {register: {environments: [prod]}}\n<<: *r\nflows: {a: }\n", ("prod",), False),
    "twice": ("register: {environments: [a]}\nregister: {environments: [b]}\n", ("deploy",), False),
    "broken": ("register: {environments: [prod]\n", ("deploy",), True),
    "empty": ("", ("deploy",), False),
}


@omega
@pytest.mark.parametrize("case", LISTED.values(), ids=LISTED)
def test_the_listed_environments_are_those_of_the_loader(
    conf: Conf,
    loader_of: LoaderOf,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, tuple[str, ...], bool],
) -> None:
    text, expected, is_plain = case
    loader = loader_of(conf({"base/prefect.yml": text}), "local")
    assert listed_environments(loader) == expected
    asked: list[str] = []
    own = reading.read_prefect_yml
    monkeypatch.setattr(reading, "read_prefect_yml", lambda loader: asked.append("") or own(loader))
    assert listed_environments(loader) == expected
    assert bool(asked) is not is_plain, "the loader is slow, and is asked only if it must be"
    monkeypatch.setattr(reading, "_environments_of_files", lambda _: None)
    assert listed_environments(loader) == expected


@omega
def test_the_listed_environments_of_one_environment_replace_those_of_base(
    conf: Conf, loader_of: LoaderOf
) -> None:
    source = conf(
        {
            "base/prefect.yml": "register: {environments: [a]}\nflows: {a: }\n",
            "deploy/prefect.yml": "register: {environments: [b]}\n",
        }
    )
    assert listed_environments(loader_of(source, "local")) == ("a",)
    assert listed_environments(loader_of(source, "deploy")) == ("b",)


@omega
def test_what_was_set_on_the_loader_or_comes_from_a_class_of_the_users_own_is_respected(
    conf: Conf, loader_of: LoaderOf
) -> None:
    source = conf({"base/prefect.yml": "flows: {a: }\n"})
    loader = loader_of(source)
    loader["prefect"] = {"register": {"environments": ["set"]}, "flows": {"a": None}}
    assert listed_environments(loader) == ("set",)

    class Own(kedro.config.OmegaConfigLoader):
        def __getitem__(self, key: str) -> Any:
            found = super().__getitem__(key)
            return {**found, "register": {"environments": ["own"]}} if key == "prefect" else found

    own = Own(conf_source=str(source), env="deploy", base_env="base", default_run_env="local")
    assert listed_environments(own) == ("own",)
    patterns = loader_of(source, config_patterns={"prefect": ["elsewhere*"]})
    (source / "base" / "elsewhere.yml").write_text("register: {environments: [there]}", encoding="utf-8")
    assert listed_environments(patterns) == ("there",)
