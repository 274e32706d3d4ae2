"""Notifications are sent where the flow runs, with its secrets, and never change the flow run's state."""

from __future__ import annotations

import json
import logging
import pickle
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Iterator

import cloudpickle
import prefect
import pytest
import yaml
from prefect.engine.state import State

from kedro_prefect_hooks.config import FlowConfig, parse_config


class Slack:
    """A fake Slack: stores what it receives, and responds with `status`."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                slack.messages.append(json.loads(self.rfile.read(length)))
                self.send_response(slack.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return None

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T/B/PRIVATE"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def slack() -> Iterator[Slack]:
    server = Slack()
    yield server
    server.server.shutdown()
    server.server.server_close()


def flow_of(text: str) -> FlowConfig:
    return parse_config({"flows": {"night": yaml.safe_load(text)}}).flows["night"]


def run(config: FlowConfig, *, fails: bool) -> State:
    @prefect.task
    def work() -> int:
        return 1 // (0 if fails else 1)

    with prefect.Flow(config.name, state_handlers=config.build_state_handlers()) as flow:
        work()
    state = flow.run()
    assert isinstance(state, State)
    return state


def texts(slack: Slack) -> list[str]:
    return [attachment["text"] for message in slack.messages for attachment in message["attachments"]]


def test_slack_by_environment_variable(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_HOOK", slack.url)
    config = flow_of("{notify: {slack: {env: MY_HOOK}}}")
    assert run(config, fails=False).is_successful()
    assert texts(slack) == []
    assert run(config, fails=True).is_failed()
    assert texts(slack) == ["night is now in a Failed state"]


def test_slack_by_prefect_secret(slack: Slack) -> None:
    config = flow_of("{notify: {slack: {secret: HOOK}, states: [Success, Running]}}")
    with prefect.context(secrets={"HOOK": slack.url}):
        run(config, fails=False)
    assert texts(slack) == ["night is now in a Running state", "night is now in a Success state"]


def test_subclasses_of_a_state_are_included(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_HOOK", slack.url)
    (handler,) = flow_of("{notify: {slack: {env: MY_HOOK}}}").build_state_handlers()
    running, late = prefect.engine.state.Running(), prefect.engine.state.TimedOut("too long")
    assert handler(prefect.Flow("night"), running, late) is late
    assert texts(slack) == ["night is now in a TimedOut state"]


@pytest.mark.parametrize("status", [500, None], ids=["refused", "unset"])
def test_a_failed_notification_is_logged_without_the_url(
    slack: Slack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int | None
) -> None:
    if status is not None:
        slack.status = status
        monkeypatch.setenv("MY_HOOK", slack.url)
    config = flow_of("{notify: {slack: {env: MY_HOOK}, states: [Success]}}")
    with caplog.at_level(logging.WARNING):
        assert run(config, fails=False).is_successful()
    messages = [record.getMessage() for record in caplog.records if "notification" in record.getMessage()]
    assert messages
    assert messages[0].startswith("The notification through Slack failed: ")
    assert ("MY_HOOK is not set" in messages[0]) is (status is None)
    assert "PRIVATE" not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/PRIVATE", "PRIVATE"])
def test_an_invalid_url_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    monkeypatch.setenv("MY_HOOK", url)
    with caplog.at_level(logging.DEBUG):
        assert run(
            flow_of("{notify: {slack: {env: MY_HOOK}, states: [Success]}}"), fails=False
        ).is_successful()
    assert "The notification through Slack failed" in caplog.text
    assert "PRIVATE" not in "".join(record.getMessage() for record in caplog.records if record.levelno > 10)


def test_email_without_its_secrets_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert run(flow_of("{notify: {email: true, states: [Success]}}"), fails=False).is_successful()
    assert (
        'The notification through email failed: Local Secret "EMAIL_USERNAME" was not found.' in caplog.text
    )


def record_state(flow: Any, old_state: State, new_state: State) -> State:
    recorded.append(type(new_state).__name__)
    return new_state


recorded: list[str] = []


def test_the_projects_own_state_handlers_are_called_too() -> None:
    recorded.clear()
    config = flow_of(f"{{state_handlers: [{__name__}.record_state], notify: {{email: true}}}}")
    run(config, fails=False)
    assert recorded == ["Running", "Success"]


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_handlers_are_pickled_without_the_secret(
    slack: Slack, monkeypatch: pytest.MonkeyPatch, pickler: Any
) -> None:
    monkeypatch.setenv("MY_HOOK", slack.url)
    monkeypatch.setenv("MY_PASSWORD", "PRIVATE")
    smtp = "smtp: {host: a, sender: b, to: c, user: d, password: {env: MY_PASSWORD}}"
    config = flow_of(
        f"{{notify: {{slack: {{env: MY_HOOK}}, email: true, webhook: {{env: MY_HOOK}}, {smtp}}}}}"
    )
    handlers = config.build_state_handlers()
    pickled = pickler.dumps(handlers)
    assert b"PRIVATE" not in pickled
    assert len(pickle.loads(pickled)) == 4
