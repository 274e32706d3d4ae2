"""The models of a valid file: defaults, and what overrides them."""

from __future__ import annotations

import datetime
import sys

import pytest
import yaml

from kedro_prefect_hooks.config import (
    FlowConfig,
    NodeSettings,
    models,
    node_settings,
    notify,
    parse_config,
    schedule,
    typed,
)
from kedro_prefect_hooks.config.editor_schema import examples

MINUTE = datetime.timedelta(minutes=1)


def flow_of(text: str, defaults: str = "{}") -> FlowConfig:
    raw = {"defaults": yaml.safe_load(defaults), "flows": {"a": yaml.safe_load(text)}}
    return parse_config(raw, files={"": "conf/base/prefect.yml"}).flows["a"]


def test_an_empty_flow_has_all_defaults() -> None:
    config = parse_config({"flows": {"flight-delays": None}, "register": None, "defaults": None, "api": None})
    flow = config.flows["flight-delays"]
    assert flow.name == "flight-delays"
    assert flow.pipeline == "__default__"
    assert (config.api, config.project) == ("embedded", None)
    assert config.registration.environments == ["deploy"]
    assert (config.registration.on_error, config.registration.timeout) == ("raise", 10)
    assert flow.storage.type_name == "Module"
    assert flow.run_config.type_name == "LocalRun"
    assert flow.executor.type_name == "LocalExecutor"
    assert (flow.result, flow.schedule, flow.notify) == (None, None, None)
    assert flow.group_by == "none"
    assert flow.node_settings("any") == NodeSettings(0, None, None, frozenset())


def test_empty_keys_have_defaults() -> None:
    flow = flow_of(
        "{labels: , tags: , nodes: {x: }, retries: , executor: , storage: , group_by: , pipeline: ,"
        " parameters: , is_async: }"
    )
    assert flow.is_async is False
    assert (flow.labels, flow.tags, flow.parameters) == ([], [], [])
    assert flow.pipeline == "__default__"
    assert flow.executor.type_name == "LocalExecutor"


def test_a_single_name_needs_no_list() -> None:
    assert flow_of("{labels: etl, tags: a}").labels == ["etl"]


def test_a_type_needs_no_mapping() -> None:
    assert flow_of("{executor: LocalDaskExecutor}").executor.type == "LocalDaskExecutor"


def test_module_storage_loads_this_plugins_flows_by_default() -> None:
    assert flow_of("{}").storage.arguments == {"module": typed.DEPLOYED_FLOWS}
    assert flow_of("{storage: {type: Module, module: a:b}}").storage.arguments == {"module": "a:b"}
    assert flow_of("{storage: {type: S3, bucket: b}}").storage.arguments == {"bucket": "b"}


def test_mappings_are_merged_with_defaults_key_by_key() -> None:
    flow = flow_of(
        "{retries: {max_retries: 5}, nodes: {x: {timeout: 9}}, run_config: {env: {B: b}}}",
        "{retries: {retry_delay: 5m, max_retries: 1}, nodes: {x: {max_retries: 0}, y: {timeout: 1}},"
        " run_config: {type: DockerRun, image: i, env: {A: a}}}",
    )
    assert flow.node_settings("z") == NodeSettings(5, 5 * MINUTE)
    assert flow.node_settings("x") == NodeSettings(0, None, 9)
    assert flow.node_settings("y").timeout == 1
    assert flow.run_config.type == "DockerRun"
    assert flow.run_config.arguments == {"image": "i", "env": {"A": "a", "B": "b"}}


def test_other_types_lists_and_schedules_replace_the_default() -> None:
    flow = flow_of(
        "{executor: {type: DaskExecutor}, labels: [b], schedule: {interval: 4h}}",
        "{executor: {type: LocalDaskExecutor, scheduler: sync}, labels: [a], schedule: {cron: '5 * * * *'}}",
    )
    assert flow.executor.arguments == {}
    assert flow.labels == ["b"]
    assert flow.schedule is not None
    assert flow.schedule.cron is None


