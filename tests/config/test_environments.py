"""Which environment a command works in, and what is said of environments and folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import kedro.config
import pytest

from kedro_prefect_hooks.compat import kedro_config
from kedro_prefect_hooks.config import environments, load_config
from kedro_prefect_hooks.errors import ConfigError
from tests.config.conftest import CONFIG_LOADERS, OMEGA
from tests.scenarios.project_factory import KEDRO

AbstractConfigLoader: Any = getattr(kedro.config, "AbstractConfigLoader", object)
Conf = Callable[..., Path]
LoaderOf = Callable[..., Any]
omega = pytest.mark.skipif(OMEGA not in CONFIG_LOADERS, reason="this Kedro has no OmegaConfigLoader")

LISTED = {
    "nothing listed": ("flows: {a: }", "deploy", []),
    "listed": ("register: {environments: [prod]}\nflows: {a: }", "prod", []),
    "the first that exists": (
        "register: {environments: [stage, prod]}\nflows: {a: }",
        "prod",
        ["conf/base/prefect.yml, register.environments[0]: found 'stage'"],
    ),
    "none": ("register: {environments: []}\nflows: {a: }", None, []),
    "no file": (None, "deploy", []),
}


@pytest.mark.parametrize(("text", "chosen", "said"), LISTED.values(), ids=LISTED)
def test_commands_use_the_first_listed_environment_with_a_folder(
    conf: Conf, loader_of: LoaderOf, text: str | None, chosen: str | None, said: list[str]
) -> None:
    source = conf({"prod/catalog.yml": "{}", **({} if text is None else {"base/prefect.yml": text})})
    loader = loader_of(source, None)
    assert environments.registering_environment(loader) == chosen
    messages = list(environments.missing_environments(loader))
    assert len(messages) == len(said)
    assert all(message.startswith(start) for message, start in zip(messages, said))


def test_a_misspelled_environment_is_an_error(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf({"base/prefect.yml": "register: {environments: [deplyo]}\nflows: {a: }"})
    with pytest.raises(ConfigError) as raised:
        environments.registering_environment(loader_of(source, None))
    message = str(raised.value)
    assert message.startswith("conf/base/prefect.yml, register.environments[0]: found 'deplyo', expected")
    assert "Did you mean 'deploy'? Existing environments: base, deploy, local." in message
    assert "--env" in message


def test_the_default_environment_where_nothing_registers(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf({"base/prefect.yml": "flows: {a: }"})
    (source / "deploy").rmdir()
    assert environments.registering_environment(loader_of(source, None)) is None


def test_what_is_read_is_said(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf({})
    text = environments.description(loader_of(source, "deploy"), "deploy")
    assert text.startswith("Environment deploy: reads conf/base and conf/deploy, not conf/local.")
    assert "credentials, belongs in conf/deploy" in text
    text = environments.description(loader_of(source, "local"), "local")
    assert text == "Environment local: reads conf/base and conf/local."


@omega
def test_environments_of_other_names(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf({"shared/prefect.yml": "flows: {a: }", "mine/catalog.yml": "{}"})
    loader = loader_of(source, "deploy", base_env="shared", default_run_env="mine")
    assert list(load_config(loader).flows) == ["a"]
    assert environments.description(loader, "deploy").startswith(
        "Environment deploy: reads conf/shared and conf/deploy, not conf/mine."
    )


@omega
def test_a_flat_configuration_folder(tmp_path: Path, loader_of: LoaderOf) -> None:
    source = tmp_path / "conf"
    source.mkdir()
    (source / "prefect.yml").write_text("flows: {a: }\n", encoding="utf-8")
    loader = loader_of(source, None, base_env="", default_run_env="")
    assert list(load_config(loader).flows) == ["a"]
    assert environments.registering_environment(loader) is None
    assert environments.description(loader, "") == "Environment none: reads conf."


@pytest.mark.skipif(KEDRO < (0, 19, 0), reason="this Kedro cannot merge deeply")
def test_a_deep_merge_blames_the_file_that_holds_the_key(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf(
        {
            "base/prefect.yml": "flows: {a: {labels: [1]}, b: {}}",
            "deploy/prefect.yml": "flows: {b: {labels: [2]}}",
        }
    )
    with pytest.raises(ConfigError) as raised:
        load_config(loader_of(source, merge_strategy={"prefect": "soft"}))
    assert "conf/base/prefect.yml, flows.a.labels[0]: found 1" in str(raised.value)
    assert "conf/deploy/prefect.yml, flows.b.labels[0]: found 2" in str(raised.value)


@pytest.mark.skipif(not hasattr(AbstractConfigLoader, "__getitem__"), reason="loaders are no mappings")
def test_a_loader_of_the_users_own_that_is_a_plain_mapping(tmp_path: Path) -> None:
    class InMemory(AbstractConfigLoader):  # type: ignore[misc]
        """Has what it has by name, and no `config_patterns`."""

    (tmp_path / "conf").mkdir()
    loader = InMemory(conf_source=str(tmp_path / "conf"), env="deploy")
    assert not hasattr(loader, "config_patterns")
    loader["prefect"] = {"flows": {"a": None}}
    assert list(load_config(loader).flows) == ["a"]
    assert environments.folders_read(loader) == ["conf", "conf/deploy"]
    with pytest.raises(Exception, match="catalog"):
        kedro_config.read_configuration(loader, "catalog", ["catalog*"])
