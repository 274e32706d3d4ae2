"""`prefect.yml` is checked against the project, and one message lists everything that does not exist."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from kedro.pipeline import Pipeline, node

from kedro_prefect_hooks.config import check, filtered, parse_config
from kedro_prefect_hooks.errors import ConfigError

FILE = {"": "conf/base/prefect.yml"}


def identity(value: Any) -> Any:
    return value


def make_pipeline() -> Pipeline:
    return Pipeline(
        [
            node(identity, "flights@csv", "flights_clean", name="clean", tags=["ingest", "stage.load"]),
            node(identity, "flights_clean", "table@pandas", name="join", tags=["stage.join"]),
            node(identity, "table@spark", "model", name="train", tags=["slow"], namespace="models.trees"),
            node(identity, "params:model.size", "size", name="measure"),
        ]
    )


PIPELINES = {
    "__default__": make_pipeline(),
    "empty": Pipeline([]),
    "only_ingest": make_pipeline().only_nodes("clean"),
}
PARAMETERS = {
    "model": {"test_size": 0.2, "trees": {"depth": 3}},
    "threshold": 1,
    "odd": {1, 2},
    "infinite": float("inf"),
}
TRAIN = "models.trees.train"


def check_flow(text: str, defaults: str = "{}") -> None:
    raw = {"defaults": yaml.safe_load(defaults), "flows": {"a": yaml.safe_load(text)}}
    check(parse_config(raw, files=FILE), pipelines=PIPELINES, parameters=PARAMETERS)


def message_of(text: str, defaults: str = "{}") -> str:
    with pytest.raises(ConfigError) as raised:
        check_flow(text, defaults)
    return str(raised.value)


VALID = [
    "{}",
    "{tags: [ingest, slow]}",
    "{from_nodes: [join], to_nodes: [join]}",
    f"{{node_names: [clean, {TRAIN}]}}",
    "{from_inputs: [flights@csv]}",
    "{from_inputs: [flights], to_outputs: [table]}",
    "{to_outputs: [model]}",
    "{namespaces: [models]}",
    "{namespaces: [models.trees]}",
    "{parameters: [model.test_size, model.trees, threshold]}",
    "{nodes: {clean: {max_retries: 1}, 'tag:slow': {timeout: 5}}}",
    "{group_by: memory}",
    "{group_by: namespace}",
    "{nodes: {'namespace:models': {timeout: 5}, 'namespace:models.trees': {timeout: 6}}}",
    "{group_by: stage.}",
    "{parameters: [threshold], schedule: {cron: '* * * * *', parameters: {threshold: 2}}}",
    "{parameters: [threshold], schedule: {clocks: [{cron: '* * * * *', parameters: {threshold: 2}}]}}",
    "{state_handlers: [builtins.pow]}",
    "{result: PrefectResult, executor: LocalDaskExecutor, notify: {email: true, states: [Failed, TimedOut]}}",
]


@pytest.mark.parametrize("text", VALID)
def test_valid_flows(text: str) -> None:
    check_flow(text)


INVALID: dict[str, tuple[str, list[str]]] = {
    "pipeline": (
        "{pipeline: only_ingests}",
        ["pipeline: unknown pipeline", "Did you mean 'only_ingest'?", "__default__"],
    ),
    "empty pipeline": ("{pipeline: empty}", ["the pipeline 'empty' has no nodes"]),
    "tag": (
        "{tags: [slow, ingets]}",
        ["tags[1]: unknown tag 'ingets'", "'ingest'?", "In the pipeline '__default__'"],
    ),
    "from_nodes": ("{from_nodes: [jion]}", ["from_nodes[0]: unknown node 'jion'", "Did you mean 'join'?"]),
    "to_nodes": ("{to_nodes: [train]}", ["to_nodes[0]: unknown node 'train'", TRAIN]),
    "node_names": ("{node_names: [claen]}", ["node_names[0]: unknown node 'claen'", "'clean'?"]),
    "from_inputs": ("{from_inputs: [flight]}", ["from_inputs[0]: unknown dataset 'flight'", "'flights'?"]),
    "to_outputs": ("{to_outputs: [modle]}", ["to_outputs[0]: unknown dataset 'modle'"]),
    "namespace": (
        "{namespaces: [model]}",
        ["namespaces[0]: unknown namespace 'model'", "'models'?", "models.trees"],
    ),
    "no node left": (
        "{tags: [ingest], to_outputs: [model], namespaces: [models]}",
        [
            "flows.a: tags and to_outputs and namespaces together select no nodes of the pipeline "
            "'__default__'"
        ],
    ),
    "node": (
        "{nodes: {claen: {timeout: 5}}}",
        ["nodes.claen: unknown node 'claen'", "Did you mean 'clean'?"],
    ),
    "node's tag": ("{nodes: {'tag:slwo': {timeout: 5}}}", ["nodes.tag:slwo: unknown tag", "'tag:slow'?"]),
    "node filtered out": (
        "{pipeline: __default__, tags: [ingest], nodes: {join: {timeout: 5}}}",
        ["nodes.join: is in the pipeline, but the flow's filters exclude it"],
    ),
    "parameter": (
        "{parameters: [model.tset_size]}",
        ["parameters[0]: unknown parameter", "'model.test_size'?"],
    ),
    "parameter's dataset": ("{parameters: ['params:threshold']}", ["Did you mean 'threshold'?"]),
    "parameter twice": (
        "{parameters: [model, model.test_size]}",
        ["parameters[1]: 'model.test_size' is part of 'model'"],
    ),
    "no JSON": ("{parameters: [odd]}", ["parameters[0]: the value cannot be sent to Prefect as JSON"]),
    "no JSON number": ("{parameters: [infinite]}", ["parameters[0]: the value cannot be sent"]),
    "grouping": (
        "{group_by: namespaces}",
        ["group_by: unknown grouping", "Did you mean 'namespace'?", "memory"],
    ),
    "prefix": ("{group_by: 'stages.'}", ["group_by: unknown grouping 'stages.'"]),
    "clock's parameter": (
        "{parameters: [threshold], schedule: {cron: '* * * * *', parameters: {treshold: 2}}}",
        ["schedule.parameters.treshold: unknown parameter of the flow", "Did you mean 'threshold'?"],
    ),
    "parameter of clocks": (
        "{schedule: {clocks: [{cron: '* * * * *', parameters: {threshold: 2}}]}}",
        ["schedule.clocks[0].parameters.threshold", "Listed under this flow's `parameters`: none"],
    ),
    "state handler": (
        "{state_handlers: [json.dump5]}",
        ["state_handlers[0]: unknown function of json", "dumps"],
    ),
    "state handler's module": (
        "{state_handlers: [jsno.dumps]}",
        ["state_handlers[0]: cannot import 'jsno.dumps'"],
    ),
    "no state handler": (
        "{state_handlers: [json.__name__]}",
        ["state_handlers[0]: found 'json.__name__', which is not a function"],
    ),
    "not dotted": ("{state_handlers: [dumps]}", ["expected the dotted path of a function"]),
    "state": (
        "{notify: {email: true, states: [Fail]}}",
        ["notify.states[0]: unknown Prefect state", "'Failed'?"],
    ),
    "executor": (
        "{executor: {type: LocalDaskExecuter}}",
        ["executor.type", "Did you mean 'LocalDaskExecutor'?"],
    ),
    "cron": ("{schedule: {cron: '0 66 * * *'}}", ["schedule.cron: invalid cron expression '0 66 * * *'"]),
}


@pytest.mark.parametrize(("text", "parts"), INVALID.values(), ids=INVALID)
def test_invalid_flows(text: str, parts: list[str]) -> None:
    message = message_of(text)
    assert message.startswith("conf/base/prefect.yml, flows.a")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_all_problems_are_reported_at_once() -> None:
    message = message_of(
        "{tags: [x], parameters: [x], executor: X, run_config: X, schedule: {cron: x}, storage: X}"
    )
    lines = message.splitlines()
    assert lines[0] == "6 problems in conf/base/prefect.yml:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "- flows.a.tags[0]",
        "- flows.a.parameters[0]",
        "- flows.a.schedule.cron",
        "- flows.a.storage.type",
        "- flows.a.run_config.type",
        "- flows.a.executor.type",
    ]


def test_an_invalid_default_is_reported_once() -> None:
    raw = {"defaults": {"executor": "X"}, "flows": {"a": None, "b": None}}
    with pytest.raises(ConfigError) as raised:
        check(parse_config(raw, files=FILE), pipelines=PIPELINES, parameters=PARAMETERS)
    assert str(raised.value).startswith("conf/base/prefect.yml, defaults.executor.type: unknown executor 'X'")


def test_nodes_in_defaults_must_be_in_at_least_one_flow() -> None:
    check_flow("{pipeline: only_ingest}", "{nodes: {clean: {timeout: 5}}}")
    message = message_of("{pipeline: only_ingest}", f"{{nodes: {{{TRAIN}: {{timeout: 5}}}}}}")
    assert "defaults.nodes" in message
    raw = {
        "defaults": {"nodes": {TRAIN: {"timeout": 5}, "clean": {"timeout": 5}}},
        "flows": {"a": {"pipeline": "only_ingest", "nodes": {"clean": {"timeout": 6}}}, "b": None},
    }
    config = parse_config(raw, files=FILE)
    check(config, pipelines=PIPELINES, parameters=PARAMETERS)
    assert config.flows["a"].node_settings("clean").timeout == 6


FILTERED = [
    ("{}", {"clean", "join", TRAIN, "measure"}),
    ("{tags: [ingest, slow]}", {"clean", TRAIN}),
    ("{from_nodes: [join]}", {"join", TRAIN}),
    ("{to_nodes: [join]}", {"clean", "join"}),
    ("{node_names: [join, measure]}", {"join", "measure"}),
    ("{from_inputs: [flights_clean]}", {"join", TRAIN}),
    ("{to_outputs: [table]}", {"clean", "join"}),
    ("{namespaces: [models]}", {TRAIN}),
    ("{from_nodes: [join], to_nodes: [join]}", {"join"}),
    ("{pipeline: only_ingest}", {"clean"}),
]


@pytest.mark.parametrize(("text", "names"), FILTERED)
def test_filters_select_the_same_nodes_as_kedro_run(text: str, names: set[str]) -> None:
    flow = parse_config({"flows": {"a": yaml.safe_load(text)}}).flows["a"]
    assert {each.name for each in filtered(PIPELINES, flow).nodes} == names


def test_several_namespaces_are_combined() -> None:
    pipeline = Pipeline(
        [
            node(identity, "x", "y", name="one", namespace="a"),
            node(identity, "y", "z", name="two", namespace="b"),
            node(identity, "z", "w", name="three", namespace="c"),
        ]
    )
    flow = parse_config({"flows": {"f": {"namespaces": ["a", "c"], "from_inputs": "y"}}}).flows["f"]
    assert {each.name for each in filtered({"__default__": pipeline}, flow).nodes} == {"c.three"}
    both = parse_config({"flows": {"f": {"namespaces": ["a", "c"]}}}).flows["f"]
    assert {each.name for each in filtered({"__default__": pipeline}, both).nodes} == {"a.one", "c.three"}