def test_is_async_of_a_flow_replaces_the_default() -> None:
    flows = {"a": None, "b": {"is_async": False}}
    config = parse_config({"defaults": {"is_async": True}, "flows": flows})
    assert (config.flows["a"].is_async, config.flows["b"].is_async) == (True, False)


def test_null_removes_a_default() -> None:
    defaults = "{schedule: {cron: '* * * * *'}, notify: {email: true}, result: PrefectResult, labels: [a]}"
    kept, removed = flow_of("{}", defaults), flow_of("{schedule: , notify: , result: , labels: }", defaults)
    assert kept.schedule and kept.notify and kept.result and kept.labels
    assert (removed.schedule, removed.notify, removed.result, removed.labels) == (None, None, None, [])


def test_slack_in_a_flow_replaces_slack_in_defaults() -> None:
    flow = flow_of("{notify: {slack: {env: B}}}", "{notify: {slack: {secret: A}, states: [Cancelled]}}")
    assert flow.notify is not None and flow.notify.slack is not None
    assert (flow.notify.slack.env, flow.notify.slack.secret) == ("B", None)
    assert flow.notify.states == ["Cancelled"]


def test_place_names_the_key_that_was_set() -> None:
    flow = flow_of("{retries: {max_retries: 1}}", "{executor: LocalExecutor}")
    assert str(flow.place("executor")) == "conf/base/prefect.yml, defaults.executor"
    assert str(flow.place("retries", "max_retries")) == "conf/base/prefect.yml, flows.a.retries.max_retries"


def test_the_most_specific_node_settings_win() -> None:
    flow = flow_of(
        """
        retries: {max_retries: 1}
        nodes:
          train: {max_retries: 5, tags: [gpu]}
          "tag:slow": {timeout: 1h, tags: [big], max_retries: 2, retry_delay: 10}
          "tag:late": {timeout: 2h}
        """
    )
    assert flow.node_settings("other") == NodeSettings(1, MINUTE)
    assert flow.node_settings("other", {"slow"}) == NodeSettings(
        2, datetime.timedelta(seconds=10), 3600, frozenset({"big"})
    )
    train = flow.node_settings("train", {"late", "slow"})
    assert train == NodeSettings(5, datetime.timedelta(seconds=10), 7200, frozenset({"gpu", "big"}))


def test_settings_of_a_namespace_apply_to_its_nodes() -> None:
    flow = flow_of(
        """
        nodes:
          "namespace:models": {max_retries: 1, retry_delay: 60, timeout: 5}
          "tag:slow": {timeout: 7}
          "namespace:models.trees": {timeout: 9}
          "models.trees.grow": {max_retries: 2}
        """
    )
    assert flow.node_settings("models.trees.train", {"slow"}, "models.trees") == NodeSettings(1, MINUTE, 9)
    assert flow.node_settings("models.train", {"slow"}, "models") == NodeSettings(1, MINUTE, 7)
    assert flow.node_settings("models.trees.grow", (), "models.trees") == NodeSettings(2, MINUTE, 9)
    assert flow.node_settings("model", (), "models_too") == NodeSettings()


def test_without_retries_there_is_no_delay_since_prefect_refuses_one() -> None:
    assert flow_of("{retries: {retry_delay: 5}}").node_settings("any") == NodeSettings(0, None)


MODELS = [
    model
    for module in (models, schedule, node_settings, notify, typed)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, models.Model) and model.__module__ == module.__name__
]
NOT_IN_THE_FILE = {"TypedConfig", "NamedSecret"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_example_in_each_docstring_is_valid(model: type[models.Model]) -> None:
    texts = examples(model)
    assert texts or model.__name__ in NOT_IN_THE_FILE
    for text in texts:
        content = yaml.safe_load(text)
        if len(content) == 1 and model is not models.PrefectConfig:
            (under,) = content.values()
            named = next(iter(content)) in model.model_fields
            if not named:
                content = under
        if model is models.FlowConfig or model is node_settings.NodeConfig:
            for each in content.values():
                model.model_validate(each)
        else:
            model.model_validate(content)


def test_models_do_not_import_prefect() -> None:
    import subprocess

    code = "import sys, kedro_prefect_hooks.config.parsing; print('prefect' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().splitlines()[-1] == "False"
