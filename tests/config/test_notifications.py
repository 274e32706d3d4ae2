"""Notifications by a webhook of any kind and by any SMTP server: what is sent, and that no secret is."""

from __future__ import annotations

import base64
import logging
import socketserver
import threading
from typing import Any, Iterator

import prefect
import pytest

from tests.config.test_state_handlers import Slack, flow_of, run, slack

__all__ = ["slack"]  # a fixture


class Smtp:
    """A server that stores messages, and who has logged in with which password."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.commands: list[str] = []
        smtp = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 ready")
                while True:
                    command = self.rfile.readline().decode().strip()
                    smtp.commands.append(command)
                    verb = command[:4].upper()
                    if verb == "EHLO":
                        self.say("250-here\r\n250 AUTH PLAIN")
                    elif verb == "AUTH":
                        self.say("235 welcome" if smtp.logs_in(command) else "535 no")
                    elif verb == "DATA":
                        self.say("354 go on")
                        lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                        smtp.messages.append("\n".join(lines))
                        self.say("250 taken")
                    elif verb == "QUIT" or not command:
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 fine")

            def say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def logs_in(self, command: str) -> bool:
        return base64.b64decode(command.split()[2]) == b"\0flows\0PRIVATE"


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    server = Smtp()
    yield server
    server.server.shutdown()
    server.server.server_close()


def of_smtp(smtp: Smtp, more: str = "") -> Any:
    settings = f"host: 127.0.0.1, port: {smtp.port}, sender: a@b.c, to: [d@e.f, g@h.i]{more}"
    return flow_of(f"{{notify: {{smtp: {{{settings}}}}}}}")


def test_text_for_mattermost_and_others(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_HOOK", slack.url)
    config = flow_of("{notify: {webhook: {env: MY_HOOK}}}")
    run(config, fails=False)
    run(config, fails=True)
    assert slack.messages == [
        {"text": "night is now in a Failed state\nSome reference tasks failed."},
    ]


def test_a_card_for_teams(slack: Slack) -> None:
    config = flow_of("{notify: {webhook: {secret: TEAMS, format: teams}, states: Success}}")
    with prefect.context(secrets={"TEAMS": slack.url}):
        run(config, fails=False)
    (message,) = slack.messages
    card = message["attachments"][0]
    assert message["type"] == "message"
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["content"]["type"] == "AdaptiveCard"
    assert [block["text"] for block in card["content"]["body"]] == [
        "night is now in a Success state",
        "All reference tasks succeeded.",
    ]


def test_json_with_keys(slack: Slack) -> None:
    config = flow_of("{notify: {webhook: {secret: HOOK, format: json}}}")
    with prefect.context(secrets={"HOOK": slack.url}):
        run(config, fails=True)
    (message,) = slack.messages
    assert message == {
        "flow": "night",
        "flow_run": None,
        "flow_run_id": None,
        "state": "Failed",
        "message": "Some reference tasks failed.",
        "link": None,
    }


def test_email_through_a_server_of_ones_own(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PASSWORD", "PRIVATE")
    run(of_smtp(smtp, ", security: none, user: flows, password: {env: MY_PASSWORD}"), fails=True)
    (message,) = smtp.messages
    assert "Subject: night is now in a Failed state" in message
    assert "From: a@b.c" in message
    assert "Some reference tasks failed." in message
    assert [each for each in smtp.commands if each.lower().startswith("rcpt")] == [
        "rcpt TO:<d@e.f>",
        "rcpt TO:<g@h.i>",
    ]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (", user: flows, password: {env: MY_PASSWORD}", "127.0.0.1: STARTTLS extension not supported"),
        (
            ", security: none, user: other, password: {env: MY_PASSWORD}",
            "127.0.0.1 responded with the code 535",
        ),
        (
            ", security: none, user: flows, password: {env: UNSET}",
            "the environment variable UNSET is not set",
        ),
        (", security: tls", "SSLError"),
    ],
    ids=["not encrypted", "wrong login", "no password", "no TLS"],
)
def test_email_that_fails_is_logged_without_the_password(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, more: str, says: str
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "PRIVATE")
    with caplog.at_level(logging.WARNING):
        assert run(of_smtp(smtp, more), fails=True).is_failed()
    assert f"The notification through SMTP failed: {says}" in caplog.text
    assert not smtp.messages
    assert "PRIVATE" not in caplog.text
    assert base64.b64encode(b"\0flows\0PRIVATE").decode() not in " ".join(smtp.commands)


def test_a_webhook_that_refuses_is_logged_without_its_url(
    slack: Slack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MY_HOOK", slack.url)
    slack.status = 403
    with caplog.at_level(logging.WARNING):
        run(flow_of("{notify: {webhook: {env: MY_HOOK}}}"), fails=True)
    assert "The notification through a webhook failed: the response has the status 403" in caplog.text
    assert "PRIVATE" not in caplog.text
