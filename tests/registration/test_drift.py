"""The flow that a flow run finds in its place is compared with the registered one: an image may be old."""

from __future__ import annotations

import logging
from typing import Any

import prefect
import pytest
from prefect.utilities.configuration import set_temporary_config

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.errors import FlowRunError
from kedro_prefect_hooks.flows import drift
from kedro_prefect_hooks.flows.drift import check_drift
from tests.registration.conftest import NODES, Site

REGISTERED: dict[str, Any] = {
    "retries": {"max_retries": 2, "retry_delay": 5},
    "nodes": {"train_model": {"timeout": 60}},
    "executor": "LocalDaskExecutor",
    "result": {"type": "LocalResult", "dir": "data"},
    "schedule": {"cron": "0 6 * * *"},
    "parameters": ["model.depth"],
}


class Place:
    """The process of a flow run of a registered flow, with files that may have been changed since."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch, **context: str) -> None:
        self.site = site
        live = site.live()[0]
        for name, value in live["run_config"]["env"].items():
            monkeypatch.setenv(name, value)
        self.context = {"flow_id": live["id"], **context}

    def check(self) -> None:
        flows = self.site.flows()
        api = {"backend": "server", "cloud.api": self.site.url}
        with set_temporary_config(api), prefect.context(**self.context):
            check_drift(flows.build("flights"), flows.config.flows["flights"])


@pytest.fixture
def registered(site: Site) -> Site:
    site.flow(**REGISTERED)
    site.register()
    return site


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings of the comparison. Not `caplog`: some versions of Kedro configure logging without it."""
    logged: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert record.levelno == logging.WARNING
            logged.append(record.getMessage())

    monkeypatch.setattr(drift.logger, "handlers", [Handler()])
    return logged


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that the comparison sends."""
    sent: list[str] = []
    real = prefect.Client.graphql

    def graphql(client: Any, query: Any, **options: Any) -> Any:
        sent.append(query)
        return real(client, query, **options)

    monkeypatch.setattr(prefect.Client, "graphql", graphql)
    return sent


def test_equal_settings_cost_no_request(
    registered: Site, monkeypatch: pytest.MonkeyPatch, requests: list[str], warnings: list[str]
) -> None:
    Place(registered, monkeypatch).check()
    assert requests == []
    assert warnings == []


CHANGES: list[tuple[dict[str, Any], str]] = [
    (
        {"retries": {"max_retries": 0}},
        "not what was registered: retries of evaluate, report, split, train_model: 2 registered, 0 here; "
        "retry delay of evaluate, report, split, train_model: 0:00:05 registered, none here.",
    ),
    ({"nodes": {}}, "timeout of train_model: 0:01:00 registered, none here."),
    ({"executor": None}, "not what was registered: other executor."),
    ({"result": None}, "other result."),
    ({"schedule": {"cron": "0 7 * * *"}}, "schedule: every day at 06:00 "),
    ({"model": {"test_size": 0.2, "depth": 4}}, "parameter model.depth: 3 registered, 4 here."),
]


def test_other_settings_are_a_warning(
    registered: Site, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    place = Place(registered, monkeypatch)
    for changed, expected in CHANGES:
        warnings.clear()
        if "model" in changed:
            registered.project.write_conf("base", "parameters", changed)
            registered.flow(**REGISTERED)
        else:
            registered.flow(**{**REGISTERED, **changed})
        place.check()
        (message,) = warnings
        assert expected in message
        assert "Register it again" in message


def test_the_message_fits_the_place(
    registered: Site, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    image = Place(registered, monkeypatch, image="orchard:1.0")
    registered.flow(**{**REGISTERED, "executor": None})
    image.check()
    assert "Build a new image from the files that were registered (this one is orchard:1.0)" in warnings[-1]
    monkeypatch.delenv(env_vars.PROJECT)
    image.context.pop("image")
    image.check()
    assert "Install the package and the configuration that were registered" in warnings[-1]


def test_on_drift_fail_is_what_was_registered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.flow(**REGISTERED, on_drift="fail")
    site.register()
    place = Place(site, monkeypatch)
    site.flow(**{**REGISTERED, "executor": None})  # an old file, which knows nothing of on_drift
    with pytest.raises(FlowRunError, match=r"other executor\. Register it again"):
        place.check()


def test_other_nodes_are_an_error(registered: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(registered, monkeypatch, image="orchard:1.0")
    registered.nodes([{**node, "name": node["name"].replace("split", "cut")} for node in NODES])
    with pytest.raises(FlowRunError, match=r"task cut added; task split removed\. Build"):
        place.check()


def test_an_import_error_that_hides_a_pipeline_is_named(
    registered: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(registered, monkeypatch)
    package = registered.project.package
    registered.project.write(f"src/{package}/pipelines/__init__.py", "")
    registered.project.write(f"src/{package}/pipelines/training/__init__.py", "import not_in_this_image")
    registered.nodes(NODES[:-1])
    text = f"Note: {package}.pipelines.training cannot be imported here (ModuleNotFoundError: No module named"
    assert text in drift.hidden_pipelines()
    with pytest.raises(FlowRunError, match=r"task report removed.*cannot be imported here"):
        place.check()


def test_what_the_api_stores_nothing_of_is_a_change(registered: Site) -> None:
    registered.flow(**{**REGISTERED, "executor": None, "result": None, "on_drift": "fail"})
    line = registered.line()
    assert line.action == "changed"
    assert [str(change) for change in line.changes] == ["executor", "result", "on_drift: warn → fail"]
