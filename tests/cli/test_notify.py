"""`notify:` and `state_handlers:` of prefect.yml, in flow runs that an agent starts."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.cli.conftest import Background
from tests.scenarios.scenarios import failing


class Slack(HTTPServer):
    """Stands in for Slack's incoming webhooks, and keeps the messages that are posted to it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Slack

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_failure_is_posted_to_slack_and_the_projects_handler_is_called(
    tmp_path: Path, kedro: Callable[..., Any], up: Callable[..., Background], slack: Slack
) -> None:
    flow: dict[str, Any] = {"notify": {"slack": {"env": "MY_WEBHOOK"}}}
    project = failing(tmp_path / "project")
    project.write(
        f"src/{project.package}/handlers.py",
        "from pathlib import Path\n\n\ndef record(flow, old_state, new_state):\n"
        "    with (Path(__file__).parents[2] / 'data' / 'states.txt').open('a') as file:\n"
        "        file.write(f'{flow.name} {type(new_state).__name__}\\n')\n",
    )
    flow["state_handlers"] = [f"{project.package}.handlers.record"]
    project.write_conf("base", "prefect", {"flows": {"watched": flow}})
    up(project, env={"MY_WEBHOOK": slack.url})
    kedro(project, "prefect", "register", ok=True)
    kedro(project, "prefect", "run", "watched", "--watch", ok=True)
    assert slack.messages == [], "a success is not posted"
    assert (project.data / "states.txt").read_text().splitlines() == ["watched Running", "watched Success"]

    project.break_node("third")
    assert kedro(project, "prefect", "run", "watched", "--watch").returncode == 1
    (message,) = slack.messages
    text = json.dumps(message)
    assert "watched" in text and "Failed" in text
    assert (project.data / "states.txt").read_text().splitlines()[2:] == ["watched Running", "watched Failed"]
    database = (project.path / ".kedro_prefect" / "api.sqlite").read_bytes()
    assert slack.url.encode() not in database, "the URL is a secret"
